/** The pages in a real browser: live, readable without JavaScript, and by the rules of accessibility. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))
const name = program ? 'pages in a browser' : 'pages in a browser [skipped: chromium is not installed]'
/** Screenshots are kept where somebody wants to look at them. */
const shots = process.env['RAIBID_TEST_SHOTS']

describe.skipIf(!program)(name, () => {
  let pool: TestPool
  let serve: Serve
  let browser: Browser
  let failed: string
  beforeAll(async () => {
    pool = await testPool()
    await pool.up('--max', '2')
    serve = await startServe(pool.env)
    const { chromium } = await import('playwright-core')
    browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'] })
    await pool.ended(await pool.enqueue(stepsRepo('echo fine').path))
    const noisy = `printf '\\033[1;32mok\\033[0m  all is well\\n'; for i in $(seq 40); do echo "line $i of a build that has much to say, and says it on one long line that goes on and on"; done`
    failed = await pool.enqueue(
      stepsRepo(
        { name: 'build', run: noisy },
        { name: 'test', run: `printf '\\033[31merror\\033[0m: expected 4, got 5\\n'; exit 101` },
      ).path,
    )
    await pool.ended(failed)
  })
  afterAll(async () => {
    await browser?.close()
    await serve?.end()
    await pool?.close()
  })

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage()
    const troubles: string[] = []
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()))
    page.on('pageerror', (error) => troubles.push(String(error)))
    await page.goto(serve.url + path, { waitUntil: 'load' })
    expect(troubles).toEqual([])
    return page
  }

  const looks: [string, BrowserContextOptions][] = [
    ['light', { colorScheme: 'light', viewport: { width: 1200, height: 900 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1200, height: 900 } }],
    ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
    ['phone in the dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ]
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

  test.each(looks)(
    '%s: nothing breaks the rules of accessibility, and nothing is wider than the window',
    async (look, options) => {
      for (const [which, path] of [
        ['list', '/'],
        ['job', `/jobs/${failed}`],
      ] as const) {
        // the rules are put into the page by evaluation, which its policy would refuse
        const page = await open(path, { ...options, bypassCSP: true })
        await page.evaluate(axe)
        const found = await page.evaluate(
          async () =>
            (await (globalThis as any).axe.run()).violations.map(
              (one: any) =>
                `${one.id}: ${one.nodes
                  .map((node: any) => node.html)
                  .join(' | ')
                  .slice(0, 300)}`,
            ) as string[],
        )
        expect(found).toEqual([])
        expect(
          await page.evaluate(() => (globalThis as any).document.documentElement.scrollWidth - (globalThis as any).innerWidth),
        ).toBeLessThanOrEqual(0)
        if (shots) {
          mkdirSync(shots, { recursive: true })
          await page.screenshot({ path: join(shots, `${which}-${look.replaceAll(' ', '-')}.png`) })
        }
        await page.context().close()
      }
    },
  )

  test('without JavaScript everything is there; what failed is open', async () => {
    const page = await open(`/jobs/${failed}`, { javaScriptEnabled: false })
    expect(await page.textContent('main')).toMatch(/failed.*step test: exit 101/s)
    expect(await page.locator('details[open] pre').allTextContents()).toEqual([
      expect.stringContaining('error: expected 4, got 5'),
    ])
    await page.context().close()
  })

  test('the list shows a new job, and a job its lines and its end, without a reload', async () => {
    const list = await open('/')
    const id = await pool.enqueue(stepsRepo('for i in 1 2 3; do echo "live $i"; sleep 0.7; done').path)
    await list.waitForSelector(`a[href="/jobs/${id}"]`, { timeout: 15_000 })
    const page = await open(`/jobs/${id}`)
    await page.waitForFunction(() => (globalThis as any).document.body.textContent.includes('live 3'), undefined, {
      timeout: 15_000,
    })
    await page.waitForSelector('h1 .success', { timeout: 15_000 })
    const lines = await page.locator('details').last().locator('pre').textContent()
    expect(lines!.match(/live \d/g)).toEqual(['live 1', 'live 2', 'live 3'])
    await list.waitForFunction(
      (own) =>
        (globalThis as any).document.querySelector(`a[href="/jobs/${own}"]`)?.closest('tr')?.textContent.includes('success'),
      id,
      { timeout: 15_000 },
    )
    await Promise.all([page, list].map((one) => one.context().close()))
  })

  test('a link to a line leads there, whatever is folded', async () => {
    const page = await open(`/jobs/${failed}#s2-30`)
    expect(await page.locator('#s2-30').isVisible()).toBe(true)
    await page.context().close()
  })
})

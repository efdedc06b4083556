import { getEventListeners } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dryRun } from '#lib/bootstrap/dry-run.ts'
import { look, lookAll, NoClusterError } from '#lib/bootstrap/look.ts'
import { choose, goOn, inOrder } from '#lib/bootstrap/order.ts'
import { journal } from '#lib/bootstrap/journal.ts'
import { lockCluster } from '#lib/bootstrap/lock.ts'
import { files } from '#lib/contract.ts'
import { InterruptedError, RaibidError, UnreachableError } from '#lib/errors.ts'
import { bootstrapOf, standIn, standInContext } from '#test/helpers/components.ts'

const three = () => [standIn('a'), standIn('b', ['a']), standIn('c', ['b'])] as const
const fails = (error: Error) => ({
  apply: async () => {
    throw error
  },
})

describe('bootstrap', () => {
  test('applies what is not healthy, in order; the second time there is nothing to do', async () => {
    const [ctx, list] = [await standInContext(), three()]
    expect((await bootstrapOf(list, ctx)).words).toEqual(['a: applied', 'b: applied', 'c: applied'])
    const second = await bootstrapOf(list, ctx)
    expect(second.words).toEqual(['a: nothing', 'b: nothing', 'c: nothing'])
    expect(list.map(({ asked }) => asked.filter((one) => one === 'apply').length)).toEqual([1, 1, 1])
  })

  test('stops at the first failure, with the reason and what shows it, and takes up from there', async () => {
    const [ctx, [a, b, c]] = [await standInContext(), three()]
    const { apply } = b
    b.apply = async () => {
      b.finding = { state: 'degraded', reason: 'half made', evidence: ['pod b-0: ImagePullBackOff'] }
      throw new RaibidError('the registry is away')
    }
    const first = await bootstrapOf([a, b, c], ctx)
    expect(first.words).toEqual(['a: applied', 'b: failed', 'c: not reached'])
    expect(first.outcomes[1]).toMatchObject({ reason: 'the registry is away', evidence: ['pod b-0: ImagePullBackOff'] })
    expect(first.state.components['b']).toMatchObject({ state: 'failed', reason: 'the registry is away' })
    expect(c.asked).toEqual([])
    b.apply = apply
    const second = await bootstrapOf([a, b, c], ctx)
    expect(second.words).toEqual(['a: nothing', 'b: applied', 'c: applied'])
    expect(
      second.state.transitions.filter(({ component }) => component === 'b').map(({ from, to }) => `${from} → ${to}`),
    ).toEqual(['absent → deploying', 'deploying → failed', 'failed → repairing', 'repairing → healthy'])
  })

  test('on ground that is not firm nothing is begun, and the command that goes on begins with what has to be mended', async () => {
    const [ctx, [a, b, c]] = [await standInContext(), three()]
    await bootstrapOf([a, b, c], ctx)
    a.finding = { state: 'degraded', reason: 'a broke' }
    b.finding = { state: 'degraded', reason: 'b, too' }
    c.finding = { state: 'absent' }
    const { outcomes } = await bootstrapOf([a, b, c], ctx, { from: 'c' })
    expect(outcomes.at(-1)).toMatchObject({ what: 'failed', lacks: 'a', reason: 'it needs a, which is degraded: a broke' })
    expect(c.asked.filter((one) => one === 'apply').length).toBe(1)
    expect(goOn('c', { from: 'c' }, 'a')).toBe('just bootstrap --from a')
    expect(goOn('c', { only: ['c'], skip: ['x'] }, 'a')).toBe('just bootstrap --only a --only c --skip x')
    expect(goOn('c', { only: ['c'] })).toBe('just bootstrap --only c')
    const again = await bootstrapOf([a, b, c], ctx, { from: 'a' })
    expect(again.words).toEqual(['a: applied', 'b: applied', 'c: applied'])
  })

  test('what never gets well is a failure with its last finding', async () => {
    const a = standIn('a', [], {
      apply: async () => void (a.finding = { state: 'degraded', reason: 'no pod is ready', evidence: ['x'] }),
    })
    const { outcomes } = await bootstrapOf([a], await standInContext())
    expect(outcomes[0]).toMatchObject({
      what: 'failed',
      reason: 'it was made, and is not well after 0.05 s: no pod is ready',
      evidence: ['x'],
    })
  })

  test('what gets well after a while is waited for, and says why', async () => {
    let looks = 0
    const a = standIn('a', [], {
      settlesWithinMs: 5000,
      apply: async () => void (a.finding = { state: 'degraded', reason: 'starts' }),
      check: async () => (++looks > 4 ? { state: 'healthy' } : a.finding),
    })
    const { words, events } = await bootstrapOf([a], await standInContext())
    expect(words).toEqual(['a: applied'])
    expect(events.filter(({ what }) => what === 'waits').map(({ reason }) => reason)).toContain('starts')
  })

  test('an API server that goes away in the middle is a failure that says so', async () => {
    const [ctx, [a, b]] = [await standInContext(), three()]
    b.apply = fails(new UnreachableError('cannot reach Kubernetes at https://x:6443')).apply
    const { outcomes } = await bootstrapOf([a, b], ctx)
    expect(outcomes[1]).toMatchObject({ what: 'failed', unreachable: true, reason: 'cannot reach Kubernetes at https://x:6443' })
  })

  test.each([0, 1, 2])('Ctrl-C in step %i: the next run goes on there', async (at) => {
    const stop = new AbortController()
    const list = three()
    const { apply } = list[at]!
    list[at]!.apply = async () => {
      stop.abort(new InterruptedError('Stopped by SIGINT.'))
      throw stop.signal.reason
    }
    const ctx = await standInContext({ signal: stop.signal })
    await expect(bootstrapOf(list, ctx)).rejects.toThrow(InterruptedError)
    list[at]!.apply = apply
    const again = await bootstrapOf(list, { ...ctx, signal: new AbortController().signal })
    expect(again.words).toEqual(['a', 'b', 'c'].map((name, i) => `${name}: ${i < at ? 'nothing' : 'applied'}`))
    expect(again.state.components[list[at]!.name]).toMatchObject({ state: 'healthy' })
  })

  test('Ctrl-C in a step that does not hear it ends it all the same; nobody goes on listening', async () => {
    const stop = new AbortController()
    const ctx = await standInContext({ signal: stop.signal })
    const deaf = standIn('a', [], {
      apply: () => new Promise(() => setTimeout(() => stop.abort(new InterruptedError('Stopped by SIGINT.')), 10)),
    })
    await expect(bootstrapOf([deaf], ctx)).rejects.toThrow('Stopped by SIGINT.')
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  test('what is not chosen but needed has to be there, unless the person says so', async () => {
    const [ctx, list] = [await standInContext(), three()]
    const only = await bootstrapOf(list, ctx, { only: ['b'] })
    expect(only.outcomes[1]).toMatchObject({ what: 'failed', reason: 'it needs a, which is absent' })
    expect((await bootstrapOf(list, ctx, { skip: ['a'] })).words).toEqual(['a: skipped', 'b: applied', 'c: applied'])
  })

  test('a check that breaks or hangs is that component’s trouble alone', async () => {
    const ctx = await standInContext()
    const broken = standIn('a', [], {
      check: () => {
        throw new TypeError('x is undefined')
      },
    })
    const hangs = standIn('b', [], { check: () => new Promise(() => {}) })
    expect(await look(broken, ctx)).toEqual({ state: 'degraded', reason: 'its check broke: x is undefined' })
    expect(await look(hangs, ctx, 20)).toMatchObject({ state: 'degraded', reason: 'its state was not known within 0.02 s' })
    const none = standIn('c', [], {
      check: async () => {
        throw new NoClusterError('there is no cluster yet')
      },
    })
    const all = await lookAll([broken, none, standIn('d')], ctx)
    expect([...all.values()].map(({ state }) => state)).toEqual(['degraded', 'absent', 'absent'])
  })
})

describe('a dry run', () => {
  test('says what would be done, asks nothing of a cluster that is to come, and writes nothing', async () => {
    const ctx = await standInContext()
    const list = [
      standIn('machine', [], { withoutCluster: true }),
      standIn('k3s', ['machine'], { withoutCluster: true }),
      standIn('redis', ['k3s']),
    ]
    list[0]!.finding = { state: 'healthy' }
    const planned = await dryRun(choose(inOrder(list), {}), ctx)
    expect(planned).toEqual([
      { name: 'machine', title: 'the machine', state: 'healthy', steps: [] },
      { name: 'k3s', title: 'the k3s', state: 'absent', steps: ['make k3s'] },
      { name: 'redis', title: 'the redis', state: 'absent', reason: 'comes after k3s', steps: ['make redis'] },
    ])
    expect(list[2]!.asked).toEqual(['plan'])
    expect(existsSync(join(ctx.home, files.clusterState))).toBe(false)
  })
})

describe('what is written down', () => {
  test('is readable by its owner only, and damaged is put aside and told of', async () => {
    const ctx = await standInContext()
    await bootstrapOf(three(), ctx)
    const file = join(ctx.home, files.clusterState)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const text of [
      '{"version":1,',
      '{"version":"2"}',
      '{"version":1,"settings":null,"components":{"a":{"state":"dancing"}},"transitions":[]}',
    ]) {
      writeFileSync(file, text)
      const { said, words } = await bootstrapOf([standIn('a')], ctx)
      expect(said[0]).toContain(`keeps it as ${file}.damaged`)
      expect(words).toEqual(['a: applied'])
      expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text)
    }
  })

  test('whoever only looks leaves a damaged one where it is; what was chosen is read if it can be', async () => {
    const { home } = await standInContext()
    const file = join(home, files.clusterState)
    mkdirSync(join(home, 'cluster'))
    const settings = { preset: 'team', existing: { kubeconfig: '/k' }, airgap: null, mirrors: {} }
    for (const [text, lost] of [
      ['{', true],
      ['null', true],
      [JSON.stringify({ version: 1, settings, components: { a: 1 }, transitions: [] }), false],
    ] as const) {
      writeFileSync(file, text)
      const notes = journal(home, () => {})
      expect([notes.lost, notes.state().settings]).toEqual([lost, lost ? null : settings])
      expect([readFileSync(file, 'utf8'), existsSync(`${file}.damaged`)]).toEqual([text, false])
    }
  })

  test('one of a newer raibid-ci is none of ours: nothing is done to it', async () => {
    const { home } = await standInContext()
    const file = join(home, files.clusterState)
    mkdirSync(join(home, 'cluster'))
    writeFileSync(file, '{"version":2,"components":[]}')
    expect(() => journal(home, () => {})).toThrow(
      /state.json was written by a newer raibid-ci \(version 2 of it; this one knows 1\)/,
    )
    expect(readFileSync(file, 'utf8')).toBe('{"version":2,"components":[]}')
  })

  test('a disk that is full ends the run with the file’s name', async () => {
    const ctx = await standInContext()
    // a folder where the file should be stands for a write that fails
    mkdirSync(join(ctx.home, `cluster/state.json.${process.pid}`), { recursive: true })
    await expect(bootstrapOf(three(), ctx)).rejects.toThrow(/state.json can't be written: .*free some disk/)
  })
})

describe('the lock', () => {
  test('is one process’s; what a dead one left is taken over', async () => {
    const { home } = await standInContext()
    const release = lockCluster(home, 'bootstrap')
    expect(() => lockCluster(home, 'teardown')).toThrow(`\`just bootstrap\` is at work on the cluster (process ${process.pid})`)
    release()
    writeFileSync(join(home, files.clusterLock), JSON.stringify({ pid: 1, startTime: 'never', verb: 'bootstrap' }))
    lockCluster(home, 'reconcile')()
    writeFileSync(join(home, files.clusterLock), 'rubbish')
    lockCluster(home, 'reconcile')()
  })

  test('what was being written by who was killed goes with it; who lives is let be', async () => {
    const { home } = await standInContext()
    const folder = join(home, 'cluster')
    mkdirSync(folder)
    const [dead, alive] = [`state.json.${2 ** 22 - 3}`, `lock.${process.ppid}`]
    for (const name of [dead, alive, 'state.json.damaged']) writeFileSync(join(folder, name), '')
    lockCluster(home, 'bootstrap')()
    expect(readdirSync(folder).toSorted()).toEqual([alive, 'state.json.damaged'])
  })

  test('that can’t be made is one sentence with its file, and no fault of ours', async () => {
    const { home } = await standInContext()
    writeFileSync(join(home, 'cluster'), '')
    expect(() => lockCluster(home, 'bootstrap')).toThrow(RaibidError)
    expect(() => lockCluster(home, 'bootstrap')).toThrow(/cluster\/lock can't be made: .*free some disk or correct its owner/)
  })
})

import { Cron } from 'croner'
import { z } from 'zod'
import { duration } from './config-values.ts'

/** The parts of `raibid.yaml` that are about `serve`: where it is reached, and what is built of which repository. */

const pattern = z.string().min(1, 'is empty').max(255, 'is longer than 255 characters')
const patterns = z.array(pattern).max(50, 'has more than 50 entries')
const variable = z.string().regex(/^(?!RAIBID_)[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of a secret')
const fullName = z.string().regex(/^[A-Za-z0-9._-]{1,100}\/[A-Za-z0-9._-]{1,100}$/, 'is not owner/name')

/** Five fields: cron has minutes, and a sixth would be seconds. */
function isCron(text: string): boolean {
  if (text.trim().split(/\s+/).length !== 5) return false
  try {
    return new Cron(text, { paused: true }).nextRun() !== null
  } catch {
    return false
  }
}

export const serveShape = z
  .strictObject({
    public: z
      .boolean()
      .optional()
      .describe('Pages and badges are shown to whoever reaches them (default: only on a loopback address)'),
  })
  .optional()

export const repositories = z
  .array(
    z
      .strictObject({
        match: pattern.describe('`owner/name`, or a pattern such as `myorg/*`; the first entry that matches holds'),
        enabled: z.boolean().optional().describe('Whether anything of it is built (default: true)'),
        branches: patterns.optional().describe('Branches whose pushes are built (default: all)'),
        tags: patterns.optional().describe('Tags whose pushes are built (default: none)'),
        paths: patterns.optional().describe('Build only when a changed file is one of these (default: any)'),
        pool: z.string().optional().describe('Pool whose agents build it (default: `default`)'),
        pipeline: z
          .string()
          .regex(/^[a-z][a-z0-9-]{0,63}$/, 'is not the name of a pipeline')
          .optional()
          .describe('Pipeline to use (default: auto)'),
        concurrency: z
          .enum(['queue', 'supersede', 'cancel-running'])
          .optional()
          .describe(
            'What a push does to older builds of its branch: nothing, cancel those that wait, or those that run too (default: supersede)',
          ),
        secrets: z
          .array(variable)
          .max(50)
          .optional()
          .describe('Secrets of its builds, from the environment of `serve`; never for forks'),
        pullRequests: z.boolean().optional().describe('Whether pull requests are built (default: true)'),
        forks: z
          .enum(['hold', 'ignore'])
          .optional()
          .describe('Pull requests of forks: wait for `just approve`, or nothing (default: hold)'),
        mirror: fullName
          .optional()
          .describe('Its mirror on Gitea: a push on GitHub makes Gitea fetch, and the mirror’s own push is built'),
        url: z
          .string()
          .regex(/^(https?|ssh):\/\/\S+$|^\S+@\S+:\S+$/, 'is not a clone URL')
          .regex(/^(?!https?:\/\/[^/]*@|ssh:\/\/[^/]*:[^/]*@)/, 'carries a login: give it in RAIBID_GIT_CREDENTIALS')
          .optional()
          .describe('Its clone URL; needed for `poll` and `cron`'),
        poll: duration
          .optional()
          .describe('Ask it for new commits so often, where no webhook reaches this machine (default: never)'),
        cron: z
          .string()
          .max(100, 'is longer than 100 characters')
          .refine(isCron, 'is not a schedule such as `0 3 * * *` (minute, hour, day, month, weekday)')
          .optional()
          .describe('Build its default branch by the clock, as cron has it: `0 3 * * *` (default: never)'),
      })
      .refine(({ cron, url }) => cron === undefined || url !== undefined, {
        path: ['cron'],
        message: 'needs the `url` beside it',
      }),
  )
  .optional()

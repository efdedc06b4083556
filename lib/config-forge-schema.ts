import { z } from 'zod'
import { webUrl } from './config-values.ts'

/** The part of `raibid.yaml` that says which forges there are. */

const forge = z
  .strictObject({
    kind: z
      .enum(['gitea', 'github', 'gitlab'], 'is not a kind of forge: gitea, github or gitlab')
      .describe('One of gitea, github and gitlab; a gitlab is a source of mirrors only: no webhooks, no commit statuses'),
    url: webUrl
      .optional()
      .describe('Its address, as a browser has it (default for github: https://github.com, for gitlab: https://gitlab.com)'),
    aliases: z
      .array(webUrl)
      .max(20, 'has more than 20 entries')
      .optional()
      .describe('Other addresses under which its repositories are cloned, as https://git.example'),
    tokenFile: z
      .string()
      .min(1, 'is empty')
      .optional()
      .describe(
        'File (mode 600) with a token for it (default: the variable RAIBID_GITEA_TOKEN, RAIBID_GITHUB_TOKEN or RAIBID_GITLAB_TOKEN)',
      ),
  })
  .refine(({ kind, url }) => kind !== 'gitea' || url !== undefined, { path: ['url'], message: 'is missing' })

export const forges = z
  .array(forge)
  .max(20, 'has more than 20 entries')
  .describe('The forges that host what is built, or what is mirrored')

export type ForgeFile = z.infer<typeof forge>

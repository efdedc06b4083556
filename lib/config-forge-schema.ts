import { z } from 'zod'
import { webUrl } from './config-values.ts'

/** The part of `raibid.yaml` that says which forges there are. */

const forge = z
  .strictObject({
    kind: z.enum(['gitea', 'github'], 'is not a kind of forge: gitea or github').describe('Either gitea or github'),
    url: webUrl.optional().describe('Its address, as a browser has it (default for github: https://github.com)'),
    aliases: z
      .array(webUrl)
      .max(20, 'has more than 20 entries')
      .optional()
      .describe('Other addresses under which its repositories are cloned, as https://git.example'),
    tokenFile: z
      .string()
      .min(1, 'is empty')
      .optional()
      .describe('File (mode 600) with a token for it (default: the variable RAIBID_GITEA_TOKEN or RAIBID_GITHUB_TOKEN)'),
  })
  .refine(({ kind, url }) => kind === 'github' || url !== undefined, { path: ['url'], message: 'is missing' })

export const forges = z.array(forge).max(20, 'has more than 20 entries').describe('The forges that host what is built')

export type ForgeFile = z.infer<typeof forge>

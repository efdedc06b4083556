import { messageOf } from '#lib/errors.ts'
import type { Job } from '#lib/queue/types.ts'

/** The values of a job's secrets, or why they can't be had. */
export async function openSecrets(job: Job, home: string, key?: string): Promise<Record<string, string> | string> {
  if (!job.sealed) return job.secrets.length ? `the secret ${job.secrets[0]} was not sent with the job` : {}
  try {
    const { secretKey, unseal } = await import('#lib/seal.ts')
    return unseal(job.sealed, secretKey(home, false, key), job.id)
  } catch (error) {
    return messageOf(error)
  }
}

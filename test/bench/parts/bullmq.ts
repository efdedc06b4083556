/** The peer: BullMQ, used as its documentation says. */
import type { Queue, Worker } from 'bullmq'

// what stands in for its native addon here (package.json, overrides) has nothing in it; it serves decoding, which a queue does not do
process.env['MSGPACKR_NATIVE_ACCELERATION_DISABLED'] = 'true'

export interface Peer {
  /** A queue that is connected, with nothing in it. */
  queue: (name: string) => Promise<Queue>
  /** Works on all that waits, so many at a time, and gives how long that took, ms. */
  drain: (name: string, jobs: number, concurrency: number) => Promise<number>
}

export async function bullmq(port: number): Promise<Peer> {
  const { Queue, Worker } = await import('bullmq')
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  return {
    async queue(name) {
      const queue = new Queue(name, { connection })
      await queue.waitUntilReady()
      return queue
    },
    async drain(name, jobs, concurrency) {
      const worker: Worker = new Worker(name, async () => 'done', { connection, concurrency, autorun: false })
      await worker.waitUntilReady()
      let left = jobs
      const begin = performance.now()
      await new Promise<void>((resolve, reject) => {
        worker.on('completed', () => --left === 0 && resolve())
        worker.on('failed', (_, error) => reject(error))
        worker.run().catch(reject)
      })
      const took = performance.now() - begin
      await worker.close()
      return took
    },
  }
}

import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Decides over one request that was seen on its way: let it through, or let it through and lose the reply with the connection. */
export type Verdict = 'forward' | 'lose-reply' | 'drop'
/** Asked for every piece on its way to Redis while it is set. The connection waits for the answer. */
export type Watch = (piece: Buffer) => Verdict | Promise<Verdict>

interface Pair {
  client: Socket
  server: Socket
  /** Replies are not passed on any more. */
  deaf: boolean
}

/** A TCP proxy before Redis, with everything that can happen to a network. */
export async function startProxy(target: { host: string; port: number }) {
  const pairs = new Set<Pair>()
  const watches = new Set<Watch>()
  let mode: 'pass' | 'refuse' | 'silent' = 'pass'
  let delayMs = 0

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (mode === 'refuse') return void client.destroy()
    const pair: Pair = { client, server: connect({ ...target, allowHalfOpen: true }), deaf: false }
    pairs.add(pair)
    const both = [client, pair.server]
    for (const socket of both) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => close(pair))
    }
    relay(client, pair.server, (piece) => toServer(pair, piece))
    relay(pair.server, client, () => Promise.resolve(!pair.deaf))
  })

  function close(pair: Pair): void {
    pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }

  /** In order, each piece as late as the delay says; `may` decides whether it goes on. */
  function relay(from: Socket, to: Socket, may: (piece: Buffer) => Promise<boolean>): void {
    let last = Promise.resolve()
    const next = (work: () => Promise<void>): void => {
      last = last.then(work).catch(() => {})
    }
    from.on('data', (piece) => {
      const due = performance.now() + delayMs
      next(async () => {
        if (due > performance.now()) await sleep(due - performance.now())
        while (mode === 'silent') await sleep(20)
        if ((await may(piece)) && !to.destroyed) to.write(piece)
      })
    })
    from.on('end', () => next(() => Promise.resolve(void to.end())))
  }

  async function toServer(pair: Pair, piece: Buffer): Promise<boolean> {
    for (const watch of watches) {
      const verdict = await watch(piece)
      if (verdict === 'drop') return false
      if (verdict === 'forward') continue
      pair.deaf = true
      // the answer proves that the script ran; a moment more, for an earlier answer may come first
      pair.server.once('data', () => void sleep(30).then(() => close(pair)))
    }
    return true
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  return {
    port,
    connections: () => pairs.size,
    /** `refuse`: nobody gets in or stays. `silent`: everything seems to work, but nothing arrives. */
    set(wanted: typeof mode): void {
      mode = wanted
      if (mode === 'refuse') for (const pair of pairs) close(pair)
    },
    delay: (ms: number): void => void (delayMs = ms),
    cut: (): void => pairs.forEach(close),
    /** One side of every connection is told that the other has finished. */
    halfClose: (side: 'client' | 'server'): void => pairs.forEach((pair) => pair[side].end()),
    /** Shows every piece to `watch` until the returned function is called. */
    watch(one: Watch): () => void {
      watches.add(one)
      return () => void watches.delete(one)
    },
    async close(): Promise<void> {
      mode = 'refuse'
      server.close()
      for (const pair of pairs) close(pair)
      await once(server, 'close')
    },
  }
}

export type Proxy = Awaited<ReturnType<typeof startProxy>>

import type { Orders } from '#lib/contract.ts'

/**
 * Says that this process is ready, and waits to be told what to do. Null: it is not needed (whoever started it has gone, or `leave` was aborted).
 * Orders that were given are followed, even when their giver was killed right behind them.
 */
export function ordersOf(leave: AbortSignal): Promise<Orders | null> {
  return new Promise((resolve) => {
    const end = (): void => resolve(null)
    process.removeAllListeners('disconnect').once('disconnect', end)
    leave.addEventListener('abort', end)
    process.once('message', (orders: Orders) => {
      resolve(orders)
      process.disconnect()
    })
    if (!process.connected || leave.aborted) end()
    else process.send?.('ready', () => {}) // nobody to hear it: the channel's end tells
  })
}

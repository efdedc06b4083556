import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { files } from '#lib/contract.ts'
import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'
import { whyNoMount } from '../work-disk.ts'

export const fault: Fault = {
  measured: 'from the moment in which the workspaces’ disk has room again to the next claim or result',
  missing: whyNoMount,
  async inject(ctx) {
    const filler = join(ctx.pool.home, files.work, 'chaos-filler')
    ctx.note('the disk of the workspaces is full')
    fill(filler)
    await sleep(ctx.dice.whole(100, 600))
    const recovered = workGoesOn(ctx)
    rmSync(filler, { force: true })
    ctx.note('the disk has room again')
    return { since: performance.now(), recovered }
  },
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = 1024 * 1024; size >= 512; size /= 2) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size))
      } catch {
        // no room for so much: try less
      }
    }
  } finally {
    closeSync(file)
  }
}

/** A reader of a live log: the numbers of the lines it got, and how late each chunk was, ms. */
export async function watchLog(url: string): Promise<{ lines: number[]; lag: number[] }> {
  const answer = await fetch(url)
  const lines: number[] = []
  const lag: number[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of answer.body!) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      if (!block.includes('\nevent: out\n')) continue
      const { text } = JSON.parse(block.slice(block.indexOf('\ndata: ') + 7)) as { text: string }
      const now = Date.now()
      for (const line of text.split('\n').slice(0, -1)) lines.push(Number(line.slice(0, line.indexOf(' '))))
      lag.push(now - Number(text.split(' ')[1]))
    }
  }
  return { lines, lag }
}

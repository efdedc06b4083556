import { RaibidError } from '#lib/errors.ts'

/** By the end of its address, what a release's file looks like. */
const shapes: readonly { ends: RegExp; looks: RegExp; as: string }[] = [
  { ends: /\.sh$/, looks: /^#!/, as: 'a script' },
  { ends: /\/sha256sum-[^/]*\.txt$/, looks: /^[0-9a-f]{64} .*k3s/m, as: 'a list of checksums' },
  { ends: /\.yaml$/, looks: /^kind: [A-Z][A-Za-z]+\s*$/m, as: 'objects of Kubernetes' },
]

/**
 * What is recorded on a first use is believed ever after: an empty answer, or the page of a proxy that answers 200 to everything, must not be. RaibidError
 * names what it is not.
 */
export function mustLookRight(url: string, bytes: Uint8Array): void {
  const wrong = shapes.find(
    ({ ends, looks }) => ends.test(new URL(url).pathname) && !looks.test(Buffer.from(bytes).toString('latin1')),
  )
  if (wrong) throw new RaibidError(`what is there (${bytes.length} bytes) is not ${wrong.as}`)
}

const units = ['KiB', 'MiB', 'GiB', 'TiB']

/** Short and readable: `512 bytes`, `3.4 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} byte${bytes === 1 ? '' : 's'}`
  let [value, at] = [bytes / 1024, 0]
  while (value >= 1023.95 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${value.toFixed(1)} ${units[at]}`
}

/** What a repository may ask to be cached. Pure: the checks of `.raibid.yaml` are made of it. */

export interface CacheSpec {
  /** Files whose content decides which state of the cache it is; patterns such as a Cargo.lock in any folder, too. */
  key: string[]
  /** Folders or files in the workspace, or one of `sharedFolders`. */
  paths: string[]
}

export const most = { caches: 10, entries: 20, length: 200 }

/** Caches of registries, which their tools lock themselves: all jobs use them where they are. */
export const sharedFolders = [
  '~/.cargo/registry',
  '~/.cargo/git',
  '~/.npm',
  '~/.cache/pip',
  '~/.cache/uv',
  '~/go/pkg/mod',
  '~/.cache/go-build',
]

export const isShared = (path: string): boolean => path.startsWith('~')

/** Why this can't be the path of a cache; null: it can. */
export function pathProblem(path: string): string | null {
  if (isShared(path))
    return sharedFolders.includes(path)
      ? null
      : `is not a folder that jobs may share: under the home folder these are ${sharedFolders.join(', ')}`
  if (/[*?]/.test(path)) return 'is a pattern: name the folder that is to be kept'
  return nameProblem(path)
}

/** Why this can't name key files; null: it can. */
export const keyProblem = (name: string): string | null =>
  name.startsWith('~') ? 'is outside the repository' : nameProblem(name)

function nameProblem(name: string): string | null {
  if (name.length > most.length) return `is longer than ${most.length} characters`
  if (name.startsWith('/')) return 'is absolute: it has to be a path in the repository'
  const parts = name.split('/')
  if (parts.includes('..')) return 'leaves the repository'
  if (parts.some((part) => part === '' || part === '.')) return 'has an empty part or the part "."'
  return parts.includes('.git') ? 'is part of .git' : null
}

/** The first of the paths that is another, or lies in it; undefined: each stands for itself. */
export const overlapping = (paths: string[]): string | undefined =>
  paths.find((path, i) => paths.some((other, j) => i !== j && (path === other ? i > j : path.startsWith(`${other}/`))))

export const languageTools = {
  rust: ['rustc', '-V'],
  node: ['node', '-v'],
  python: ['python3', '-V'],
  go: ['go', 'version'],
} as const
export type Language = keyof typeof languageTools

const signs: Record<Language, RegExp> = {
  rust: /^(?:Cargo\.(?:lock|toml)|rust-toolchain(?:\.toml)?|target|~\/\.cargo\/.*)$/,
  node: /^(?:package(?:-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|\.nvmrc|\.node-version|node_modules|~\/\.npm)$/,
  python:
    /^(?:requirements.*\.txt|poetry\.lock|uv\.lock|Pipfile\.lock|pyproject\.toml|\.python-version|\.venv|venv|~\/\.cache\/(?:pip|uv))$/,
  go: /^(?:go\.(?:sum|mod|work)|~\/go\/.*|~\/\.cache\/go-build)$/,
}

/** The languages that the names in it speak of: what is cached is good for one version of their tools only. */
export function languagesOf({ key, paths }: CacheSpec): Language[] {
  const names = [...key, ...paths].map((name) => (isShared(name) ? name : name.split('/').at(-1)!))
  return (Object.keys(signs) as Language[]).filter((language) => names.some((name) => signs[language].test(name)))
}

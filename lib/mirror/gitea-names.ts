/** What Gitea (1.27) takes as a name: asked before anything is cloned, for it says no only afterwards. */

const reservedOwners = new Set(
  (
    '.well-known api metrics v2 assets attachments avatar avatars repo-avatars captcha login org repo user explore issues pulls milestones ' +
    'notifications favicon.ico manifest.json robots.txt sitemap.xml ssh_info swagger.v1.json openapi3.v1.json ghost gitea-actions'
  ).split(' '),
)

/** Why Gitea can't have a repository of this name, as it stands behind "the name …"; null: it can. */
export function repoNameProblem(name: string): string | null {
  if (name === '') return 'is empty'
  if ([...name].length > 100) return `has ${[...name].length} characters, and Gitea takes at most 100`
  const [strange] = /[^A-Za-z0-9_.-]/u.exec(name) ?? []
  if (strange) return `has ${JSON.stringify(strange)} in it, and Gitea takes only letters a to z, digits, "-", "_" and "."`
  if (/^\.{1,2}$|^-$/.test(name)) return 'is reserved by Gitea'
  if (name.includes('..')) return 'has ".." in it, which Gitea refuses'
  const [ending] = /\.(?:wiki|git|rss|atom)$/i.exec(name) ?? []
  return ending ? `ends with ${ending}, which Gitea keeps for itself` : null
}

/** Why Gitea can't have an organisation or user of this name; null: it can. */
export function ownerNameProblem(name: string): string | null {
  if (name === '') return 'is empty'
  if (name.length > 40) return `has ${name.length} characters, and Gitea takes at most 40`
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
    return 'is not one of letters a to z, digits, "-", "_" and ".", a letter or digit first'
  if (/[-._]{2,}|[-._]$/.test(name)) return 'has two of "-", "_" and "." together, or ends with one, which Gitea refuses'
  if (reservedOwners.has(name.toLowerCase())) return 'is reserved by Gitea'
  const [ending] = /\.(?:keys|gpg|rss|atom|png)$/i.exec(name) ?? []
  return ending ? `ends with ${ending}, which Gitea keeps for itself` : null
}

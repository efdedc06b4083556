/** Why a clone failed, told apart by what git says (under LC_ALL=C). */
import { RaibidError } from '#lib/errors.ts'

export type CloneErrorKind = 'network' | 'disk' | 'missing' | 'refused' | 'unusable'

/** The message is one line. `network`, `disk`: another try may help. `missing`: repository, branch or commit. `refused`: the login. */
export class CloneError extends RaibidError {
  override name = 'CloneError'
  readonly kind: CloneErrorKind
  /** The repository is there; the branch or commit is not, or is not given out. */
  readonly aboutRef: boolean
  constructor(kind: CloneErrorKind, message: string, aboutRef = false) {
    super(message)
    this.kind = kind
    this.aboutRef = aboutRef
  }
}

/** The first that matches anywhere counts: git ends nearly every failure with the same hint about access rights. */
const noRef = /couldn't find remote ref|not our ref|unadvertised object|no such remote ref|did not contain/i
const signs: [CloneErrorKind, RegExp][] = [
  // git does not always pass on why it could not write; names that no file system takes are the repository's own fault
  [
    'disk',
    /No space left|Disk quota|Input\/output error|Read-only file system|failed to write|unable to write|write error|unable to append|(?:unable to create|could not create|cannot mkdir)(?![^\n]*(?:File name too long|(?:Is|Not) a directory|Invalid argument|Permission denied))/i,
  ],
  ['missing', noRef],
  [
    'refused',
    /could not read (?:Username|Password)|Authentication failed|returned error: 40[13]|Permission denied \(|Host key verification failed/i,
  ],
  ['refused', /HTTP Basic: Access denied|invalid (?:username or password|credentials)|terminal prompts disabled/i],
  [
    'network',
    /could not resolve (?:host|proxy)|name or service not known|temporary failure in name resolution|connection (?:was )?(?:refused|reset|timed out|closed)/i,
  ],
  [
    'network',
    /failed to connect|couldn'?t connect|operation (?:timed out|too slow)|timed out|early EOF|unexpected disconnect|hung up unexpectedly/i,
  ],
  [
    'network',
    /returned error: (?:5\d\d|429)|RPC failed|network is unreachable|no route to host|empty reply from server|transfer closed|broken pipe/i,
  ],
  ['network', /(?:gnutls|ssl|openssl)[^\n]*(?:read|recv|syscall|handshake)|kex_exchange_identification|remote end hung up/i],
  ['missing', /repository [^\n]*not found|does not appear to be a git repository/i],
  [
    'missing',
    /returned error: 404|does not exist|no such file or directory|reference is not a tree|unable to find current revision/i,
  ],
]

/** Git's own words for the failure: the first line that says something, on one line. */
function reasonIn(text: string, sign?: RegExp): string | undefined {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:Cloning|Submodule|From|warning:|hint:)/.test(line))
  const telling =
    (sign && lines.find((line) => sign.test(line))) ?? lines.find((line) => /^(?:fatal|error|ERROR|remote error):/.test(line))
  return (telling ?? lines.at(-1))?.replace(/^(?:fatal|error|ERROR): /, '').slice(0, 300)
}

/** Makes the error of what a failed git printed; `otherwise` is said when that was nothing. */
export function errorOf(text: string, otherwise: string): CloneError {
  for (const [kind, sign] of signs) {
    if (!sign.test(text)) continue
    const hint =
      kind === 'refused'
        ? "; the agent's login for this host is missing or wrong (RAIBID_GIT_CREDENTIALS, or RAIBID_HOME/git-credentials)"
        : ''
    return new CloneError(kind, (reasonIn(text, sign) ?? otherwise) + hint, sign === noRef)
  }
  return new CloneError('unusable', reasonIn(text) ?? otherwise)
}

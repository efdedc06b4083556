import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gitWith } from '#lib/git.ts'

/** Counts to five, a line every 0.3 s: long enough to be killed in the middle. */
const counting = `timeout: 1m
steps:
  - name: count
    run: for i in 1 2 3 4 5; do echo "counted $i of 5 (attempt $RAIBID_ATTEMPT)"; sleep 0.3; done
`

/** Makes a real git repository in \`folder\` of a fixture's files, or of one \`.raibid.yaml\`. */
export async function makeRepository(folder: string, from: { fixture: string } | { raibidFile: string }): Promise<void> {
  await mkdir(folder, { recursive: true })
  if ('fixture' in from) await cp(from.fixture, folder, { recursive: true })
  else await writeFile(join(folder, '.raibid.yaml'), from.raibidFile)
  const git = gitWith([])
  const who = ['-c', 'user.name=raibid-ci demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false']
  await git('init', '--quiet', '--initial-branch=main', folder)
  await git('-C', folder, 'add', '--all', '--force')
  await git('-C', folder, ...who, 'commit', '--quiet', '--message=a demo')
}

export interface DemoJob {
  name: string
  from: { fixture: string } | { raibidFile: string }
  /** A tool without which the job can't be shown. */
  needs?: string
  expected: { state: string; attempts: number }
  /** Kill its agent when this is printed. */
  killAt?: string
}

/** What the demo builds, and how each must end. */
export const demoJobs = (root: string): DemoJob[] => [
  {
    name: 'rust',
    from: { fixture: join(root, 'fixtures/rust-hello') },
    needs: 'cargo',
    expected: { state: 'success', attempts: 1 },
  },
  {
    name: 'node',
    from: { fixture: join(root, 'fixtures/node-hello') },
    needs: 'npm',
    expected: { state: 'success', attempts: 1 },
  },
  { name: 'failing', from: { fixture: join(root, 'fixtures/failing') }, expected: { state: 'failed', attempts: 1 } },
  {
    name: 'killed',
    from: { raibidFile: counting },
    expected: { state: 'success', attempts: 2 },
    killAt: 'counted 2 of 5 (attempt 1)',
  },
]

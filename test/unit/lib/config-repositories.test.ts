import { expect, test } from 'vitest'
import { repositoryPolicies } from '#lib/config-repositories.ts'
import { configSchema } from '#lib/config-schema.ts'
import { dueAt } from '#lib/server/scheduled.ts'

const problem = (url: string): string | undefined =>
  configSchema.safeParse({ repositories: [{ match: 'a/b', url, poll: '60s' }] }).error?.issues[0]?.message

test.each([
  'https://git.example.org/a/b.git',
  'ssh://git@git.example.org:2222/a/b',
  'git@git.example.org:a/b.git',
  'http://127.0.0.1:3000/a/b',
])('is taken: %s', (url) => expect(problem(url)).toBeUndefined())
test.each([
  ['https://me:hunter2@git.example.org/a/b', /carries a login/],
  ['https://token@git.example.org/a/b', /carries a login/],
  ['ssh://git:hunter2@git.example.org/a/b', /carries a login/],
  ['/srv/git/a', /not a clone URL/],
  ['--upload-pack=x', /not a clone URL/],
])('is refused: %s', (url, words) => expect(problem(url)).toMatch(words))

const first = (entry: object): string | undefined => configSchema.safeParse({ repositories: [entry] }).error?.issues[0]?.message
test.each(['0 3 * * *', '*/15 8-18 * * 1-5'])('a schedule: %s', (cron) =>
  expect(first({ match: 'a/b', url: 'https://git.test/a/b', cron })).toBeUndefined(),
)
test.each(['', '0 3 * *', '0 0 3 * * *', '61 3 * * *', '0 0 31 2 *', 'x y z a b'])('no schedule: %j', (cron) =>
  expect(first({ match: 'a/b', url: 'https://git.test/a/b', cron })).toMatch(/is not a schedule/),
)
test('a schedule needs to know the repository', () =>
  expect(first({ match: 'a/b', cron: '0 3 * * *' })).toBe('needs the `url` beside it'))

test.each([
  ['one was missed', '10:05', '10:43', '10:40'],
  ['none is due', '10:41', '10:49', null],
  ['at the very moment', '10:41', '10:50', '10:50'],
  ['it has been run already', '10:50', '10:50', null],
])('what is due of */10: %s', (_, since, now, at) => {
  const time = (text: string): number => new Date(`2026-03-01T${text}:00`).getTime()
  expect(dueAt('*/10 * * * *', time(since), time(now))).toBe(at && time(at))
})

test('a mirror without a Gitea is a mistake, said', () => {
  const problems: string[] = []
  repositoryPolicies([{ match: 'a/b' }, { match: 'c/d', mirror: 'm/d' }], [{ kind: 'github' }], problems)
  expect(problems).toEqual(['repositories[1].mirror: there is no forge of the kind gitea; name it in forges'])
})

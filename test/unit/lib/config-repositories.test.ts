import { expect, test } from 'vitest'
import { configSchema } from '#lib/config-schema.ts'

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

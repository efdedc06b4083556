import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UsageError } from '#lib/errors.ts'
import { accountText, parseAccount } from '#lib/forge/listing/account.ts'
import { tokenScopes } from '#lib/forge/listing/token-scopes.ts'

test.each([
  ['myorg', 'github https://github.com myorg'],
  ['github:myorg', 'github https://github.com myorg'],
  ['some_user', 'github https://github.com some_user'],
  ['github:org@ghe.example', 'github https://ghe.example org'],
  ['github:org@https://ghe.example/', 'github https://ghe.example org'],
  ['gitlab:group', 'gitlab https://gitlab.com group'],
  ['gitlab:group/sub/deep', 'gitlab https://gitlab.com group/sub/deep'],
  ['gitlab:group/sub@lab.example:8443', 'gitlab https://lab.example:8443 group/sub'],
  ['gitlab:group@https://host.example/gitlab', 'gitlab https://host.example/gitlab group'],
  ['gitea:org@git.example', 'gitea https://git.example org'],
  ['gitea:org@http://127.0.0.1:3000', 'gitea http://127.0.0.1:3000 org'],
  ['gitea:org@git.lan:3000', 'gitea http://git.lan:3000 org'],
])('%s', (text, expected) => {
  const account = parseAccount(text, ['http://git.lan:3000', 'https://github.com'])
  expect(`${account.forge} ${account.url} ${account.name}`).toBe(expected)
  expect(parseAccount(accountText(account))).toEqual(account)
})

test.each([
  ['', 'is not the name of'],
  ['-', 'taken'],
  ['..', 'is not the name of'],
  ['a/b', 'has a slash, and only gitlab has groups in groups'],
  ['gitlab:a/../b', 'is not the name of'],
  ['gitlab:/a', 'is not the name of'],
  ['gitlab:a//b', 'is not the name of'],
  [`gitlab:${'a/'.repeat(21)}a`, 'has more than 21 groups'],
  ['gitea:org', 'does not say at which host'],
  ['gitea:org@', 'has no host'],
  ['gitea:org@git example', 'has no host'],
  ['gitea:org@https://me:hush@git.example', 'has no host'],
  ['gitea:org@ftp://git.example', 'has no host'],
  ['gitea:org@git.example?x=1', 'has no host'],
  ['bitbucket:team', 'is at no forge that can be listed (github, gitlab, gitea)'],
  ['__proto__:x', 'is not the name of'],
  ['constructor:x', 'is at no forge'],
  ['my org', 'is not the name of'],
  ['organisação', 'is not the name of'],
  ['org?per_page=1', 'is not the name of'],
  ['org%2f..', 'is not the name of'],
  ['org\n', 'is not the name of'],
  ['https://github.com/myorg', 'is not the name of'],
  ['--upload-pack=x', 'is not the name of'],
  ['x'.repeat(501), 'is 501 characters long'],
])('%j is refused in a sentence', (text, why) => {
  if (why === 'taken') return expect(parseAccount(text).name).toBe(text)
  const error = thrown(() => parseAccount(text))
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toContain(why)
  expect(error.message).toContain('write it as myorg, gitlab:group/subgroup, gitea:org@git.example or github:org@ghe.example')
  expect(error.message).not.toMatch(/\n|hush/)
})

test('whatever is taken stays within its path and host', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^(gitlab|gitea|github):[a-z./@:-]{0,12}$/)),
      (text) => {
        let account
        try {
          account = parseAccount(text)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          return
        }
        const url = new URL(`${account.url}/orgs/${account.name}/repos`)
        expect(url.pathname.endsWith(`/orgs/${account.name}/repos`)).toBe(true)
        expect(url.username + url.password + url.search + url.hash).toBe('')
      },
    ),
  )
})

test.each([
  [null, null],
  ['', null],
  ['read:org, user:email', null],
  ['repo', 'may write (repo)'],
  ['read:org, repo, workflow', 'may write (repo, workflow)'],
  ['admin:org\u001b[31m', 'may write (admin:org)'],
])('scopes %j', (scopes, told) => {
  const line = tokenScopes('https://github.com', scopes)
  if (told === null) expect(line).toBeNull()
  else expect(line).toContain(told)
})

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  return expect.fail('no error')
}

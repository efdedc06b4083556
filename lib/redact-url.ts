/** A URL as it may be printed: the password (and a token in the user's place) hidden. */
export function redactUrl(url: string): string {
  // Not by `new URL`: what is wrong with the URL may be just what has to be shown.
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)(.*)@/is, (_, scheme: string, login: string) => {
    const colon = login.indexOf(':')
    const user = colon === -1 ? '' : login.slice(0, colon)
    return `${scheme}${colon === -1 ? '***' : `${user}:***`}@`
  })
}

import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** A whole page. Everything in it goes through `html`, which escapes. */
export const layout = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="/static/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/static/page.css" />
        <script type="module" src="/static/live.js"></script>
      </head>
      <body>
        <header><a href="/">raibid-ci</a></header>
        <main>${body}</main>
      </body>
    </html>`

/** When, for people and for machines. */
export const when = (ms: number | null, words: string): Html =>
  ms === null ? html`${words}` : html`<time datetime="${new Date(ms).toISOString()}">${words}</time>`

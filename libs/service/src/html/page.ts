import { createHash } from 'node:crypto'
import { Html, html } from './html.js'

const STYLE = `
  :root { color-scheme: light dark }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 2rem 1rem 3rem; overflow-wrap: anywhere }
  header { font-weight: 600; margin-bottom: 2rem } header a { color: inherit; text-decoration: none }
  h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
  ul { padding-left: 1.2rem } li { margin: .5rem 0 } small { opacity: .75 }
  button, .button { display: inline-block; font: inherit; color: inherit; background: none; text-decoration: none;
    padding: .45rem 1rem; border: 1px solid; border-radius: .4rem; cursor: pointer }
  a:hover { text-decoration: underline } :focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
  .tool { color-scheme: light } .tool body { max-width: 75rem }
`
// As a whole: the policy names the hash of every byte between the tags, which a formatter must not touch.
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`)

/** The content security policy of every page of the house: its own style, nothing that runs, nothing from elsewhere. */
export const PAGE_DIRECTIVES: Readonly<Record<string, readonly string[]>> = {
  'default-src': ["'none'"],
  'style-src': [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'object-src': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** The headers of a page, for a service that has no others to set. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': Object.entries(PAGE_DIRECTIVES)
    .map(([name, values]) => [name, ...values].join(' '))
    .join('; '),
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** What one page of the house has of its own. */
export interface PageParts {
  readonly title: string
  readonly body: Html
  /** The start page, path or URL; without it this is the start page. */
  readonly home?: string
  /** The body is a tool with a look of its own: it gets more room, and light whatever the reader prefers. */
  readonly tool?: boolean
}

/** A whole page, the same for every service that shows one. Send it with `PAGE_HEADERS`, or with `PAGE_DIRECTIVES`. */
export function htmlPage({ title, body, home, tool }: PageParts): string {
  const header = home === undefined ? undefined : html`<header><a href="${home}">Keybearer</a></header>`
  const page = html`<!doctype html>
    <html lang="en" class="${tool ? 'tool' : 'page'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${home === undefined ? title : `${title} · Keybearer`}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        ${header}
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `
  return page.text
}

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

/** Text that has been escaped, or was written by us. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | readonly Html[] | undefined

/** HTML in which everything that comes from elsewhere is text. */
export function html(fixed: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(fixed.map((text, at) => text + (at < parts.length ? escaped(parts[at]) : '')).join(''))
}

function escaped(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(({ text }) => text).join('')
  // Bidi controls could make a name look like another one.
  return String(part)
    .replace(/[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

const STYLE = `
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem } li { margin: .25rem 0 } small { opacity: .7 }
  form { display: inline } button { font: inherit; padding: .1rem .6rem; cursor: pointer }
`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')
// As a whole: the policy names the hash of every byte between the tags, which a formatter must not touch.
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`)

type Directives = Record<string, readonly string[]>
const LOCKED_DOWN: Directives = {
  'default-src': ["'none'"],
  'style-src': [`'sha256-${STYLE_HASH}'`],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'object-src': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** The house's own pages, with the headers that only they get: content decides for itself. */
export class Pages {
  readonly #headers: ReturnType<typeof helmet>

  /** @param directives of the content security policy, over those of an ordinary page */
  constructor(isHttps: boolean, directives: Directives = {}) {
    this.#headers = helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { ...LOCKED_DOWN, ...directives } },
      strictTransportSecurity: isHttps,
      crossOriginOpenerPolicy: isHttps,
      originAgentCluster: isHttps,
      referrerPolicy: { policy: 'same-origin' },
    })
  }

  send(request: IncomingMessage, response: ServerResponse, status: number, title: string, body: Html): void {
    const page = html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${title}</title>
          ${STYLE_ELEMENT}
        </head>
        <body>
          <main>
            <h1>${title}</h1>
            ${body}
          </main>
        </body>
      </html> `
    this.sendAs(request, response, status, 'text/html; charset=utf-8', page.text)
  }

  sendAs(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    type: string,
    body: string | Buffer,
  ): void {
    this.secure(request, response)
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  /** Sets the headers alone. */
  secure(request: IncomingMessage, response: ServerResponse): void {
    this.#headers(request, response, (error?: unknown) => {
      if (error) throw error as Error
    })
  }
}

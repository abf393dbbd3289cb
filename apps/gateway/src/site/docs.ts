import { createReadStream, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { html, type Html } from '#libs/service'
import type { Pages } from './page.js'

/** Assets of swagger-ui-dist that the page needs. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
}

/** What the page's policy permits beyond that of the other pages: swagger-ui styles its elements one by one. */
export const DOCS_DIRECTIVES = {
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ['data:'],
  'connect-src': ["'self'"],
}

/** The documentation of the public API: the document that the build made, and a page to read it. Files are read when asked for. */
export class Docs {
  /**
   * @param folder where `openapi.json` is, once it has been generated
   * @param prefix the path of `Server.Address`
   */
  constructor(
    private readonly pages: Pages,
    private readonly folder: string,
    private readonly prefix: string,
  ) {}

  /**
   * @param path below `/__docs__`, without a leading slash
   * @returns `false` when there is nothing under that path
   */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const document = join(this.folder, 'openapi.json')
    if (!existsSync(document)) return false
    if (path === '') {
      const page = { title: 'API documentation', body: this.#body(), home: `${this.prefix}/`, tool: true }
      this.pages.send(request, response, 200, page)
      return true
    }
    if (path === 'openapi.json') {
      this.pages.sendAs(request, response, 200, 'application/json', await readFile(document))
      return true
    }
    if (path === 'start.js') {
      this.pages.sendAs(request, response, 200, 'text/javascript; charset=utf-8', START)
      return true
    }
    const type = ASSETS[path]
    if (type === undefined) return false
    const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
    this.pages.secure(request, response)
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'max-age=86400' })
    if (request.method === 'HEAD') response.end()
    else await pipeline(createReadStream(join(assets, path)), response)
    return true
  }

  #body(): Html {
    const at = `${this.prefix}/__docs__`
    return html`<p>As a document for programs: <a href="${at}/openapi.json">openapi.json</a></p>
      <noscript><p>Without JavaScript, that document is all there is to see here.</p></noscript>
      <link rel="stylesheet" href="${at}/swagger-ui.css" />
      <div id="api"></div>
      <script src="${at}/swagger-ui-bundle.js"></script>
      <script src="${at}/start.js"></script>`
  }
}

/** Runs in the browser. With a session, unsafe methods need the proof that the page is ours. */
const START = `SwaggerUIBundle({
  url: document.currentScript.src.replace(/start\\.js$/, 'openapi.json'),
  dom_id: '#api',
  validatorUrl: null,
  requestInterceptor(request) {
    const found = /(?:^|; )RSC-XSRF=([^;]+)/.exec(document.cookie)
    if (found) request.headers['X-RSC-XSRF'] = found[1]
    return request
  },
})
`

/** The folder `docs` of the package that this file belongs to, from `dist` as from the sources. */
export function docsFolder(from = import.meta.dirname): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'docs')
  }
  return join(from, 'docs')
}

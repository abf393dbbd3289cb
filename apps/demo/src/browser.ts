import { CookieJar } from 'tough-cookie'
import { Agent, request } from 'undici'

/** One response that the browser has seen. */
export interface Page {
  readonly method: string
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface VisitOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Redirects are followed until one points here; that address is not asked for. */
  readonly stopBefore?: (url: URL) => boolean
}

const REDIRECTS_AT_MOST = 20
const NO_BODY_AFTER = new Set([301, 302, 303])

/**
 * A browser without a window: it keeps cookies (per host, for all ports of it, as browsers do), follows redirects and
 * submits the forms of the page that it is on.
 */
export class Browser {
  readonly jar = new CookieJar()
  /** Every response, redirects included, oldest first. */
  readonly history: Page[] = []
  readonly #agent = new Agent({ connections: 32 })

  /** The response that was seen last. */
  get page(): Page {
    const page = this.history.at(-1)
    if (!page) throw new Error('the browser has not been anywhere yet')
    return page
  }

  /** Opens an address and follows redirects. */
  async get(url: string | URL, options: VisitOptions = {}): Promise<Page> {
    return this.#navigate('GET', new URL(url), undefined, options)
  }

  /**
   * Fills in the first form of the page that has all these fields and sends it. A field that belongs to a button
   * presses the button with that value.
   * @throws Error when the page has no such form
   */
  async submit(fields: Readonly<Record<string, string>>, options: VisitOptions = {}): Promise<Page> {
    const { url, body } = this.page
    const form = formsOf(body).find((candidate) => fits(candidate, fields))
    if (!form) throw new Error(`no form with the fields ${Object.keys(fields).join(', ')} on ${place(url)}`)
    const data = new URLSearchParams({ ...form.values, ...fields })
    const target = new URL(form.action || url.href, url)
    if (form.method === 'POST') return this.#navigate('POST', target, data, options)
    target.search = data.toString()
    return this.#navigate('GET', target, undefined, options)
  }

  /** One request with the browser's cookies, redirects not followed and not in the history: what a script does. */
  async fetch(url: string | URL, options: { headers?: Readonly<Record<string, string>> } = {}): Promise<Page> {
    return this.#send('GET', new URL(url), undefined, options.headers ?? {})
  }

  /** The value of a cookie that would be sent to an address. */
  async cookie(url: string | URL, name: string): Promise<string | undefined> {
    return (await this.jar.getCookies(new URL(url).href)).find(({ key }) => key === name)?.value
  }

  /** Ends the connections; the cookies stay. */
  async close(): Promise<void> {
    await this.#agent.close()
  }

  async #navigate(method: string, url: URL, form: URLSearchParams | undefined, options: VisitOptions): Promise<Page> {
    const from = this.history.length
    for (;;) {
      const origin: Record<string, string> = form ? { origin: this.page.url.origin } : {}
      const page = await this.#send(method, url, form, { accept: 'text/html,*/*;q=0.8', ...origin, ...options.headers })
      this.history.push(page)
      const location = locationOf(page)
      if (!location || options.stopBefore?.(location)) return page
      if (this.history.length - from > REDIRECTS_AT_MOST) throw new Error(`too many redirects, at ${place(location)}`)
      if (method !== 'GET' && NO_BODY_AFTER.has(page.status)) [method, form] = ['GET', undefined]
      url = location
    }
  }

  async #send(
    method: string,
    url: URL,
    form: URLSearchParams | undefined,
    extra: Record<string, string>,
  ): Promise<Page> {
    const cookie = await this.jar.getCookieString(url.href)
    const headers = {
      ...(cookie && { cookie }),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...extra,
    }
    const answer = await request(`${url.origin}${url.pathname}${url.search}`, {
      method: method as 'GET',
      headers,
      body: form?.toString(),
      dispatcher: this.#agent,
    }).catch((error: unknown) => {
      throw new Error(`${place(url)} does not answer`, { cause: error })
    })
    for (const line of [answer.headers['set-cookie'] ?? []].flat())
      await this.jar.setCookie(line, url.href, { ignoreError: true })
    return { method, url, status: answer.statusCode, headers: answer.headers, body: await answer.body.text() }
  }
}

/** Where a redirect points. */
export function locationOf({ status, headers, url }: Page): URL | undefined {
  const { location } = headers
  return status >= 300 && status < 400 && typeof location === 'string' ? new URL(location, url) : undefined
}

/** An address without its query, which may hold a code. */
const place = ({ origin, pathname }: URL): string => `${origin}${pathname}`

interface Form {
  method: 'GET' | 'POST'
  action: string
  /** What is sent without pressing or typing anything. */
  values: Record<string, string>
  /** Names that a person may fill in. */
  fillable: Set<string>
  /** Name → values of buttons. */
  buttons: Map<string, Set<string>>
}

const fits = ({ fillable, buttons }: Form, fields: Readonly<Record<string, string>>): boolean =>
  Object.entries(fields).every(([name, value]) => fillable.has(name) || buttons.get(name)?.has(value))

/** The forms of a page, as far as plain ones go: inputs, text areas and buttons. */
export function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, attributes = '', inside = '']) => {
    const { method = 'get', action = '' } = attributesOf(attributes)
    const form: Form = {
      method: method.toLowerCase() === 'post' ? 'POST' : 'GET',
      action,
      values: {},
      fillable: new Set(),
      buttons: new Map(),
    }
    for (const [, tag = '', found = ''] of inside.matchAll(/<(input|button|textarea)\b([^>]*)>/gi))
      addControl(form, tag, found)
    return form
  })
}

function addControl(form: Form, tag: string, text: string): void {
  const attributes = attributesOf(text)
  const { name, value = '', type = tag.toLowerCase() === 'button' ? 'submit' : 'text' } = attributes
  if (!name) return
  if (type === 'submit') {
    form.buttons.set(name, (form.buttons.get(name) ?? new Set()).add(value))
  } else if (type !== 'button' && type !== 'reset') {
    form.fillable.add(name)
    if ((type !== 'checkbox' && type !== 'radio') || 'checked' in attributes) form.values[name] = value
  }
}

function attributesOf(text: string): Record<string, string> {
  const found = text.matchAll(/([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)
  return Object.fromEntries(
    [...found].map(([, name = '', ...values]) => [
      name.toLowerCase(),
      decode(values.find((v) => v !== undefined) ?? ''),
    ]),
  )
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const decode = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (decimal) return String.fromCodePoint(Number(decimal))
    if (hex) return String.fromCodePoint(parseInt(hex, 16))
    return NAMED[name?.toLowerCase() ?? ''] ?? whole
  })

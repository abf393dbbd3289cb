import { XSRF_COOKIE, XSRF_HEADER } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { UnexpectedAnswer } from '../../demo/src/api.js'
import { Browser, type Page } from '../../demo/src/browser.js'
import type { World } from './world.js'

export interface Account {
  readonly guid: string
  readonly username: string
  readonly user_role: string
}

/** Somebody with a browser. */
export class Person {
  readonly browser = new Browser()
  #closed?: Promise<void>

  constructor(
    private readonly world: Pick<World, 'address' | 'oidcIssuer' | 'vendorUrl'>,
    readonly username: string,
  ) {}

  /** Logs in at the OpenID provider. @returns the account that the server keeps */
  async logIn(): Promise<Account> {
    const { address, oidcIssuer } = this.world
    await this.browser.get(`${address}/__login__`)
    if (this.browser.page.url.origin === oidcIssuer) await this.browser.submit({ username: this.username })
    return this.api<Account>('GET', '/v1/user')
  }

  /** Opens content; logs in, chooses the account at the vendor and consents where it is asked to. */
  async open(contentGuid: string): Promise<Page> {
    const { address, oidcIssuer, vendorUrl } = this.world
    const wanted = `${address}/content/${contentGuid}/`
    await this.browser.get(wanted)
    if (this.browser.page.url.origin === oidcIssuer) await this.browser.submit({ username: this.username })
    while (this.browser.page.url.origin === vendorUrl) {
      const asksForAccount = this.browser.page.body.includes('name="account"')
      await this.browser.submit(asksForAccount ? { account: this.username } : { decision: 'allow' })
    }
    const { page } = this.browser
    if (page.url.href !== wanted)
      throw new Error(`${this.username} came to ${page.url.origin}${page.url.pathname}: ${page.status}`)
    return page
  }

  /** Opens content until it leads through the vendor's consent: the gateway hears of a new association by message. */
  async consent(contentGuid: string): Promise<void> {
    const { history } = this.browser
    await eventually(async () => {
      const from = history.length
      await this.open(contentGuid)
      return history.slice(from).some(({ url }) => url.origin === this.world.vendorUrl)
    })
  }

  /**
   * Calls the API as the dashboard would: with the session's cookie and, where something changes, the XSRF header.
   * @throws UnexpectedAnswer for every status that is not 2xx
   */
  async api<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const url = `${this.world.address}/__api__${path}`
    const xsrf = await this.browser.cookie(url, XSRF_COOKIE)
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        cookie: await this.browser.jar.getCookieString(url),
        ...(method !== 'GET' && xsrf !== undefined && { [XSRF_HEADER]: xsrf }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw unexpected(`${method} ${path}`, response.status, text)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** Makes an API key of this person. */
  async makeKey(name: string): Promise<string> {
    const { guid } = await this.api<Account>('GET', '/v1/user')
    const { key } = await this.api<{ key: string }>('POST', `/v1/users/${guid}/keys`, { name })
    return key
  }

  close(): Promise<void> {
    this.#closed ??= this.browser.close()
    return this.#closed
  }
}

function unexpected(call: string, status: number, text: string): UnexpectedAnswer {
  const { code = null, error = text } = text.startsWith('{')
    ? (JSON.parse(text) as { code?: number; error?: string })
    : {}
  return new UnexpectedAnswer(status, code, `${call} answered ${status}, code ${code}: ${error}`)
}

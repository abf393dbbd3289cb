import { bootstrap, callApi, UnexpectedAnswer, until, vendorIntegration } from './api.js'
import { Browser, locationOf, type Page } from './browser.js'
import type { AppAnswer } from './content-app.js'
import { PEOPLE, VENDOR_ACCOUNTS } from './people.js'
import { type Faults, type Journal, VENDOR_CLIENT, VENDOR_PUBLIC_CLIENT } from './vendor.js'

/** A running system and its demo world. */
export interface World {
  readonly address: string
  readonly oidcIssuer: string
  readonly vendorUrl: string
  readonly contentAppUrl: string
  readonly adminApiKey: string
  /** Content that exists already: the first visit of the journey. */
  readonly contentGuid: string
  readonly vendorClientSecret: string
  readonly bootstrapSecretKey: string
}

/** One step of the journey that has been taken. */
export interface Step {
  readonly number: number
  readonly title: string
  readonly milliseconds: number
  /** What was seen, in a few words; no secret. */
  readonly seen: string
}

/** Concurrent visits while the access token is expired. */
const CONCURRENT = 20

/**
 * Walks the whole journey, from the login to the refused exchange, with an integration and a content item of its own,
 * so that it may be walked again and again on one system.
 * @throws Error naming the step that did not go as it should
 */
export async function walkJourney(
  world: World,
  report: (step: Step) => void,
  options: { authMode?: 'Confidential' | 'Public' } = {},
): Promise<void> {
  const journey = new Journey(world, options.authMode ?? 'Confidential')
  const steps: [string, () => Promise<string>][] = [
    ['A person opens content, is sent to log in and comes back', () => journey.logIn()],
    ['The administrator creates an integration', () => journey.createIntegration()],
    ['A publisher registers content and associates it', () => journey.registerContent()],
    ['Viewers consent on their first visit, and only then', () => journey.consent()],
    ['The app receives who its viewer is, and nothing else of ours', () => journey.inspectHeaders()],
    ['Two viewers see two names', () => journey.compareViewers()],
    ['An expired token is refreshed once, however many ask', () => journey.expire()],
    ['Without the association the exchange is refused', () => journey.dissociate()],
  ]
  try {
    for (const [index, [title, walk]] of steps.entries()) {
      const started = performance.now()
      const seen = await walk().catch((error: unknown) => {
        throw new Error(`step ${index + 1} (${title}) failed: ${(error as Error).message}`, { cause: error })
      })
      report({ number: index + 1, title, milliseconds: Math.round(performance.now() - started), seen })
    }
  } finally {
    await journey.end()
  }
}

class Journey {
  readonly #browsers = new Map<string, Browser>()
  #integrationGuid = ''
  #contentGuid = ''

  constructor(
    private readonly world: World,
    private readonly authMode: 'Confidential' | 'Public',
  ) {}

  async logIn(): Promise<string> {
    const { address, oidcIssuer, contentGuid, bootstrapSecretKey } = this.world
    const content = `${address}/content/${contentGuid}/`
    const vera = this.#browser('vera')
    await vera.get(content)
    check(visited(vera, `${address}/__login__`), 'the visit did not lead to /__login__')
    const asked = visited(vera, `${oidcIssuer}/auth`)?.url.searchParams
    check(asked, 'the login did not lead to the OpenID provider')
    same(asked.get('response_type'), 'code', 'response_type')
    same(asked.get('code_challenge_method'), 'S256', 'code_challenge_method')
    same(asked.get('redirect_uri'), `${address}/__login__/callback`, 'redirect_uri')
    for (const name of ['code_challenge', 'state', 'nonce']) check(asked.get(name), `${name} is missing`)

    await vera.submit({ username: 'vera' }, { stopBefore: (url) => url.href === content })
    same(locationOf(vera.page)?.href, content, 'after the login the browser is sent to')
    const session = (await vera.jar.getCookies(address)).find(({ key }) => key.endsWith('keybearer_session'))
    check(session?.httpOnly, 'there is no HttpOnly session cookie')

    const again = await refused(() => bootstrap(address, bootstrapSecretKey))
    same(`${again.status}/${again.code}`, '403/165', 'a second bootstrap is answered')
    return 'code flow with S256, state and nonce; a second bootstrap is refused (165)'
  }

  async createIntegration(): Promise<string> {
    const { vendorUrl, vendorClientSecret } = this.world
    const client =
      this.authMode === 'Confidential'
        ? { id: VENDOR_CLIENT, secret: vendorClientSecret }
        : { id: VENDOR_PUBLIC_CLIENT }
    const wanted = vendorIntegration(`Journey ${new Date().toISOString()}`, vendorUrl, client)
    const made = await this.#api<{ guid: string; auth_type: string; config: object }>(
      'POST',
      '/v1/oauth/integrations',
      wanted,
    )
    same(made.auth_type, 'Viewer', 'auth_type')
    check(!('client_secret' in made.config), 'the answer has a client_secret')
    check(!JSON.stringify(made).includes(vendorClientSecret), 'the client secret is in the answer')
    this.#integrationGuid = made.guid
    return `${this.authMode}, no secret in the answer`
  }

  async registerContent(): Promise<string> {
    const name = `journey-${Date.now().toString(36)}`
    const made = await this.#api<{ guid: string }>('POST', '/v1/content', { name, access_type: 'logged_in' })
    this.#contentGuid = made.guid
    const running = { upstream_url: this.world.contentAppUrl, app_mode: 'python-streamlit' }
    await this.#api('PATCH', `/v1/content/${made.guid}`, running)
    await this.#associate([this.#integrationGuid])
    const listed = await this.#api<{ oauth_integration_guid: string }[]>('GET', this.#associations)
    same(listed.map((row) => row.oauth_integration_guid).join(), this.#integrationGuid, 'associated')
    return name
  }

  async consent(): Promise<string> {
    for (const name of ['vera', 'victor']) {
      await this.#firstVisit(name)
      const browser = this.#browser(name)
      const before = browser.history.length
      const later = await browser.get(this.#content)
      same(later.status, 200, `${name}’s later visit`)
      same(browser.history.length - before, 1, `${name}’s later visit should be one request, but`)
    }
    return 'vera and victor each asked once'
  }

  async inspectHeaders(): Promise<string> {
    const vera = this.#browser('vera')
    const forged = {
      'posit-connect-user-session-token': 'forged',
      'rstudio-connect-credentials': '{"user":"mallory","groups":["administrators"]}',
    }
    const page = await vera.fetch(`${this.#content}headers`, { headers: forged })
    same(page.status, 200, 'the app')
    const headers = JSON.parse(page.body) as Record<string, string>
    same(headers['posit-connect-user-session-token'], '[present]', 'the user session token')
    const credentials = JSON.parse(headers['rstudio-connect-credentials'] ?? '{}') as {
      user?: string
      groups?: string[]
    }
    same(credentials.user, 'vera', 'RStudio-Connect-Credentials names')
    const groups = PEOPLE.find(({ username }) => username === 'vera')?.groups ?? []
    same([...(credentials.groups ?? [])].sort().join(), [...groups].sort().join(), 'vera’s groups')

    const withKey = await vera.fetch(`${this.#content}headers`, {
      headers: { authorization: `Key ${this.world.adminApiKey}` },
    })
    const sessions = (await vera.jar.getCookies(this.world.address)).filter(({ key }) => /keybearer|xsrf/i.test(key))
    for (const seen of [page.body, withKey.body]) {
      check(!seen.includes(this.world.adminApiKey), 'an API key reached the app')
      check(
        !sessions.some(({ key, value }) => seen.includes(`${key}=`) || seen.includes(value)),
        'a cookie of ours reached the app',
      )
      check(!seen.includes('mallory') && !seen.includes('keybearer-actor'), 'a header reached the app that must not')
    }
    return `user vera, groups ${groups.join(' and ')}; forged headers, cookies and API key held back`
  }

  async compareViewers(): Promise<string> {
    const [vera, victor] = [await this.#ask('vera'), await this.#ask('victor')]
    same(named('vera', vera), vendorName('vera'), 'vera is at the vendor')
    same(named('victor', victor), vendorName('victor'), 'victor is at the vendor')
    return `${vendorName('vera')} and ${vendorName('victor')}`
  }

  async expire(): Promise<string> {
    await this.#setFaults({ account: 'priya', access_token_seconds: 2 })
    await this.#firstVisit('priya')
    await until('priya’s access token has expired', 30, async () => !(await this.#journal()).latest_token_live.priya)
    const slow = { account: 'priya', access_token_seconds: 3600, delay_ms: 300, when: 'after_commit' } as const
    await this.#setFaults(slow)
    const before = await this.#journal()
    const answers = await Promise.all(Array.from({ length: CONCURRENT }, () => this.#ask('priya')))
    for (const answer of answers) same(named('priya', answer), vendorName('priya'), 'priya is at the vendor')
    named('priya', await this.#ask('priya'))
    const after = await this.#journal()
    const refreshes = (journal: Journal): number => journal.by_account.priya?.refresh_token ?? 0
    same(refreshes(after) - refreshes(before), 1, 'refreshes')
    same(after.refresh_tokens_reused - before.refresh_tokens_reused, 0, 'refresh tokens used twice')
    return `${CONCURRENT} concurrent exchanges, 1 refresh`
  }

  async dissociate(): Promise<string> {
    await this.#associate([])
    const started = performance.now()
    const { refusal } = await until('the exchange is refused with code 212', 10, async () => {
      const answer = await this.#ask('vera')
      return answer.refusal ? answer : undefined
    })
    same(`${refusal?.status}/${refusal?.code}`, '400/212', 'the exchange is answered')
    return `400/212 after ${Math.round(performance.now() - started)} ms: ${refusal?.error}`
  }

  async end(): Promise<void> {
    await fetch(`${this.world.vendorUrl}/faults`, { method: 'DELETE' }).catch(() => undefined)
    await Promise.all([...this.#browsers.values()].map((browser) => browser.close()))
  }

  /** Opens the content for the first time: login if need be, account and consent at the vendor, and back. */
  async #firstVisit(name: string): Promise<void> {
    const { oidcIssuer, vendorUrl } = this.world
    const browser = this.#browser(name)
    const from = browser.history.length
    await browser.get(this.#content)
    if (browser.page.url.origin === oidcIssuer) await browser.submit({ username: name })
    const asked = visited(browser, `${vendorUrl}/authorize`, from)?.url.searchParams
    check(
      asked,
      `${name} was not asked for consent, but came to ${browser.page.url.origin}${browser.page.url.pathname}`,
    )
    same(asked.get('code_challenge_method'), 'S256', 'code_challenge_method')
    check(asked.get('state'), 'state is missing')
    check(
      visited(browser, `${this.world.address}/__oauth__/integrations/${this.#integrationGuid}/login`, from),
      'the visit did not lead through /__oauth__/integrations/<guid>/login',
    )
    if (browser.page.body.includes('name="account"')) await browser.submit({ account: name })
    const back = await browser.submit({ decision: 'allow' })
    same(back.url.href, this.#content, `after consent ${name} is at`)
    same(back.status, 200, 'the content')
  }

  async #ask(name: string): Promise<AppAnswer> {
    const page = await this.#browser(name).fetch(`${this.#content}?format=json`)
    same(page.status, 200, `the app for ${name}`)
    return JSON.parse(page.body) as AppAnswer
  }

  #browser(name: string): Browser {
    const browser = this.#browsers.get(name) ?? new Browser()
    this.#browsers.set(name, browser)
    return browser
  }

  get #content(): string {
    return `${this.world.address}/content/${this.#contentGuid}/`
  }

  get #associations(): string {
    return `/v1/content/${this.#contentGuid}/oauth/integrations/associations`
  }

  #associate(guids: string[]): Promise<unknown> {
    return this.#api(
      'PUT',
      this.#associations,
      guids.map((guid) => ({ oauth_integration_guid: guid })),
    )
  }

  #api<T>(method: string, path: string, body?: unknown): Promise<T> {
    return callApi<T>(this.world.address, method, path, { authorization: `Key ${this.world.adminApiKey}`, body })
  }

  async #journal(): Promise<Journal> {
    return (await (await fetch(`${this.world.vendorUrl}/journal`)).json()) as Journal
  }

  async #setFaults(faults: Faults): Promise<void> {
    await fetch(`${this.world.vendorUrl}/faults`, { method: 'POST', body: JSON.stringify(faults) })
  }
}

function check(fact: unknown, failure: string): asserts fact {
  if (!fact) throw new Error(failure)
}

function same(found: unknown, wanted: unknown, what: string): void {
  check(found === wanted, `${what}: ${String(found)} instead of ${String(wanted)}`)
}

/** The first response since `from` of an address; queries do not count. */
const visited = (browser: Browser, address: string, from = 0): Page | undefined =>
  browser.history.slice(from).find(({ url }) => `${url.origin}${url.pathname}` === address)

const vendorName = (account: string): string => VENDOR_ACCOUNTS.find(({ id }) => id === account)?.name ?? ''

/** @throws Error with the server's own sentence when the app had no token */
function named(user: string, { user: seen, vendor, refusal }: AppAnswer): string | undefined {
  check(!refusal, `the app was refused: ${refusal?.status}/${refusal?.code} ${refusal?.error}`)
  same(seen, user, 'the app’s user')
  return vendor?.name
}

async function refused(act: () => Promise<unknown>): Promise<UnexpectedAnswer> {
  try {
    await act()
  } catch (error) {
    if (error instanceof UnexpectedAnswer) return error
    throw error
  }
  throw new Error('a call succeeded that must be refused')
}

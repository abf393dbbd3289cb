import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  cookieOf,
  type DemoServer,
  type Exchange,
  HttpError,
  readBody,
  readForm,
  redirect,
  sendJson,
  sendPage,
  serve,
  text,
} from './http.js'
import { VENDOR_ACCOUNTS, vendorAccountOf } from './people.js'
import { type Issued, OAuthRefusal, RefreshTokenReused, VendorGrants } from './vendor-grants.js'
import type { Witness } from './witness.js'

export interface VendorOptions {
  readonly port: number
  /** Where grants are kept. */
  readonly folder: string
  readonly clientSecret: string
  readonly redirectUris: readonly string[]
  /** Life of an access token in seconds. */
  readonly accessTokenSeconds: number
  /** Stands in every code and token that the vendor makes. */
  readonly marker?: string
  readonly silent?: boolean
  readonly witness?: Witness
}

/** The clients that are registered at the vendor. */
export const VENDOR_CLIENT = 'acme-keybearer'
export const VENDOR_PUBLIC_CLIENT = 'acme-keybearer-public'

/** What may be asked for, in the words of the consent page. */
const SCOPES: Readonly<Record<string, string>> = {
  profile: 'to see your name and address at Acme Data',
  offline_access: 'also while you are away, until you take it back',
}
const SESSION = 'acme_session'

/** What is to go wrong at the token endpoint: the body of `POST /faults`; each post replaces the last one. */
export interface Faults {
  /** Only token requests about this account's grants. */
  account?: string
  /** Only token requests of this grant type; `revocation` stands for revocations, which suffer by no other word. */
  grant_type?: string
  /** How many token requests still suffer; without it all do. */
  times?: number
  /**
   * Whether the mishap comes before the code or refresh token is used up, or after; default `before_commit`.
   * `before_arrival`: `delay_ms` is spent on the way, so nothing is counted or done before it is over, and a request
   * whose connection is gone by then never arrives.
   */
  when?: 'before_arrival' | 'before_commit' | 'after_commit'
  delay_ms?: number
  /** The connection is cut instead of an answer. */
  drop?: boolean
  fail_status?: number
  /** The `error` member beside `fail_status`; without it the body is not OAuth. */
  fail_error?: string
  /** Life of access tokens issued meanwhile, in seconds. */
  access_token_seconds?: number
}

/** The answer of `GET /journal`: what has happened since the start or the last `DELETE /journal`. No token is in it. */
export interface Journal {
  /** Token requests that arrived, by grant type. */
  token_requests: Record<string, number>
  /** Token requests that arrived, by account and grant type. */
  by_account: Record<string, Record<string, number>>
  /** Token requests answered with 200, by grant type. */
  issued: Record<string, number>
  /** Token requests refused, by `error`. */
  refused: Record<string, number>
  refresh_tokens_reused: number
  revocations: number
  consents: { allowed: number; denied: number }
  /** Token requests that have arrived and are not answered. */
  in_flight: number
  /** The client's ports of token requests that `before_arrival` holds up. */
  held: number[]
  /** Whether the access token that each account was given last is still good. */
  latest_token_live: Record<string, boolean>
}

const emptyJournal = (): Omit<Journal, 'latest_token_live'> => ({
  token_requests: {},
  by_account: {},
  issued: {},
  refused: {},
  refresh_tokens_reused: 0,
  revocations: 0,
  consents: { allowed: 0, denied: 0 },
  in_flight: 0,
  held: [],
})

const count = (counters: Record<string, number>, name: string): void => {
  counters[name] = (counters[name] ?? 0) + 1
}

/** 'Acme Data': an OAuth vendor with consent, short access tokens and rotating single-use refresh tokens. */
export async function startVendor(options: VendorOptions): Promise<DemoServer & { url: string }> {
  const vendor = new Vendor(options)
  const server = await serve({
    name: 'demo-vendor',
    port: options.port,
    silent: options.silent,
    handle: (exchange) => vendor.handle(exchange),
  })
  return { ...server, url: `http://127.0.0.1:${server.port}` }
}

class Vendor {
  readonly #grants: VendorGrants
  #faults: Faults = {}
  #journal = emptyJournal()

  constructor(private readonly options: VendorOptions) {
    this.#grants = new VendorGrants(join(options.folder, 'vendor.json'), options)
  }

  async handle(exchange: Exchange): Promise<void> {
    switch (`${exchange.request.method} ${exchange.url.pathname}`) {
      case 'GET /authorize':
        return this.#authorize(exchange)
      case 'POST /login':
        return this.#login(exchange)
      case 'POST /logout':
        return this.#logout(exchange)
      case 'POST /consent':
        return this.#consent(exchange)
      case 'POST /token':
        return this.#token(exchange)
      case 'POST /revoke':
        return this.#revoke(exchange)
      case 'GET /api/me':
        return this.#me(exchange)
      case 'GET /journal':
        return sendJson(exchange, 200, { ...this.#journal, latest_token_live: this.#grants.latestTokenLive() })
      case 'DELETE /journal':
        this.#journal = { ...emptyJournal(), in_flight: this.#journal.in_flight, held: this.#journal.held }
        return sendJson(exchange, 200, {})
      case 'GET /faults':
        return sendJson(exchange, 200, this.#faults)
      case 'POST /faults':
        this.#faults = JSON.parse(await readBody(exchange.request)) as Faults
        return sendJson(exchange, 200, this.#faults)
      case 'DELETE /faults':
        this.#faults = {}
        return sendJson(exchange, 200, {})
      default:
        throw new HttpError(404, 'Acme Data has no such page.')
    }
  }

  /** RFC 6749 §4.1.1 with RFC 7636: choose an account, then allow or deny. */
  #authorize(exchange: Exchange): void {
    const query = exchange.url.searchParams
    const wanted = this.#authorizationRequest(query)
    const { redirectUri, state } = wanted
    if (query.get('response_type') !== 'code')
      return back(exchange, redirectUri, { error: 'unsupported_response_type', state })
    if (query.get('code_challenge_method') !== 'S256' || !wanted.challenge) {
      return back(exchange, redirectUri, {
        error: 'invalid_request',
        error_description: 'PKCE with S256 is required',
        state,
      })
    }
    if (wanted.scope.split(' ').some((scope) => !Object.hasOwn(SCOPES, scope))) {
      return back(exchange, redirectUri, { error: 'invalid_scope', state })
    }
    const request = text(query.toString())
    const session = cookieOf(exchange.request, SESSION)
    const account = vendorAccountOf(this.#grants.accountOfSession(session) ?? '')
    if (!session || !account) {
      const accounts = VENDOR_ACCOUNTS.map(
        ({ id, name, email }) =>
          `<button class="wide" name="account" value="${id}"><b>${name}</b><br><small>${email}</small></button>`,
      )
      const form = `<form method="post" action="/login"><input type="hidden" name="request" value="${request}">`
      return sendPage(
        exchange,
        200,
        'Acme Data: log in',
        `<p>Acme Data is another company: it knows nothing of Keybearer’s people. Choose your account here; in the demo
        it needs no password.</p>${form}${accounts.join('')}</form>
        ${form}<p><label>or type its name <input type="text" name="account" required></label>
        <button>Continue</button></p></form>`,
      )
    }
    const scopes = wanted.scope.split(' ').map((scope) => `<li>${SCOPES[scope]} <small>(${text(scope)})</small></li>`)
    sendPage(
      exchange,
      200,
      'Acme Data: allow access?',
      `<p><b>Keybearer</b> (${text(wanted.clientId)}) wants to act as <b>${account.name}</b>:</p>
      <ul>${scopes.join('')}</ul><form method="post" action="/consent">
      <input type="hidden" name="request" value="${request}">
      <input type="hidden" name="proof" value="${proof(session, query.toString())}">
      <button class="main" name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button>
      </form><form method="post" action="/logout"><input type="hidden" name="request" value="${request}">
      <p><small>Not ${account.name}? <button name="leave" value="yes">Use another account</button></small></p></form>`,
    )
  }

  async #login(exchange: Exchange): Promise<void> {
    const form = await readForm(exchange.request)
    const account = vendorAccountOf(form.get('account') ?? '')
    if (!account) throw new HttpError(400, 'Acme Data knows no such account.')
    const session = this.#grants.beginSession(account.id)
    redirect(exchange, `/authorize?${form.get('request') ?? ''}`, {
      'set-cookie': `${SESSION}=${session}; Path=/; HttpOnly; SameSite=Lax`,
    })
  }

  async #logout(exchange: Exchange): Promise<void> {
    const form = await readForm(exchange.request)
    this.#grants.endSession(cookieOf(exchange.request, SESSION) ?? '')
    redirect(exchange, `/authorize?${form.get('request') ?? ''}`, { 'set-cookie': `${SESSION}=; Path=/; Max-Age=0` })
  }

  async #consent(exchange: Exchange): Promise<void> {
    const form = await readForm(exchange.request)
    const session = cookieOf(exchange.request, SESSION)
    const account = this.#grants.accountOfSession(session)
    const request = form.get('request') ?? ''
    if (!session || !account || form.get('proof') !== proof(session, request)) {
      throw new HttpError(403, 'This consent page is not from your session at Acme Data.')
    }
    const { clientId, redirectUri, scope, state, challenge } = this.#authorizationRequest(new URLSearchParams(request))
    if (form.get('decision') !== 'allow') {
      this.#journal.consents.denied++
      return back(exchange, redirectUri, { error: 'access_denied', error_description: 'the person said no', state })
    }
    this.#journal.consents.allowed++
    const code = this.#grants.issueCode({ clientId, redirectUri, account, scope, challenge })
    this.options.witness?.('authorization code', code)
    back(exchange, redirectUri, { code, state })
  }

  /** @throws HttpError 400 where the answer must not go to the redirect URI (RFC 6749 §4.1.2.1) */
  #authorizationRequest(query: URLSearchParams) {
    const clientId = query.get('client_id') ?? ''
    const redirectUri = query.get('redirect_uri') ?? ''
    if (clientId !== VENDOR_CLIENT && clientId !== VENDOR_PUBLIC_CLIENT) throw new HttpError(400, 'Unknown client_id.')
    if (!this.options.redirectUris.includes(redirectUri))
      throw new HttpError(400, 'This redirect_uri is not registered.')
    return {
      clientId,
      redirectUri,
      scope: query.get('scope') || Object.keys(SCOPES).join(' '),
      state: query.get('state') ?? '',
      challenge: query.get('code_challenge') ?? '',
    }
  }

  async #token(exchange: Exchange): Promise<void> {
    const form = await readForm(exchange.request)
    const grantType = form.get('grant_type') ?? ''
    const account = this.#grants.accountOf(form)
    const faults = this.#faultsFor(grantType, account)
    if (faults.when === 'before_arrival' && !(await this.#arrives(exchange, faults))) return
    this.#journal.in_flight++
    try {
      count(this.#journal.token_requests, grantType)
      if (account) count((this.#journal.by_account[account] ??= {}), grantType)
      if (faults.when === 'before_commit' && (await suffer(exchange, faults))) return
      const issued = this.#issue(this.#client(exchange, form), grantType, form, faults.access_token_seconds)
      count(this.#journal.issued, grantType)
      this.#testify(form, issued)
      if (faults.when === 'after_commit' && (await suffer(exchange, faults))) return
      sendJson(exchange, 200, issued)
    } catch (error) {
      this.#refuse(exchange, error)
    } finally {
      this.#journal.in_flight--
    }
  }

  /** Holds a request up. Resolves to whether its client is still there when the time is over. */
  async #arrives({ request, response }: Exchange, { delay_ms: milliseconds = 0 }: Faults): Promise<boolean> {
    const port = request.socket.remotePort ?? 0
    const gone = new AbortController()
    const leave = (): void => gone.abort()
    response.once('close', leave)
    this.#journal.held.push(port)
    const arrives = await delay(milliseconds, true, { signal: gone.signal }).catch(() => false)
    this.#journal.held.splice(this.#journal.held.indexOf(port), 1)
    response.off('close', leave)
    return arrives
  }

  #testify(form: URLSearchParams, { access_token: accessToken, refresh_token: refreshToken }: Issued): void {
    const { witness } = this.options
    const verifier = form.get('code_verifier')
    witness?.('access token', accessToken)
    if (refreshToken !== undefined) witness?.('refresh token', refreshToken)
    if (verifier !== null) witness?.('code verifier', verifier)
  }

  #issue(clientId: string, grantType: string, form: URLSearchParams, seconds?: number): Issued {
    const field = (name: string): string => form.get(name) ?? ''
    switch (grantType) {
      case 'authorization_code':
        return this.#grants.redeemCode(field('code'), clientId, field('redirect_uri'), field('code_verifier'), seconds)
      case 'refresh_token':
        return this.#grants.refresh(field('refresh_token'), clientId, seconds)
      case 'client_credentials':
        if (clientId === VENDOR_PUBLIC_CLIENT) throw new OAuthRefusal('unauthorized_client', 'not for public clients')
        return this.#grants.clientCredentials(clientId, field('scope') || 'profile', seconds)
      default:
        throw new OAuthRefusal('unsupported_grant_type', 'use authorization_code, refresh_token or client_credentials')
    }
  }

  async #revoke(exchange: Exchange): Promise<void> {
    try {
      const form = await readForm(exchange.request)
      if (this.#faults.grant_type === 'revocation') {
        if (await suffer(exchange, this.#faultsFor('revocation', undefined))) return
      }
      this.#grants.revoke(form.get('token') ?? '', this.#client(exchange, form))
      this.#journal.revocations++
      sendJson(exchange, 200, {})
    } catch (error) {
      this.#refuse(exchange, error)
    }
  }

  /** The protected resource: who is the bearer, in the vendor's own words? */
  #me(exchange: Exchange): void {
    const bearer = this.#grants.bearer(/^Bearer (\S+)$/i.exec(exchange.request.headers.authorization ?? '')?.[1] ?? '')
    if (!bearer) {
      exchange.response.setHeader('www-authenticate', 'Bearer realm="acme-data", error="invalid_token"')
      return sendJson(exchange, 401, { error: 'invalid_token' })
    }
    const account = vendorAccountOf(bearer.account ?? '')
    sendJson(
      exchange,
      200,
      account ? { ...account, scope: bearer.scope } : { id: bearer.clientId, scope: bearer.scope },
    )
  }

  /** The client that authenticated by `client_secret_basic` or `client_secret_post`, or the public one. */
  #client({ request }: Exchange, form: URLSearchParams): string {
    const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const [id, secret] = basic
      ? Buffer.from(basic, 'base64').toString('utf8').split(':').map(formDecode)
      : [form.get('client_id'), form.get('client_secret')]
    if (id === VENDOR_PUBLIC_CLIENT && !secret) return id
    if (id === VENDOR_CLIENT && secret === this.options.clientSecret) return id
    throw new OAuthRefusal('invalid_client', 'client authentication failed', 401)
  }

  #faultsFor(grantType: string, account: string | undefined): Faults {
    const faults: Faults = { when: 'before_commit', ...this.#faults }
    if (faults.grant_type !== undefined && faults.grant_type !== grantType) return {}
    if (faults.account !== undefined && faults.account !== account) return {}
    const { times } = this.#faults
    if (times === undefined) return faults
    if (times <= 0) return {}
    this.#faults.times = times - 1
    return faults
  }

  #refuse(exchange: Exchange, error: unknown): void {
    if (!(error instanceof OAuthRefusal)) throw error
    count(this.#journal.refused, error.error)
    if (error instanceof RefreshTokenReused) this.#journal.refresh_tokens_reused++
    if (error.status === 401) exchange.response.setHeader('www-authenticate', 'Basic realm="acme-data"')
    sendJson(exchange, error.status, { error: error.error, error_description: error.message })
  }
}

/** Whether the fault has put an end to the exchange. */
async function suffer(exchange: Exchange, faults: Faults): Promise<boolean> {
  if (faults.delay_ms) await delay(faults.delay_ms)
  if (faults.drop) {
    exchange.response.destroy()
    return true
  }
  if (faults.fail_status === undefined) return false
  sendJson(exchange, faults.fail_status, faults.fail_error ? { error: faults.fail_error } : { message: 'out of order' })
  return true
}

/** RFC 6749 §2.3.1: both halves of the Basic header are form-encoded. */
const formDecode = (value: string): string => decodeURIComponent(value.replaceAll('+', ' '))

/** That a consent page was made for this browser and this request. */
const proof = (session: string, request: string): string =>
  createHmac('sha256', session).update(request).digest('base64url')

function back(exchange: Exchange, redirectUri: string, answer: Record<string, string>): void {
  const location = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) if (value) location.searchParams.set(name, value)
  redirect(exchange, location.href)
}

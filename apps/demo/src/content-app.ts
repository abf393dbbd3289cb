import { type DemoServer, type Exchange, HttpError, sendJson, sendPage, serve, text } from './http.js'
import { echoWebSocket } from './web-socket.js'

export interface ContentAppOptions {
  readonly port: number
  /** `CONNECT_SERVER`: Keybearer's address. */
  readonly connectServer: string
  /** `CONNECT_API_KEY`, asked for at each request: the app may be up before its key exists. */
  readonly apiKey: () => string | undefined
  /** The vendor's address. */
  readonly vendorUrl: string
  readonly silent?: boolean
}

/** What the app shows, as JSON. */
export interface AppAnswer {
  /** From `RStudio-Connect-Credentials`: `null` for a visitor who is not logged in. */
  user: string | null
  groups: string[]
  /** Who the vendor says the viewer is; `null` when we have no token. */
  vendor: { id: string; name?: string; email?: string } | null
  /** Seconds for which the token is good, where the server says so. */
  expires_in: number | null
  /** Why there is no token, or why the vendor did not take it. */
  refusal: { status: number; code: number | null; error: string; payload: Record<string, unknown> | null } | null
}

/** A piece of content as a publisher would write it: it asks the server for its viewer's token and uses it. */
export async function startContentApp(options: ContentAppOptions): Promise<DemoServer & { url: string }> {
  const server = await serve({
    name: 'demo-content-app',
    port: options.port,
    silent: options.silent,
    handle: (exchange) => route(exchange, options),
    upgrade: echoWebSocket,
  })
  return { ...server, url: `http://127.0.0.1:${server.port}` }
}

const TOKEN_HEADER = 'posit-connect-user-session-token'

async function route(exchange: Exchange, options: ContentAppOptions): Promise<void> {
  const { request, url } = exchange
  if (url.pathname === '/headers') {
    const headers = Object.entries(request.headers)
    return sendJson(exchange, 200, Object.fromEntries(headers.map(([name, value]) => [name, shown(name, value)])))
  }
  if (url.pathname !== '/') throw new HttpError(404, 'This app has one page only.')
  const answer = await answerFor(exchange, options)
  const json = url.searchParams.get('format') === 'json' || request.headers.accept?.startsWith('application/json')
  if (json) return sendJson(exchange, 200, answer)
  page(exchange, answer)
}

const shown = (name: string, value: string | string[] | undefined): string | string[] | undefined =>
  name === TOKEN_HEADER ? '[present]' : value

async function answerFor({ request }: Exchange, options: ContentAppOptions): Promise<AppAnswer> {
  const credentials = request.headers['rstudio-connect-credentials']
  const { user = null, groups = [] } =
    typeof credentials === 'string' ? (JSON.parse(credentials) as { user?: string; groups?: string[] }) : {}
  const visitor = { user, groups, vendor: null, expires_in: null, refusal: null }
  const token = request.headers[TOKEN_HEADER]
  if (typeof token !== 'string') {
    return { ...visitor, refusal: refusal(0, 'You are not logged in, so there is no token to ask for.') }
  }
  const exchanged = await exchangeToken(token, options)
  if ('refusal' in exchanged) return { ...visitor, refusal: exchanged.refusal }
  const me = await fetch(`${options.vendorUrl}/api/me`, {
    headers: { authorization: `Bearer ${exchanged.accessToken}`, accept: 'application/json' },
  })
  if (!me.ok) {
    await me.body?.cancel()
    return { ...visitor, refusal: refusal(me.status, 'Acme Data did not take the access token.') }
  }
  return { ...visitor, vendor: (await me.json()) as AppAnswer['vendor'], expires_in: exchanged.expiresIn }
}

const refusal = (status: number, error: string): AppAnswer['refusal'] => ({ status, code: null, error, payload: null })

/** @see RFC 8693 §2.1, as Posit Connect's clients send it */
async function exchangeToken(
  subjectToken: string,
  { connectServer, apiKey }: ContentAppOptions,
): Promise<{ accessToken: string; expiresIn: number | null } | { refusal: AppAnswer['refusal'] }> {
  const response = await fetch(`${connectServer}/__api__/v1/oauth/integrations/credentials`, {
    method: 'POST',
    headers: { authorization: `Key ${apiKey() ?? ''}`, accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:posit:connect:user-session-token',
      subject_token: subjectToken,
    }),
  })
  const body = await response.text()
  if (response.ok) {
    const { access_token: accessToken, expires_in: expiresIn } = JSON.parse(body) as {
      access_token: string
      expires_in?: number
    }
    return { accessToken, expiresIn: expiresIn ?? null }
  }
  try {
    const { code, error, payload } = JSON.parse(body) as NonNullable<AppAnswer['refusal']>
    return { refusal: { status: response.status, code, error, payload } }
  } catch {
    return { refusal: refusal(response.status, 'The server gave an answer that this app does not understand.') }
  }
}

function page(exchange: Exchange, { user, groups, vendor, expires_in: seconds, refusal }: AppAnswer): void {
  const who = user
    ? `<dt>Keybearer says you are</dt><dd>${text(user)}${groups.length ? ` (${text(groups.join(', '))})` : ''}</dd>`
    : ''
  const there = vendor
    ? `<dt>Acme Data says you are</dt><dd>${text(vendor.name ?? vendor.id)} <small>${text(vendor.email ?? '')}</small></dd>`
    : ''
  const life = vendor && seconds !== null ? `<dt>The access token is good for</dt><dd>${seconds} seconds</dd>` : ''
  const consent = refusal?.payload?.consent_url
  const why = refusal
    ? `<dt>No token for Acme Data</dt><dd>${text(refusal.error)}</dd>` +
      (typeof consent === 'string' && /^(https?:\/\/|\/)/.test(consent)
        ? `<dd><a href="${text(consent)}">Connect your Acme Data account</a></dd>`
        : '')
    : ''
  const more = `<p><small>To be somebody else here, open this page in a private window. This app has no password, cookie
    or refresh token of yours: see <a href="headers">the headers that it gets</a>.</small></p>`
  sendPage(exchange, 200, 'Who does Acme Data say I am?', `<dl>${who}${there}${life}${why}</dl>${more}`)
}

import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

// Vendors as they behave in what matters to a client, and as strict: each knows one application, one code at a time and
// counts its tokens.

export const CLIENT_ID = 'app-1.example_id'
export const CLIENT_SECRET = 'se+cr/et='

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly form: URLSearchParams
}
export type Told = readonly [status: number, body: object, form?: true]

/** What is open at a vendor between two requests. */
export class Desk {
  code: { readonly value: string; readonly challenge: string } | undefined
  readonly good = new Set<string>()
  count = 0

  next(kind: string): string {
    const token = `${kind}-${++this.count}`
    this.good.add(token)
    return token
  }

  /** Whether the code is the one that is open, shown with its verifier; it is used up in any case. */
  redeems(form: URLSearchParams): boolean {
    const { code } = this
    this.code = undefined
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    return code !== undefined && form.get('code') === code.value && challenge === code.challenge
  }
}

export type Vendor = (asked: Asked, desk: Desk) => Told

const secretInBody = ({ form, headers }: Asked): boolean =>
  !headers.authorization && form.get('client_id') === CLIENT_ID && form.get('client_secret') === CLIENT_SECRET

/** As most who write such servers: nothing is decoded. */
const secretInHeader = ({ form, headers }: Asked): boolean =>
  headers.authorization === `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}` &&
  !form.has('client_secret')

/**
 * Old refresh tokens stay good; one resource a token request; a service account asks for `/.default` alone.
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const entra: Vendor = (asked, desk) => {
  const { form, path } = asked
  const no = (error: string, code: number): Told => [
    400,
    { error, error_description: `AADSTS${code}: …`, error_codes: [code], timestamp: '…', trace_id: '…' },
  ]
  if (path !== '/contoso.example/oauth2/v2.0/token') return no('invalid_request', 90002)
  const isPublic = form.get('client_id') === 'public'
  if (isPublic && form.has('client_secret')) return no('invalid_client', 700025)
  if (!isPublic && !secretInBody(asked)) return no('invalid_client', 7000215)
  const tokens = (more: () => object): Told => {
    const access_token = desk.next('access')
    return [200, { token_type: 'Bearer', expires_in: 3599, access_token, ...more() }]
  }
  const grantType = form.get('grant_type')
  if (grantType === 'client_credentials') {
    return /^\S+\/\.default$/.test(form.get('scope') ?? '') ? tokens(() => ({})) : no('invalid_scope', 70011)
  }
  if (new Set(form.get('scope')?.match(/\S+(?=\/\.default)/g)).size > 1) return no('invalid_scope', 28000)
  if (grantType === 'refresh_token' ? desk.good.has(form.get('refresh_token') ?? '') : desk.redeems(form)) {
    return tokens(() => ({ refresh_token: desk.next('refresh'), scope: 'all' }))
  }
  return grantType === 'refresh_token' ? no('invalid_grant', 700082) : no('invalid_grant', 54005)
}

/**
 * PKCE is needed; viewers' credentials in the body, service principals' by HTTP Basic; refresh tokens work once; errors
 * in two shapes.
 */
export const databricks: Vendor = (asked, desk) => {
  const { form, path } = asked
  if (path !== '/oidc/v1/token') return [404, { error_code: 'ENDPOINT_NOT_FOUND' }]
  if (form.get('grant_type') === 'client_credentials') {
    if (!secretInHeader(asked))
      return [401, { errorCode: 'invalid_client', errorSummary: 'Client authentication failed' }]
    return [
      200,
      { access_token: desk.next('access'), token_type: 'Bearer', expires_in: 3600, scope: form.get('scope') },
    ]
  }
  if (!secretInBody(asked)) return [401, { errorCode: 'invalid_client', errorSummary: 'Client authentication failed' }]
  const refresh = form.get('refresh_token') ?? ''
  const good = form.get('grant_type') === 'refresh_token' ? desk.good.delete(refresh) : desk.redeems(form)
  if (!good) return [400, { error: 'invalid_grant', error_description: 'Refresh token is invalid' }]
  return [
    200,
    { access_token: desk.next('access'), refresh_token: desk.next('refresh'), token_type: 'Bearer', expires_in: 3600 },
  ]
}

/** Form encoding unless asked for JSON, errors with status 200, scopes with commas; a refresh ends the old tokens. */
export const github: Vendor = (asked, desk) => {
  const { form, headers, method, path, body } = asked
  const tell = (members: object): Told =>
    headers.accept === 'application/json' ? [200, members] : [200, members, true]
  if (method === 'DELETE') {
    if (path !== `/api/v3/applications/${CLIENT_ID}/token` || !secretInHeader(asked))
      return [401, { message: 'Bad credentials' }]
    const { access_token } = JSON.parse(body) as { access_token: string }
    return desk.good.delete(access_token) ? [204, {}] : [404, { message: 'Not Found' }]
  }
  if (path !== '/login/oauth/access_token') return [404, { message: 'Not Found' }]
  if (!secretInBody(asked))
    return tell({ error: 'incorrect_client_credentials', error_description: '…', error_uri: '…' })
  const isRefresh = form.get('grant_type') === 'refresh_token'
  if (isRefresh ? !desk.good.has(form.get('refresh_token') ?? '') : !desk.redeems(form)) {
    return tell({ error: isRefresh ? 'bad_refresh_token' : 'bad_verification_code', error_description: '…' })
  }
  desk.good.clear()
  return tell({
    ...{ access_token: desk.next('access'), expires_in: 28800, refresh_token: desk.next('refresh') },
    ...{ refresh_token_expires_in: 15811200, scope: 'repo,read:org', token_type: 'bearer' },
  })
}

/** Never says how long a token lasts; numbers as text; the refresh token comes once. */
export const salesforce: Vendor = (asked, desk) => {
  const { form, path } = asked
  if (path === '/services/oauth2/revoke') return [desk.good.delete(form.get('token') ?? '') ? 200 : 400, {}]
  if (path !== '/services/oauth2/token') return [404, {}]
  if (!secretInBody(asked)) return [400, { error: 'invalid_client', error_description: 'invalid client credentials' }]
  const isRefresh = form.get('grant_type') === 'refresh_token'
  if (isRefresh ? !desk.good.has(form.get('refresh_token') ?? '') : !desk.redeems(form)) {
    return [400, { error: 'invalid_grant', error_description: 'expired access/refresh token' }]
  }
  return [
    200,
    {
      access_token: desk.next('access'),
      ...(!isRefresh && { refresh_token: desk.next('refresh') }),
      ...{ instance_url: 'https://acme.my.salesforce.com', id: 'https://…', issued_at: '1763812800000' },
      ...{ signature: '…', scope: 'api refresh_token', token_type: 'Bearer' },
    },
  ]
}

/** HTTP Basic only; ten minutes; says who the user is. */
export const snowflake: Vendor = (asked, desk) => {
  const { form, path } = asked
  if (path !== '/oauth/token-request') return [404, {}]
  if (!secretInHeader(asked)) return [401, { data: null, message: 'Invalid client', error: 'invalid_client' }]
  const isRefresh = form.get('grant_type') === 'refresh_token'
  if (isRefresh ? !desk.good.has(form.get('refresh_token') ?? '') : !desk.redeems(form)) {
    return [400, { error: 'invalid_grant', message: 'expired', code: null }]
  }
  return [
    200,
    {
      ...{ access_token: desk.next('access'), token_type: 'Bearer', expires_in: 600, username: 'VERA' },
      ...(!isRefresh && { refresh_token: desk.next('refresh'), refresh_token_expires_in: 7776000 }),
      ...{ scope: 'refresh_token session:role:ANALYST', user_first_name: null, user_last_name: null },
    },
  ]
}

/** A vendor on a port of this machine. */
export class VendorServer {
  readonly desk = new Desk()
  readonly #server: Server

  constructor(vendor: Vendor) {
    this.#server = createServer((request, response) => {
      void read(request).then((asked) => {
        const [status, body, asForm] = vendor(asked, this.desk)
        const type = asForm ? 'application/x-www-form-urlencoded' : 'application/json'
        const text = asForm ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body)
        response.writeHead(status, { 'content-type': type }).end(status === 204 ? undefined : text)
      })
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return this
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  const { method = '', url = '', headers } = request
  return { method, path: url, headers, body, form: new URLSearchParams(body) }
}

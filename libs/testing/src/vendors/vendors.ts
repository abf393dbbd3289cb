import { CLIENT_ID, CLIENT_SECRET, type Asked, type Desk, type Told, type Vendor } from './vendor-server.js'

// Vendors as they behave in what matters to a client, and as strict.

const secretInBody = ({ form, headers }: Asked): boolean =>
  !headers.authorization && form.get('client_id') === CLIENT_ID && form.get('client_secret') === CLIENT_SECRET

/** As most who write such servers: nothing is decoded. */
const secretInHeader = ({ form, headers }: Asked): boolean =>
  headers.authorization === `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}` &&
  !form.has('client_secret')

/** As the RFC has it. @see RFC 6749 §2.3.1 */
const secretInEncodedHeader = ({ form, headers }: Asked): boolean => {
  const halves = [CLIENT_ID, CLIENT_SECRET].map((half) => new URLSearchParams({ '': half }).toString().slice(1))
  const expected = `Basic ${Buffer.from(halves.join(':')).toString('base64')}`
  return headers.authorization === expected && !form.has('client_secret')
}

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
export const github: Vendor = gitHubWith({ expiring: true })
/** The other kind of application: one token for as long as it is used, and nothing to refresh it with. */
export const githubOAuthApp: Vendor = gitHubWith({ expiring: false })

function gitHubWith({ expiring }: { readonly expiring: boolean }): Vendor {
  return (asked, desk) => gitHub(asked, desk, expiring)
}

function gitHub(asked: Asked, desk: Desk, expiring: boolean): Told {
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
  if (!expiring) return tell({ access_token: desk.next('access'), scope: 'repo,read:org', token_type: 'bearer' })
  desk.good.clear()
  return tell({
    ...{ access_token: desk.next('access'), expires_in: 28800, refresh_token: desk.next('refresh') },
    ...{ refresh_token_expires_in: 15811200, scope: 'repo,read:org', token_type: 'bearer' },
  })
}

/** Never says how long a token lasts; numbers as text; the refresh token comes once. */
export const salesforce: Vendor = (asked, desk) => salesForce(asked, desk, false)
/** The same with refresh token rotation, which an administrator there may turn on. */
export const salesforceRotating: Vendor = (asked, desk) => salesForce(asked, desk, true)

function salesForce(asked: Asked, desk: Desk, rotates: boolean): Told {
  const { form, path } = asked
  if (path === '/services/oauth2/revoke') return [desk.good.delete(form.get('token') ?? '') ? 200 : 400, {}]
  if (path !== '/services/oauth2/token') return [404, {}]
  if (!secretInBody(asked)) return [400, { error: 'invalid_client', error_description: 'invalid client credentials' }]
  const isRefresh = form.get('grant_type') === 'refresh_token'
  if (isRefresh ? !desk.good.has(form.get('refresh_token') ?? '') : !desk.redeems(form)) {
    return [400, { error: 'invalid_grant', error_description: 'expired access/refresh token' }]
  }
  if (rotates) desk.good.delete(form.get('refresh_token') ?? '')
  return [
    200,
    {
      access_token: desk.next('access'),
      ...((rotates || !isRefresh) && { refresh_token: desk.next('refresh') }),
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

const GOOGLE_LIVES = 100

/**
 * A refresh token only where `access_type=offline` was asked for, and only at the first consent or with
 * `prompt=consent`; none with a refresh; the oldest of more than a hundred dies unsaid.
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#offline
 */
export const google: Vendor = (asked, desk) => {
  const { form, path } = asked
  if (path === '/revoke') {
    return desk.good.delete(form.get('token') ?? '') ? [200, {}] : [400, { error: 'invalid_token' }]
  }
  if (path !== '/token') return [404, {}]
  if (!secretInBody(asked)) return [401, { error: 'invalid_client', error_description: 'Unauthorized' }]
  const { query } = desk
  const isRefresh = form.get('grant_type') === 'refresh_token'
  if (isRefresh ? !desk.good.has(form.get('refresh_token') ?? '') : !desk.redeems(form)) {
    return [
      400,
      { error: 'invalid_grant', error_description: isRefresh ? 'Token has been expired or revoked.' : 'Malformed' },
    ]
  }
  const first = desk.count === 0
  const offline = query?.get('access_type') === 'offline' && (first || query.get('prompt') === 'consent')
  const tokens = {
    ...{ access_token: desk.next('access'), expires_in: 3599, token_type: 'Bearer', scope: query?.get('scope') ?? '' },
    ...(!isRefresh && offline && { refresh_token: desk.next('refresh') }),
  }
  const refreshTokens = [...desk.good].filter((token) => token.startsWith('refresh-'))
  for (const token of refreshTokens.slice(0, -GOOGLE_LIVES)) desk.good.delete(token)
  return [200, tokens]
}

export interface CustomOptions {
  readonly authentication?: 'client_secret_post' | 'client_secret_basic' | 'none'
  readonly pkce?: boolean
  /** What becomes of a used refresh token; `ends_grant`: its second use is the end of all others. */
  readonly reuse?: 'allowed' | 'refused' | 'ends_grant'
  /** Seconds; absent: it does not say. */
  readonly expiresIn?: number
}

/** Whatever an administrator may have to describe with the template Custom. */
export function custom(options: CustomOptions = {}): Vendor {
  const { authentication = 'client_secret_post', pkce = true, reuse = 'allowed', expiresIn } = options
  const authenticated = {
    client_secret_post: secretInBody,
    client_secret_basic: secretInEncodedHeader,
    none: ({ form, headers }: Asked) => !headers.authorization && !form.has('client_secret'),
  }[authentication]
  return (asked, desk) => {
    const { form, path } = asked
    if (path === '/revoke')
      return authenticated(asked) ? (desk.good.delete(form.get('token') ?? ''), [200, {}]) : [401, {}]
    if (path !== '/token') return [404, {}]
    if (!authenticated(asked)) return [401, { error: 'invalid_client' }]
    const grantType = form.get('grant_type')
    if (grantType === 'client_credentials') {
      if (authentication === 'none') return [400, { error: 'unauthorized_client' }]
    } else if (grantType === 'refresh_token') {
      const token = form.get('refresh_token') ?? ''
      const known = token.startsWith('refresh-') && Number(token.slice(8)) <= desk.count
      if (!desk.good.has(token)) {
        if (known && reuse === 'ends_grant') desk.good.clear()
        return [400, { error: 'invalid_grant' }]
      }
      if (reuse !== 'allowed') desk.good.delete(token)
    } else if (!desk.redeems(form, pkce)) return [400, { error: 'invalid_grant' }]
    return [
      200,
      {
        ...{ access_token: desk.next('access'), token_type: 'Bearer' },
        ...(expiresIn !== undefined && { expires_in: expiresIn }),
        ...(grantType !== 'client_credentials' && { refresh_token: desk.next('refresh') }),
      },
    ]
  }
}

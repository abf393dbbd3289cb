import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Adapter, type AdapterPayload, type Configuration, type JWK } from 'oidc-provider'
import { readJson, writeJson } from './files.js'
import {
  type DemoServer,
  type Exchange,
  HttpError,
  PAGE_HEADERS,
  pageText,
  readForm,
  sendPage,
  serve,
  text,
} from './http.js'
import { PEOPLE, type Person, personOf } from './people.js'
import type { Witness } from './witness.js'

type LogoutSource = NonNullable<
  NonNullable<NonNullable<Configuration['features']>['rpInitiatedLogout']>['logoutSource']
>

export interface OidcProviderOptions {
  /** Loopback port; the issuer is `http://localhost:<port>`. */
  readonly port: number
  /** Where signing and cookie keys are kept. */
  readonly folder: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly silent?: boolean
  readonly witness?: Witness
}

/** The organisation's OpenID provider: a real one, whose login page asks for no password. */
export async function startOidcProvider(options: OidcProviderOptions): Promise<DemoServer & { issuer: string }> {
  const issuer = `http://localhost:${options.port}`
  const provider = new Provider(issuer, await configuration(options))
  const { witness } = options
  if (witness)
    provider.on('grant.success', ({ oidc, body }) => testify(witness, { ...oidc.params, ...(body as object) }))
  const server = await serve({
    name: 'demo-oidc-provider',
    port: options.port,
    silent: options.silent,
    // Below the first segment the paths of a login carry its handle.
    route: (path) => `/${path.split('/')[1] ?? ''}`,
    handle: (exchange) => route(provider, exchange),
  })
  return { ...server, issuer }
}

function testify(witness: Witness, seen: Readonly<Record<string, unknown>>): void {
  const kinds = {
    code: 'authorization code',
    code_verifier: 'code verifier',
    access_token: 'access token',
    refresh_token: 'refresh token',
    id_token: 'ID token',
  } as const
  for (const [name, kind] of Object.entries(kinds)) {
    const value = seen[name]
    if (typeof value === 'string') witness(kind, value)
  }
}

async function route(provider: Provider, exchange: Exchange): Promise<void> {
  const { request, response, url } = exchange
  if (!url.pathname.startsWith('/login/')) return provider.callback()(request, response)
  const interaction = await provider.interactionDetails(request, response).catch(() => {
    throw new HttpError(400, 'This login is over, or was begun in another browser. Go back to where you came from.')
  })
  if (request.method !== 'POST') return loginPage(exchange, String(interaction.params.client_id))
  const person = personOf((await readForm(request)).get('username') ?? '')
  if (!person) throw new HttpError(400, 'Nobody here has that name.')
  await provider.interactionFinished(request, response, { login: { accountId: person.username } })
}

function loginPage(exchange: Exchange, clientId: string): void {
  const people = PEOPLE.map(
    ({ username, givenName, familyName, groups, part }) =>
      `<button class="wide" name="username" value="${username}"><b>${givenName} ${familyName}</b> (${username}) ${part}` +
      `<br><small>${groups.join(', ')}</small></button>`,
  )
  sendPage(
    exchange,
    200,
    'Who are you?',
    `<p>This is the demo’s OpenID Connect provider; <b>${text(clientId)}</b> wants to know who you are.
    In the demo nobody needs a password: choose a person.</p><form method="post">${people.join('')}</form>
    <form method="post"><p><label>or type a username <input type="text" name="username" autocomplete="off" required></label>
    <button>Log in</button></p></form>`,
  )
}

async function configuration(options: OidcProviderOptions): Promise<Configuration> {
  const { keys, cookieKeys } = await keysOf(options.folder)
  return {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        client_name: 'Keybearer',
        redirect_uris: [options.redirectUri],
        post_logout_redirect_uris: [beside(options, '/__logout__/done')],
        backchannel_logout_uri: beside(options, '/__logout__/backchannel'),
        backchannel_logout_session_required: true,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'RS256',
      },
    ],
    jwks: { keys },
    // Cookies do not know ports: on localhost these stand beside everybody else's.
    cookies: {
      keys: cookieKeys,
      names: { session: 'demo_oidc_session', interaction: 'demo_oidc_interaction', resume: 'demo_oidc_resume' },
    },
    pkce: { required: () => true },
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'name', 'given_name', 'family_name', 'groups'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: logoutPage, postLogoutSuccessSource: goodbyePage },
    },
    // Without the guard that keeps it from this machine: the demo's only client is here, and no address comes from others.
    fetch: (url, { method, headers, body, signal, redirect } = {}) =>
      fetch(url, { method, headers, body, signal, redirect }),
    interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
    findAccount: (_context, username) => {
      const person = personOf(username)
      return person && { accountId: username, claims: () => claimsOf(person) }
    },
    // The organisation's own server needs nobody's consent.
    loadExistingGrant: async ({ oidc }) => {
      const { client, session, provider } = oidc
      if (!client || !session?.accountId) return undefined
      const known = session.grantIdFor(client.clientId)
      const grant =
        (known && (await provider.Grant.find(known))) ||
        new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 600, Session: 86_400, Grant: 86_400 },
    renderError: (context, { error, error_description: description }) => {
      context.set(PAGE_HEADERS)
      context.body = pageText('That did not work', `<p>${text(description ?? '')} <small>(${text(error)})</small></p>`)
    },
  }
}

/** Another address of the server that people are sent back to. */
const beside = ({ redirectUri }: OidcProviderOptions, path: string): string =>
  redirectUri.replace(/\/__login__\/callback$/, path)

/** @param form the provider's own, which the buttons belong to */
const logoutPage: LogoutSource = (context, form) => {
  context.set(PAGE_HEADERS)
  context.body = pageText(
    'Log out?',
    `<p>This is the demo’s OpenID Connect provider.</p>
    ${form.replace('</form>', '<button name="logout" value="yes">Log out</button></form>')}`,
  )
}

const goodbyePage = (context: Parameters<LogoutSource>[0]): void => {
  context.set(PAGE_HEADERS)
  context.body = pageText('Goodbye', '<p>You are logged out.</p>')
}

const claimsOf = ({ username, givenName, familyName, groups }: Person) => ({
  sub: username,
  preferred_username: username,
  name: `${givenName} ${familyName}`,
  given_name: givenName,
  family_name: familyName,
  email: `${username}@demo.example`,
  email_verified: true,
  groups: [...groups],
})

/** In milliseconds: how old the signing key may be at a start before a new one is put in front of it. */
const ROTATE_AFTER = 7 * 86_400_000
/** Keys that are still published after a rotation, so that what they signed can be verified. */
const KEYS_KEPT = 3

interface KeyFile {
  /** Newest first: oidc-provider signs with the first. */
  keys: (JWK & { kid: string })[]
  madeAt: string
  cookieKeys: string[]
}

/** The provider's keys, from their file or new. */
export async function keysOf(folder: string, now = new Date()): Promise<KeyFile> {
  const file = join(folder, 'oidc-keys.json')
  const known = readJson<KeyFile>(file)
  if (known && now.getTime() - Date.parse(known.madeAt) < ROTATE_AFTER) return known
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = `demo-${now.toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`
  const key = { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' } as KeyFile['keys'][number]
  const keys = {
    keys: [key, ...(known?.keys ?? [])].slice(0, KEYS_KEPT),
    madeAt: now.toISOString(),
    cookieKeys: known?.cookieKeys ?? [randomBytes(32).toString('base64url')],
  }
  writeJson(file, keys)
  return keys
}

/** Sessions, codes and tokens in memory: after a restart of the demo people log in again. */
function memoryAdapter(): (model: string) => Adapter {
  const stored = new Map<string, { payload: AdapterPayload; expiresAt: number }>()
  const find = (matches: (key: string, payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
    for (const [key, { payload, expiresAt }] of stored) {
      if (expiresAt <= Date.now()) stored.delete(key)
      else if (matches(key, payload)) return payload
    }
    return undefined
  }
  return (model) => ({
    upsert: async (id, payload, expiresIn) => {
      stored.set(`${model}:${id}`, { payload, expiresAt: expiresIn ? Date.now() + expiresIn * 1000 : Infinity })
    },
    find: async (id) => find((key) => key === `${model}:${id}`),
    findByUid: async (uid) => find((key, payload) => key.startsWith(`${model}:`) && payload.uid === uid),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const entry = stored.get(`${model}:${id}`)
      if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id) => void stored.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId) => {
      for (const [key, { payload }] of stored) if (payload.grantId === grantId) stored.delete(key)
    },
  })
}

import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, type JWK, type JWTPayload } from 'jose'

export type Claims = JWTPayload & Record<string, unknown>

/** Everything about a provider's answers that a fault can change. */
export interface Faults {
  /** Claims of the ID token, from the right ones. */
  claims?: (claims: Claims) => Claims
  /** The whole ID token, from its right claims. */
  idToken?: (claims: Claims, provider: FaultyProvider) => Promise<string> | string
  userinfo?: (claims: Claims) => unknown
  userinfoStatus?: number
  userinfoType?: string
  /** Members of the token answer. */
  tokenAnswer?: (answer: object) => object
  tokenStatus?: number
  /** The whole token answer, from the right one. */
  tokenRaw?: (response: ServerResponse, answer: object) => void
  /** How the client has to prove itself; `basic` unless told. */
  authentication?: 'basic' | 'post'
  /** Query of the callback. */
  callback?: (query: URLSearchParams) => void
  /** Members of the discovery document. */
  discovery?: (document: object) => object
  jwks?: (keys: JWK[]) => unknown[]
}

/** An OpenID provider that does all things right, but for the faults that it is told; it enforces PKCE itself. */
export interface FaultyProvider {
  readonly issuer: string
  readonly clientId: string
  /** `rsa` signs RS256 as `k1`, `ec` ES256 as `k2`, `pss` PS256 as `k3`; nobody publishes `stranger`. */
  readonly keys: { readonly rsa: KeyPair; readonly ec: KeyPair; readonly pss: KeyPair; readonly stranger: KeyPair }
  /** Every token that was given out. */
  readonly issued: { readonly accessTokens: string[]; readonly idTokens: string[] }
  /** PKCE verifiers as they came. */
  readonly verifiers: string[]
  /** Method and path of every request that came. */
  readonly journal: string[]
  faults: Faults
  /** The person who logs in. */
  person: Claims
  /** What a browser does there: gives an authorization request, gets the way back to us. */
  authorize(location: string): URL
  sign(claims: Claims, key?: KeyObject, header?: object): Promise<string>
  close(): Promise<void>
}

interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

interface Granted {
  readonly challenge: string | null
  readonly method: string | null
  readonly nonce: string | null
  readonly redirectUri: string | null
  readonly person: Claims
}

export const CLIENT = { id: 'keybearer', secret: 'a secret+of/the client' }

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export async function faultyProvider(): Promise<FaultyProvider> {
  const pair = (): KeyPair => generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { rsa: pair(), ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }), pss: pair(), stranger: pair() }
  const issued = { accessTokens: [] as string[], idTokens: [] as string[] }
  const codes = new Map<string, Granted>()
  const accessTokens = new Map<string, Claims>()
  const journal: string[] = []

  const server = createServer((request, response) => {
    journal.push(`${request.method} ${request.url?.split('?')[0]}`)
    handle(request, response).catch(() => response.writeHead(500).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const provider: FaultyProvider = {
    issuer,
    clientId: CLIENT.id,
    keys,
    issued,
    verifiers: [],
    journal,
    faults: {},
    person: { sub: 'ada' },
    authorize(location) {
      const { searchParams: asked } = new URL(location)
      const code = randomBytes(8).toString('hex')
      codes.set(code, {
        challenge: asked.get('code_challenge'),
        method: asked.get('code_challenge_method'),
        nonce: asked.get('nonce'),
        redirectUri: asked.get('redirect_uri'),
        person: provider.person,
      })
      const back = new URL(asked.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer }).toString()
      const query = back.searchParams
      provider.faults.callback?.(query)
      return back
    },
    sign: (claims, key = keys.rsa.privateKey, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header }).sign(key),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: unknown, type = 'application/json'): void => {
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
    }
    const { faults } = provider
    switch (request.url?.split('?')[0]) {
      case '/.well-known/openid-configuration': {
        const document = {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          end_session_endpoint: `${issuer}/logout?of=everybody`,
          id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256', 'PS256', 'ES256'],
          authorization_response_iss_parameter_supported: true,
        }
        return json(200, faults.discovery?.(document) ?? document)
      }
      case '/jwks': {
        const jwk = ({ publicKey }: KeyPair, kid: string, alg: string): JWK =>
          ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg }) as JWK
        const own = [jwk(keys.rsa, 'k1', 'RS256'), jwk(keys.ec, 'k2', 'ES256'), jwk(keys.pss, 'k3', 'PS256')]
        return json(200, { keys: faults.jwks?.(own) ?? own })
      }
      case '/token': {
        const form = new URLSearchParams(await textOf(request))
        const granted = codes.get(form.get('code') ?? '')
        codes.delete(form.get('code') ?? '')
        const proof = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url')
        provider.verifiers.push(form.get('code_verifier') ?? '')
        const [user, password] =
          faults.authentication === 'post'
            ? [form.get('client_id'), form.get('client_secret')]
            : request.headers.authorization?.startsWith('Basic ') && !form.has('client_secret')
              ? basic(request)
              : []
        const right =
          granted &&
          granted.method === 'S256' &&
          granted.challenge === proof &&
          granted.redirectUri === form.get('redirect_uri') &&
          user === CLIENT.id &&
          password === CLIENT.secret
        if (!right) return json(400, { error: 'invalid_grant', error_description: '<script>alert(1)</script>' })
        const seconds = Math.floor(Date.now() / 1000)
        const proper: Claims = {
          iss: issuer,
          aud: CLIENT.id,
          iat: seconds,
          exp: seconds + 300,
          nonce: granted.nonce ?? undefined,
          ...granted.person,
        }
        const claims = faults.claims?.(proper) ?? proper
        const accessToken = randomBytes(16).toString('hex')
        accessTokens.set(accessToken, granted.person)
        const idToken = await (faults.idToken?.(claims, provider) ?? provider.sign(claims))
        issued.accessTokens.push(accessToken)
        issued.idTokens.push(idToken)
        const answer = { access_token: accessToken, token_type: 'Bearer', expires_in: 60, id_token: idToken }
        if (faults.tokenRaw) return faults.tokenRaw(response, answer)
        return json(faults.tokenStatus ?? 200, faults.tokenAnswer?.(answer) ?? answer)
      }
      case '/userinfo': {
        const person = accessTokens.get(request.headers.authorization?.replace('Bearer ', '') ?? '')
        if (!person) return json(401, {})
        const body = faults.userinfo?.(person) ?? person
        return json(faults.userinfoStatus ?? 200, body, faults.userinfoType)
      }
      default:
        return json(404, {})
    }
  }
  return provider
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

/** RFC 6749 §2.3.1: both halves are form-encoded first. */
function basic({ headers }: IncomingMessage): string[] {
  const [, encoded = ''] = (headers.authorization ?? '').split(' ')
  const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '))
  return Buffer.from(encoded, 'base64').toString().split(':').map(decode)
}

import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'

/** What the provider says of somebody; `sub` is who it is. */
export type Person = Readonly<Record<string, unknown>> & { readonly sub: string }

const CLIENT_ID = 'keybearer'
const KEY_ID = 'k1'

/**
 * An OpenID provider without pages, for many logins in a short time: whoever is told to logs in at once. It counts the
 * time that it takes itself.
 */
export class LoginProvider {
  readonly #codes = new Map<string, { readonly person: Person; readonly nonce: string }>()
  readonly #people = new Map<string, Person>()
  readonly #keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  /** Milliseconds that answers took to make. */
  busyMs = 0
  /** How many people came here to log in. */
  logins = 0

  private constructor(
    readonly issuer: string,
    private readonly server: ReturnType<typeof createServer>,
  ) {
    this.#keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch(() => response.writeHead(500).end())
    })
  }

  static async start(): Promise<LoginProvider> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new LoginProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server)
  }

  /** Settings of a house whose people log in here, as `Section.Name=value`. */
  get settings(): string[] {
    return [`OAuth2.OpenIDConnectIssuer=${this.issuer}`, `OAuth2.ClientId=${CLIENT_ID}`]
  }

  /** What a browser does here: takes an authorization request and gives the way back. */
  authorize(location: string, person: Person): string {
    this.logins++
    const { searchParams: asked } = new URL(location)
    const code = randomBytes(16).toString('hex')
    this.#codes.set(code, { person, nonce: asked.get('nonce') ?? '' })
    const back = new URL(asked.get('redirect_uri') ?? '')
    back.search = new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.issuer }).toString()
    return back.href
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await textOf(request))
    const began = performance.now()
    const body = await this.#bodyOf(request, form)
    response.writeHead(body ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
    this.busyMs += performance.now() - began
  }

  async #bodyOf({ url, headers }: IncomingMessage, form: URLSearchParams): Promise<object | undefined> {
    const { issuer } = this
    switch (url?.split('?')[0]) {
      case '/.well-known/openid-configuration':
        return {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          id_token_signing_alg_values_supported: ['ES256'],
          authorization_response_iss_parameter_supported: true,
        }
      case '/jwks':
        return { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'ES256' }] }
      case '/token': {
        const granted = this.#codes.get(form.get('code') ?? '')
        if (!granted || !this.#codes.delete(form.get('code') ?? '')) return undefined
        const token = randomBytes(16).toString('hex')
        this.#people.set(token, granted.person)
        const idToken = await new SignJWT({ sub: granted.person.sub, nonce: granted.nonce })
          .setProtectedHeader({ alg: 'ES256', kid: KEY_ID })
          .setIssuer(issuer)
          .setAudience(CLIENT_ID)
          .setIssuedAt()
          .setExpirationTime('5m')
          .sign(this.#keys.privateKey)
        return { access_token: token, token_type: 'Bearer', expires_in: 60, id_token: idToken }
      }
      case '/userinfo': {
        const token = headers.authorization?.replace('Bearer ', '') ?? ''
        const person = this.#people.get(token)
        this.#people.delete(token)
        return person
      }
      default:
        return undefined
    }
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

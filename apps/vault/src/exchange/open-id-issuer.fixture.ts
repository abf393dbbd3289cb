import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'

/** Somebody whose ID tokens are found good by discovery. */
export class OpenIdIssuer {
  /** Whether it answers. */
  up = true
  #key!: CryptoKey
  #jwk!: JWK
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      if (!this.up) return void response.writeHead(503).end()
      const { url } = this
      const endpoints = { authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token` }
      const more = { jwks_uri: `${url}/keys`, response_types_supported: ['id_token'] }
      response.end(
        JSON.stringify(request.url === '/keys' ? { keys: [this.#jwk] } : { issuer: url, ...endpoints, ...more }),
      )
    })
  }

  async start(): Promise<this> {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    this.#key = privateKey
    this.#jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** @param secondsLeft until it ends */
  sign(claims: Record<string, unknown>, secondsLeft = 300): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ iss: this.url, iat: now, exp: now + secondsLeft, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT' })
      .sign(this.#key)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}

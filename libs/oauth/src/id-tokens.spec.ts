import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { Secret } from '#libs/contracts'
import { Discovery } from './discovery.js'
import { IdTokenError, IdTokens } from './id-tokens.js'
import { Outbound } from './outbound.js'
import { ProviderKeys } from './provider-keys.js'

const { privateKey, publicKey } = await generateKeyPair('RS256')
const stranger = await generateKeyPair('RS256')

let server: Server
let issuer: string
let jwks: string
/** Requests that the issuer has had. */
let asked = 0
let slow: PromiseWithResolvers<void> | undefined
const outbound = new Outbound({ loopback: true })

beforeAll(async () => {
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256' }] })
  server = createServer((request, response) => void answer(request, response))
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    asked++
    await slow?.promise
    const url = (path: string) => issuer + path
    const document = {
      ...{ issuer, jwks_uri: url('/keys'), authorization_endpoint: url('/a'), token_endpoint: url('/t') },
    }
    response.end(request.url === '/keys' ? jwks : JSON.stringify(document))
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await outbound.close()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

const idTokens = (): IdTokens => new IdTokens(new Discovery(outbound), new ProviderKeys(outbound))

interface Made {
  readonly claims?: Record<string, unknown>
  readonly key?: CryptoKey | Uint8Array
  readonly alg?: string
}

async function made({ claims = {}, key = privateKey, alg = 'RS256' }: Made = {}): Promise<Secret> {
  const now = Math.floor(Date.now() / 1000)
  const all = { iss: issuer, aud: 'keybearer', sub: 'canary-person', iat: now, exp: now + 600, ...claims }
  return new Secret(await new SignJWT(all).setProtectedHeader({ alg, kid: 'k1' }).sign(key))
}

const refusal = async (token: Promise<Secret>, from: string | undefined = issuer): Promise<string> => {
  const error: unknown = await idTokens()
    .verify(await token, from, 'keybearer')
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(IdTokenError)
  expect(String(error)).not.toMatch(/canary|eyJ/)
  return (error as IdTokenError).fault
}

describe('an ID token', () => {
  it('R02 is verified without asking anybody once that has been prepared', async () => {
    const prepared = idTokens()
    await prepared.prepare(issuer)
    const before = asked
    const { subject } = await prepared.verify(await made(), issuer, 'keybearer', 250)
    expect([subject, asked - before]).toEqual(['canary-person', 0])
  })

  it('R02 is unverified within the time that there is when its issuer is slow', async () => {
    slow = Promise.withResolvers<void>()
    const begun = performance.now()
    await expect(idTokens().verify(await made(), issuer, 'keybearer', 100)).rejects.toMatchObject({
      fault: 'unverified',
    })
    expect(performance.now() - begun).toBeLessThan(2_000)
    slow.resolve()
    slow = undefined
  })

  it('is believed when its issuer has signed it for us', async () => {
    const verified = await idTokens().verify(await made(), issuer, 'keybearer')
    expect(verified.subject).toBe('canary-person')
    expect(Math.abs(verified.expiresAt.getTime() - Date.now() - 600_000)).toBeLessThan(5_000)
    const several = await made({ claims: { aud: ['other', 'keybearer'], azp: 'keybearer' } })
    expect((await idTokens().verify(several, issuer, 'keybearer')).subject).toBe('canary-person')
  })

  it.each([8.64e12, 1e300, Date.now() + 600_000])('R02 ends within a year, whatever its `exp` is: %d', async (exp) => {
    const { expiresAt } = await idTokens().verify(await made({ claims: { exp } }), issuer, 'keybearer')
    expect(Math.abs(expiresAt.getTime() - Date.now() - 365 * 86_400_000)).toBeLessThan(5_000)
  })

  it.each<[string, () => Promise<Secret>]>([
    ['somebody else has signed it', () => made({ key: stranger.privateKey })],
    ['it is signed with what everybody knows', () => made({ key: Buffer.from(jwks), alg: 'HS256' })],
    ['it is another issuer’s', () => made({ claims: { iss: 'https://evil.example' } })],
    ['it is for another client', () => made({ claims: { aud: 'other' } })],
    ['it was made for another of its audiences', () => made({ claims: { aud: ['keybearer', 'other'], azp: 'other' } })],
    ['it has several audiences and does not say for whom', () => made({ claims: { aud: ['keybearer', 'other'] } })],
    ['it has ended', () => made({ claims: { exp: Math.floor(Date.now() / 1000) - 120 } })],
    ['it has no end', () => made({ claims: { exp: undefined } })],
    ['it is about nobody', () => made({ claims: { sub: undefined } })],
    ['it is none', () => Promise.resolve(new Secret('canary'))],
  ])('is not when %s', async (_, token) => {
    expect(await refusal(token())).toBe('invalid')
  })

  it('is neither when nobody can say whose keys are good', async () => {
    expect(await refusal(made(), 'http://127.0.0.1:9')).toBe('unverified')
    expect(await refusal(made(), `${issuer}/other`)).toBe('unverified')
    const nameless: unknown = await idTokens()
      .verify(await made(), undefined, 'keybearer')
      .catch((error: unknown) => error)
    expect((nameless as IdTokenError).fault).toBe('unverified')
    const good = jwks
    jwks = '<html>'
    expect(await refusal(made())).toBe('unverified')
    jwks = good
  })
})

import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DomainError } from '#libs/contracts'
import { Discovery } from './discovery.js'
import { Outbound } from './outbound.js'

let server: Server
let base: string
let asked: string[] = []
let answer: (response: ServerResponse) => void
const outbound = new Outbound({ loopback: true, deadlineMs: 300 })

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await outbound.close()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})
beforeEach(() => {
  asked = []
})

const document = (issuer: string, more: object = {}) => ({
  issuer,
  authorization_endpoint: `${base}/authorize`,
  token_endpoint: `${base}/token`,
  jwks_uri: `${base}/jwks`,
  ...more,
})
const say = (body: unknown) => (response: ServerResponse) => response.end(JSON.stringify(body))

describe('discovering a provider', () => {
  it('gives its endpoints', async () => {
    answer = say(
      document(base, {
        userinfo_endpoint: `${base}/me`,
        code_challenge_methods_supported: ['S256'],
        id_token_signing_alg_values_supported: 'RS256',
        authorization_response_iss_parameter_supported: true,
        end_session_endpoint: `${base}/logout`,
        token_endpoint_auth_methods_supported: ['client_secret_post'],
        registration_endpoint: `${base}/register`,
      }),
    )
    expect(await new Discovery(outbound).find(base)).toEqual(
      document(base, {
        userinfo_endpoint: `${base}/me`,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        end_session_endpoint: `${base}/logout`,
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      }),
    )
  })

  it.each([
    ['', '/.well-known/openid-configuration'],
    ['/', '/.well-known/openid-configuration'],
    ['/tenant', '/tenant/.well-known/openid-configuration'],
    ['/tenant/', '/tenant/.well-known/openid-configuration'],
  ])('CFG-15 asks under an issuer that ends with %j without doubling a slash', async (path, expected) => {
    answer = say(document(base + path))
    await new Discovery(outbound).find(base + path)
    expect(asked).toEqual([expected])
  })

  it('asks once for all who wait, and again when the answer is old', async () => {
    let now = 0
    answer = say(document(base))
    const discovery = new Discovery(outbound, { maxAgeSeconds: 60, now: () => new Date(now) })
    await Promise.all([discovery.find(base), discovery.find(base)])
    now = 59_999
    await discovery.find(base)
    expect(asked).toHaveLength(1)
    now = 60_000
    await discovery.find(base)
    expect(asked).toHaveLength(2)
  })

  it('does not remember a failure', async () => {
    const discovery = new Discovery(outbound)
    answer = (response) => response.writeHead(503).end()
    await expect(discovery.find(base)).rejects.toThrow(DomainError)
    answer = say(document(base))
    expect((await discovery.find(base)).issuer).toBe(base)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['names another issuer', (response) => say(document('https://evil.test'))(response)],
    ['differs by a slash', (response) => say(document(`${base}/`))(response)],
    ['has no jwks_uri', (response) => say(document(base, { jwks_uri: undefined }))(response)],
    ['has an endpoint that is no text', (response) => say(document(base, { userinfo_endpoint: 7 }))(response)],
    ['F18 points inside', (response) => say(document(base, { jwks_uri: 'https://169.254.169.254/' }))(response)],
    ['F18 points to a file', (response) => say(document(base, { token_endpoint: 'file:///etc/passwd' }))(response)],
    ['is a list', (response) => say([document(base)])(response)],
    ['is null', (response) => say(null)(response)],
    ['is no JSON', (response) => response.end('<html>')],
    ['is not found', (response) => response.writeHead(404).end(JSON.stringify(document(base)))],
    ['is elsewhere', (response) => response.writeHead(302, { location: `${base}/other` }).end()],
    ['does not come', () => undefined],
  ])('fails when the document %s', async (_case, given) => {
    answer = given
    await expect(new Discovery(outbound).find(base)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'discovery.failed',
      message: 'the OpenID provider cannot be discovered',
    })
  })
})

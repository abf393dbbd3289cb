import type { Secret } from '#libs/contracts'
import { custom } from './custom.js'

const form = {
  client_id: 'keybearer',
  client_secret: 'hush',
  scopes: 'openid data:read',
  authorization_uri: 'https://acme.example/authorize',
  token_uri: 'https://acme.example/token',
}
const parse = (config: Record<string, unknown>, loopback = false) => custom.parse(config, { loopback })

describe('the custom template', () => {
  it('INT-04 is Viewer and Confidential unless it is said otherwise', () => {
    const { authType, config } = parse(form)
    expect(authType).toBe('Viewer')
    expect(config).toMatchObject({ auth_type: 'Viewer', auth_mode: 'Confidential', use_pkce: true })
  })

  it('INT-32 keeps the secret out of the config', () => {
    const { config, clientSecret } = parse(form)
    expect(JSON.stringify(config)).not.toContain('hush')
    expect((clientSecret as Secret).reveal()).toBe('hush')
  })

  it('resolves to authorization server and client', () => {
    expect(custom.resolve(parse(form).config)).toEqual({
      authorizationServer: {
        authorization_endpoint: 'https://acme.example/authorize',
        token_endpoint: 'https://acme.example/token',
        code_challenge_methods_supported: ['S256'],
      },
      client: {
        client_id: 'keybearer',
        scope: 'openid data:read',
        token_endpoint_auth_method: 'client_secret_post',
      },
      quirks: [],
    })
  })

  it.each([
    ['allowed', 'refresh_token_reuse_allowed'],
    ['grace', 'refresh_token_reuse_in_grace'],
    ['refused', 'single_use_refresh_token'],
    ['ends_grant', 'refresh_token_reuse_ends_grant'],
  ])('knows of used refresh tokens what the administrator knows: %s', (reuse, quirk) => {
    expect(custom.resolve(parse({ ...form, refresh_token_reuse: reuse }).config).quirks).toEqual([quirk])
  })

  it('INT-27 INT-28 sends no client authentication when it is Public', () => {
    const { client_secret: _, ...rest } = form
    const { config, clientSecret } = parse({ ...rest, auth_mode: 'Public' })
    expect(clientSecret).toBeUndefined()
    expect(custom.resolve(config).client?.token_endpoint_auth_method).toBe('none')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['TPL-01 without client_id', { client_id: undefined }, 'The config key client_id is required'],
    ['TPL-02 without client_secret', { client_secret: '' }, 'The config key client_secret is required'],
    ['TPL-11 without authorization_uri', { authorization_uri: null }, 'The config key authorization_uri is required'],
    ['TPL-12 without token_uri', { token_uri: undefined }, 'The config key token_uri is required'],
    [
      'INT-26 with another auth_mode',
      { auth_mode: 'Open' },
      'The config key auth_mode must be one of (Confidential, Public)',
    ],
    ['with a key of no template', { tenant_id: 'x' }, 'The config key tenant_id is not one of this template'],
    [
      'with an http endpoint',
      { token_uri: 'http://acme.example/token' },
      'The config key token_uri must be an https URL',
    ],
    [
      'with credentials in a URL',
      { token_uri: 'https://a:b@acme.example/' },
      'The config key token_uri must be an https URL',
    ],
    [
      'B02 with a parameter that we send',
      { authorization_uri: 'https://acme.example/authorize?audience=x&redirect_uri=https%3A%2F%2Fevil.example' },
      'The config key authorization_uri must not have the query parameter redirect_uri',
    ],
    ['with a secret though Public', { auth_mode: 'Public' }, 'The config key client_secret must be left out'],
    ['with a number for text', { client_id: 7 }, 'The config key client_id must be a line of text'],
  ])('refuses a form %s and names the key', (_, change, message) => {
    expect(() => parse({ ...form, ...change })).toThrow(
      expect.objectContaining({
        code: 'integration.config_invalid',
        message: expect.stringContaining(message) as string,
      }),
    )
  })

  it('B09 publishes the issuer, and whether answers name it; B08 and whether browsers come back to a path of its own', () => {
    const rfc9207 = { issuer: 'https://acme.example', names_issuer: true, own_callback: true }
    const { authorizationServer, client } = custom.resolve(parse({ ...form, ...rfc9207 }).config)
    expect([authorizationServer, client]).toMatchObject([
      { issuer: 'https://acme.example', authorization_response_iss_parameter_supported: true },
      { own_callback: true },
    ])
    const plain = custom.resolve(parse(form).config)
    expect(plain.authorizationServer).not.toHaveProperty('issuer')
    expect(plain.client).not.toHaveProperty('own_callback')
  })

  it('B20 publishes where tokens are revoked', () => {
    const { config } = parse({ ...form, revocation_uri: 'https://acme.example/revoke' })
    expect(custom.resolve(config).authorizationServer?.revocation_endpoint).toBe('https://acme.example/revoke')
  })

  it('keeps an endpoint as every service reads it, and an issuer to the letter', () => {
    const { config } = parse({ ...form, token_uri: 'HTTPS://Acme_1.example', issuer: 'https://acme.example' })
    expect(config).toMatchObject({ token_uri: 'https://acme_1.example/', issuer: 'https://acme.example' })
  })

  it('never repeats a value in a refusal', () => {
    expect(() => parse({ ...form, token_uri: 'http://leak.example' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('leak') as string }),
    )
  })

  it('takes http to this machine in development only', () => {
    const local = { ...form, token_uri: 'http://localhost:4000/token' }
    expect(() => parse(local)).toThrow('token_uri')
    expect(parse(local, true).config.token_uri).toBe('http://localhost:4000/token')
    expect(() => parse({ ...form, token_uri: 'http://acme.example/token' }, true)).toThrow('token_uri')
  })
})

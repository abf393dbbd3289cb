import { FakeVendor, type Received } from './vendor.fixture.js'

/** The vault, as far as tokens of logins. */
export class FakeVault extends FakeVendor {
  /** By the place in the address: `<user>/<sid>`. */
  readonly tokens = new Map<string, { access_token: string; expires_in: number }>()

  protected answer({ method, path, body }: Received) {
    const place = /^\/internal\/login-tokens\/([^/]+\/[^/]+)$/.exec(path)?.[1]
    if (place === undefined) return { status: 404 }
    if (method === 'PUT') {
      this.tokens.set(place, JSON.parse(body) as { access_token: string; expires_in: number })
      return { status: 204 }
    }
    const held = this.tokens.get(place)
    return held
      ? { status: 200, body: { access_token: held.access_token } }
      : { status: 404, body: { code: 4, error: 'none' }, headers: { 'keybearer-error': 'login_token.none' } }
  }
}

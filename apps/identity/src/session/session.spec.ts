import { sidOf, xsrfToken } from '#libs/contracts'
import { cookiesOf, newSession, noCookies, sidOfCookies } from './session.js'

const now = new Date('2026-11-22T10:00:00Z')
const plain = new URL('http://localhost:3939')
const prefixed = new URL('https://keybearer.example.com/kb/')

describe('a browser session', () => {
  it('has 256 random bits, and is known by their hash', () => {
    const [one, other] = [newSession(now, 1000), newSession(now, 1000)]
    expect(Buffer.from(one.secret.reveal(), 'base64url')).toHaveLength(32)
    expect(one.secret.reveal()).not.toBe(other.secret.reveal())
    expect(sidOf(one.secret.reveal())).toBe(one.sid)
    expect(one.sid).not.toContain(one.secret.reveal())
    expect(one.expiresAt).toEqual(new Date('2026-11-22T10:00:01Z'))
  })

  it('D20 is a cookie that no script can read, beside an anti-forgery token that the page can', () => {
    const session = newSession(now, 28_800_000)
    const secret = session.secret.reveal()
    expect(cookiesOf(session, plain, now)).toEqual([
      `keybearer_session=${secret}; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax`,
      `RSC-XSRF=${xsrfToken(secret)}; Max-Age=28800; Path=/; SameSite=Lax`,
    ])
    expect(cookiesOf(session, prefixed, now)[0]).toBe(
      `__Secure-keybearer_session=${secret}; Max-Age=28800; Path=/kb; HttpOnly; Secure; SameSite=Lax`,
    )
  })

  it('is found among a browser’s cookies', () => {
    const { secret, sid } = newSession(now, 1000)
    expect(sidOfCookies(`a=b; keybearer_session=${secret.reveal()}; c=d`, plain)).toBe(sid)
    expect(sidOfCookies(`keybearer_session=${secret.reveal()}`, prefixed)).toBeUndefined()
    expect(sidOfCookies(undefined, plain)).toBeUndefined()
  })

  it('is taken out of the browser again', () => {
    expect(noCookies(plain)).toEqual([
      'keybearer_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
      'RSC-XSRF=; Max-Age=0; Path=/; SameSite=Lax',
    ])
  })
})

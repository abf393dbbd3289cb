import { errors, jwtVerify, type JWTPayload } from 'jose'
import { DomainError, isGuid, TOKEN_TYP } from '#libs/contracts'
import { Remembered, type IdentityKeys, type Verified } from '#libs/service'
import type { Content, Subject, Viewer } from './decide.js'
import { badContentToken, badSubjectToken, unknownSubject, wrongIssuer } from './refusals.js'

const CLOCK_TOLERANCE_SECONDS = 10

/** The only places where identity makes its keys for each kind of session token known. */
export const SESSION_KEYS_PATHS: Readonly<Record<Subject['type'], string>> = {
  viewer: '/internal/jwks/user-session',
  content: '/internal/jwks/content-session',
}

type Keys = Pick<IdentityKeys, 'find'>

/** Verifies session tokens: that they are genuine, not whether their session is alive or their content there. */
export class SubjectTokens {
  readonly #viewers: Remembered<Viewer>
  readonly #contents: Remembered<Content>

  /** @param issuer the server's public address */
  constructor(keys: Readonly<Record<Subject['type'], Keys>>, issuer: string) {
    this.#viewers = new Remembered((token) => checkViewer(token, keys.viewer, issuer))
    this.#contents = new Remembered((token) => checkContent(token, keys.content, issuer))
  }

  /**
   * Whom and what the token is about. Remembered by the token's hash until it expires.
   * @throws DomainError 215, 216, 217, or 236 for content; `service.unavailable` while there are no keys
   * @see RFC 8725 §3
   */
  verify(type: Subject['type'], token: string): Subject | Promise<Subject> {
    return (type === 'viewer' ? this.#viewers : this.#contents).verify(token)
  }
}

async function checkViewer(token: string, keys: Keys, issuer: string): Promise<Verified<Viewer>> {
  try {
    const { sub, content, sid, exp } = await check(token, keys, issuer, TOKEN_TYP.userSession, ['content', 'sid'])
    if (!isGuid(sub)) throw unknownSubject()
    if (!isGuid(content) || typeof sid !== 'string') throw badSubjectToken()
    return { value: { type: 'viewer', userGuid: sub, content, sid }, expiresAt: exp! * 1000 }
  } catch (error) {
    if (error instanceof DomainError) throw error
    if (error instanceof errors.JWTClaimValidationFailed) {
      if (error.claim === 'iss') throw wrongIssuer()
      if (error.claim === 'sub') throw unknownSubject()
    }
    throw badSubjectToken()
  }
}

async function checkContent(token: string, keys: Keys, issuer: string): Promise<Verified<Content>> {
  try {
    const { sub, exp } = await check(token, keys, issuer, TOKEN_TYP.contentSession, [])
    if (!isGuid(sub)) throw badContentToken()
    return { value: { type: 'content', content: sub }, expiresAt: exp! * 1000 }
  } catch (error) {
    if (error instanceof DomainError) throw error
    throw badContentToken()
  }
}

async function check(
  token: string,
  keys: Keys,
  issuer: string,
  typ: string,
  claims: readonly string[],
): Promise<JWTPayload> {
  const { payload } = await jwtVerify(
    token,
    async ({ kid }) => {
      const key = kid && (await keys.find(kid))
      if (!key) throw new Error('identity has no such key')
      return key
    },
    {
      algorithms: ['EdDSA'],
      typ,
      issuer,
      audience: 'vault',
      requiredClaims: ['exp', 'iat', 'sub', ...claims],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    },
  )
  if (payload.aud !== 'vault') throw new Error('the token is for others too')
  return payload
}

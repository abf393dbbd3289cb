import { errors, jwtVerify } from 'jose'
import { DomainError, TOKEN_TYP } from '#libs/contracts'
import { Remembered, type IdentityKeys, type Verified } from '#libs/service'
import { badSubjectToken, unknownSubject, wrongIssuer, type Subject } from './decide.js'

const CLOCK_TOLERANCE_SECONDS = 10
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The only place where identity makes its keys for user session tokens known. */
export const USER_SESSION_KEYS_PATH = '/internal/jwks/user-session'

/** Verifies user session tokens: that they are genuine, not whether their session is alive. */
export class SubjectTokens {
  readonly #known: Remembered<Subject>

  /** @param issuer the server's public address */
  constructor(
    private readonly keys: Pick<IdentityKeys, 'find'>,
    private readonly issuer: string,
  ) {
    this.#known = new Remembered((token) => this.#check(token))
  }

  /**
   * Whom and what the token is about. Remembered by the token's hash until it expires.
   * @throws DomainError 215, 216, 217; `service.unavailable` while there are no keys
   * @see RFC 8725 §3
   */
  verify(token: string): Subject | Promise<Subject> {
    return this.#known.verify(token)
  }

  async #check(token: string): Promise<Verified<Subject>> {
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const key = kid && (await this.keys.find(kid))
          if (!key) throw new Error('identity has no such key')
          return key
        },
        {
          algorithms: ['EdDSA'],
          typ: TOKEN_TYP.userSession,
          issuer: this.issuer,
          audience: 'vault',
          requiredClaims: ['exp', 'iat', 'sub', 'content', 'sid'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        },
      )
      const { sub, content, sid, aud, exp } = payload
      if (typeof sub !== 'string' || !GUID.test(sub)) throw unknownSubject()
      if (typeof content !== 'string' || !GUID.test(content) || typeof sid !== 'string' || aud !== 'vault')
        throw badSubjectToken()
      return { value: { userGuid: sub, content, sid }, expiresAt: exp! * 1000 }
    } catch (error) {
      if (error instanceof DomainError) throw error
      if (error instanceof errors.JWTClaimValidationFailed) {
        if (error.claim === 'iss') throw wrongIssuer()
        if (error.claim === 'sub') throw unknownSubject()
      }
      throw badSubjectToken()
    }
  }
}

import { randomUUID } from 'node:crypto'
import { type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { type Actor, type CallerName, DomainError, type ServiceName, TOKEN_TYP } from '#libs/contracts'
import { Remembered, type Verified } from './remembered.js'
import type { ServiceKeys } from './service-keys.js'

const LIFETIME_SECONDS = 60
/** A token is used for this long, so that it reaches the callee with time left. */
const USED_FOR_MS = 45_000
const CLOCK_TOLERANCE_SECONDS = 5
/** What a shell may call its user. */
const OPERATOR_NAME = /^[^\p{C}]{1,64}$/u

/** Who has made a service token: a service, or somebody at the shell with the operator's key. */
export type Caller = ServiceName | Extract<Actor, { type: 'operator' }>

/** The proof of the caller: mints it for our calls and verifies it for calls to us. */
export class ServiceTokens {
  readonly #minted = new Map<ServiceName, { token: Promise<string>; until: number }>()
  readonly #callers: Remembered<Caller>

  /** @param operator the operator's name; only together with the operator's key */
  constructor(
    private readonly keys: ServiceKeys,
    private readonly operator?: string,
  ) {
    this.#callers = new Remembered((token) => this.#check(token))
  }

  /** A token for calls to `callee`: the same for 45 s. */
  mint(callee: ServiceName): Promise<string> {
    const now = Date.now()
    const minted = this.#minted.get(callee)
    if (minted && minted.until > now) return minted.token
    const token = new SignJWT(this.operator === undefined ? {} : { sub: this.operator })
      .setProtectedHeader({ alg: 'EdDSA', typ: TOKEN_TYP.service, kid: this.keys.service })
      .setIssuer(this.keys.service)
      .setAudience(callee)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(now / 1000) + LIFETIME_SECONDS)
      .setJti(randomUUID())
      .sign(this.keys.signingKey)
    this.#minted.set(callee, { token, until: now + USED_FOR_MS })
    return token
  }

  /**
   * Who made this token for us.
   * @throws DomainError `service.token_invalid`
   */
  verify(token: string): Caller | Promise<Caller> {
    return this.#callers.verify(token)
  }

  async #check(token: string): Promise<Verified<Caller>> {
    try {
      const { payload, protectedHeader } = await jwtVerify(
        token,
        ({ kid }) => {
          const key = this.keys.publicKeys.get(kid as CallerName)
          if (!key) throw new Error('no service has this key')
          return key
        },
        {
          algorithms: ['EdDSA'],
          typ: TOKEN_TYP.service,
          audience: this.keys.service,
          requiredClaims: ['iss', 'exp'],
          maxTokenAge: LIFETIME_SECONDS + CLOCK_TOLERANCE_SECONDS,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        },
      )
      if (payload.iss !== protectedHeader.kid) throw new Error('signed by another service than it names')
      if (payload.aud !== this.keys.service) throw new Error('made for more than one audience')
      return { value: callerOf(payload), expiresAt: expiry(payload.exp!, payload.iat!) }
    } catch (cause) {
      throw new DomainError('unauthenticated', 'service.token_invalid', 'The calling service is not known here.', {
        cause,
      })
    }
  }
}

function callerOf({ iss, sub }: JWTPayload): Caller {
  if (iss !== 'operator') return iss as ServiceName
  if (sub === undefined || !OPERATOR_NAME.test(sub)) throw new Error('the operator has no name')
  return { type: 'operator', name: sub }
}

/** Milliseconds since 1970; a token that claims a longer life than ours have is good for no longer all the same. */
export const expiry = (exp: number, iat: number): number => Math.min(exp, iat + LIFETIME_SECONDS) * 1000

import { setTimeout as delay } from 'node:timers/promises'
import { errors } from 'jose'
import type { Secret } from '#libs/contracts'
import type { Discovery } from './discovery.js'
import type { ProviderKeys } from './provider-keys.js'

const LEEWAY_SECONDS = 60
/** As for access tokens. What providers write there, milliseconds among it, may be no date that can be kept. */
const LONGEST_MS = 365 * 86_400_000
/** New tokens wait for this, and so do people: a provider that takes longer does not say who its tokens are of. */
const WITHIN_MS = 3_000

/** jose's words for keys that could not be had, as opposed to a token that is not good. */
const NO_KEYS = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']

export interface VerifiedIdToken {
  readonly subject: string
  readonly expiresAt: Date
}

/** An ID token that is not believed. `invalid`: it is not good; `unverified`: its issuer's keys cannot be had now. */
export class IdTokenError extends Error {
  constructor(
    readonly fault: 'invalid' | 'unverified',
    /** For logs: a word of ours or of jose, never of the token. */
    readonly reason: string,
  ) {
    super(`ID token ${fault}: ${reason}`)
    this.name = 'IdTokenError'
  }
}

/** Verifies ID tokens that came with a code or a refresh token, by their issuers' own keys. */
export class IdTokens {
  constructor(
    private readonly discovery: Pick<Discovery, 'find'>,
    private readonly keys: Pick<ProviderKeys, 'verify' | 'prepare'>,
  ) {}

  /** Has at hand what `verify` needs, or gives up within three seconds. */
  async prepare(issuer: string): Promise<void> {
    const prepared = this.discovery.find(issuer).then((metadata) => this.keys.prepare(metadata))
    // Whoever verifies will say what is wrong.
    await inTime(prepared, WITHIN_MS).catch(() => undefined)
  }

  /**
   * @param issuer `undefined` where nobody has said whose tokens they are
   * @param withinMs how long the issuer may take, if it has to be asked
   * @throws IdTokenError within that time
   * @see OpenID Connect Core §3.1.3.7, §12.2; no nonce is sent, since PKCE binds the code already (RFC 9700 §2.1.1)
   */
  async verify(
    idToken: Secret,
    issuer: string | undefined,
    clientId: string,
    withinMs = WITHIN_MS,
  ): Promise<VerifiedIdToken> {
    if (issuer === undefined) throw new IdTokenError('unverified', 'the integration names no issuer')
    return await inTime(this.#verify(idToken, issuer, clientId), withinMs)
  }

  async #verify(idToken: Secret, issuer: string, clientId: string): Promise<VerifiedIdToken> {
    try {
      const metadata = await this.discovery.find(issuer)
      const { payload } = await this.keys.verify(idToken, metadata, {
        issuer,
        audience: clientId,
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
        clockTolerance: LEEWAY_SECONDS,
      })
      const { aud, azp, sub, exp } = payload
      // Several audiences need a word on for whom it was made; whoever is named there must be us.
      if (azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== clientId)
        throw new IdTokenError('invalid', 'azp')
      return { subject: sub!, expiresAt: new Date(Math.min(exp! * 1000, Date.now() + LONGEST_MS)) }
    } catch (error) {
      if (error instanceof IdTokenError) throw error
      throw faultOf(error)
    }
  }
}

async function inTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
  const over = new AbortController()
  try {
    return await Promise.race([
      work,
      delay(withinMs, undefined, { signal: over.signal, ref: false }).then(() => {
        throw new IdTokenError('unverified', 'the issuer does not answer in time')
      }),
    ])
  } finally {
    over.abort()
  }
}

/** jose's errors quote claims: only their code and the claim's name are kept. */
function faultOf(error: unknown): IdTokenError {
  if (!(error instanceof errors.JOSEError) || NO_KEYS.includes(error.code))
    return new IdTokenError('unverified', 'the keys of its issuer cannot be had')
  const claim =
    error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired ? error.claim : ''
  return new IdTokenError('invalid', `${error.code} ${claim}`.trim())
}

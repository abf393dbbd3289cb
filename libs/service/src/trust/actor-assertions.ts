import { jwtVerify } from 'jose'
import { type Actor, DomainError, ROLES, type ServiceName, TOKEN_TYP } from '#libs/contracts'
import type { IdentityKeys } from './identity-keys.js'
import { Remembered, type Verified } from './remembered.js'
import { expiry } from './service-tokens.js'

const ISSUER = 'identity'
const MAX_AGE_SECONDS = 65
const CLOCK_TOLERANCE_SECONDS = 5

/** Verifies identity's word about who acts, made for this service. */
export class ActorAssertions {
  readonly #actors: Remembered<Actor>

  constructor(
    private readonly audience: ServiceName,
    private readonly keys: IdentityKeys,
  ) {
    this.#actors = new Remembered((token) => this.#check(token))
  }

  /**
   * The actor that the assertion names. Remembered until it expires: whether the session lives is another question.
   * @throws DomainError `actor.assertion_invalid`; `service.unavailable` while there are no keys
   */
  verify(assertion: string): Actor | Promise<Actor> {
    return this.#actors.verify(assertion)
  }

  async #check(assertion: string): Promise<Verified<Actor>> {
    try {
      const { payload } = await jwtVerify(
        assertion,
        async ({ kid }) => {
          const key = kid && (await this.keys.find(kid))
          if (!key) throw new Error('identity has no such key')
          return key
        },
        {
          algorithms: ['EdDSA'],
          typ: TOKEN_TYP.actor,
          issuer: ISSUER,
          audience: this.audience,
          requiredClaims: ['exp'],
          maxTokenAge: MAX_AGE_SECONDS,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        },
      )
      if (payload.aud !== this.audience) throw new Error('made for more than one audience')
      const actor = actorIn(payload['actor'])
      if (!actor) throw new Error('names no actor that we know')
      return { value: actor, expiresAt: expiry(payload.exp!, payload.iat!) }
    } catch (cause) {
      if (cause instanceof DomainError) throw cause
      throw new DomainError('unauthenticated', 'actor.assertion_invalid', 'The caller could not be verified.', {
        cause,
      })
    }
  }
}

/** The members that each kind of actor must have. */
const MEMBERS: Readonly<Record<Actor['type'], readonly string[]>> = {
  user: ['guid', 'role', 'sid'],
  key: ['guid', 'user', 'role'],
  content_key: ['guid', 'content', 'owner'],
  link: ['guid', 'content'],
  anonymous: [],
  operator: ['name'],
  bootstrap: [],
  service: ['name'],
  provider: [],
}

/** The actor with its own members only, since it will stand in events for ever. */
function actorIn(claim: unknown): Actor | undefined {
  if (typeof claim !== 'object' || claim === null) return undefined
  const said = claim as Record<string, unknown>
  const { type, role } = said
  if (typeof type !== 'string' || !Object.hasOwn(MEMBERS, type)) return undefined
  const members = MEMBERS[type as Actor['type']]
  if (!members.every((member) => typeof said[member] === 'string' && said[member] !== '')) return undefined
  if (members.includes('role') && !(ROLES as readonly unknown[]).includes(role)) return undefined
  const { visit } = said
  if (visit !== undefined && (type !== 'key' || typeof visit !== 'string' || visit === '')) return undefined
  const own = visit === undefined ? members : [...members, 'visit']
  return Object.freeze(Object.fromEntries(['type', ...own].map((member) => [member, said[member]]))) as Actor
}

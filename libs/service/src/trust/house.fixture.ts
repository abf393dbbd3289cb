import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type Actor, type CallerName, CALLERS, type ServiceName, TOKEN_TYP } from '#libs/contracts'
import type { FetchKeys } from './identity-keys.js'
import { ServiceKeys } from './service-keys.js'

/** What a token says besides the usual; `undefined` leaves it out. */
export interface Forgery {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly key?: CryptoKey
}

/** Keys of a whole house, and tokens as its services would make them: for specs. */
export interface House {
  keysOf(service: CallerName): Promise<ServiceKeys>
  serviceToken(from: CallerName, to: ServiceName, forgery?: Forgery): Promise<string>
  assertion(actor: Actor | object, audience: ServiceName, forgery?: Forgery): Promise<string>
  readonly actorKeys: FetchKeys
  readonly jwks: { readonly own: (service: CallerName) => JWK; readonly all: readonly JWK[] }
}

export const ACTOR_KID = 'actor-1'

export async function makeHouse(): Promise<House> {
  const pairs = new Map<string, { privateKey: CryptoKey; own: JWK; shown: JWK }>()
  for (const name of [...CALLERS, ACTOR_KID]) {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    pairs.set(name, {
      privateKey,
      own: { ...(await exportJWK(privateKey)), kid: name },
      shown: { ...(await exportJWK(publicKey)), kid: name },
    })
  }
  const all = CALLERS.map((name) => pairs.get(name)!.shown)
  const sign = (key: CryptoKey, header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader(header as never).sign(key)
  return {
    keysOf: (service) => ServiceKeys.fromKeys(service, [pairs.get(service)!.own], all),
    serviceToken: (from, to, { header, claims, key } = {}) =>
      sign(
        key ?? pairs.get(from)!.privateKey,
        { alg: 'EdDSA', typ: TOKEN_TYP.service, kid: from, ...header },
        { iss: from, aud: to, iat: seconds(), exp: seconds() + 60, ...claims },
      ),
    assertion: (actor, audience, { header, claims, key } = {}) =>
      sign(
        key ?? pairs.get(ACTOR_KID)!.privateKey,
        { alg: 'EdDSA', typ: TOKEN_TYP.actor, kid: ACTOR_KID, ...header },
        { iss: 'identity', aud: audience, iat: seconds(), exp: seconds() + 60, actor, ...claims },
      ),
    actorKeys: () => Promise.resolve([pairs.get(ACTOR_KID)!.shown]),
    jwks: { own: (service) => pairs.get(service)!.own, all },
  }
}

const seconds = (): number => Math.floor(Date.now() / 1000)

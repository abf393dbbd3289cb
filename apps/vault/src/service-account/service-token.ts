import { createHash } from 'node:crypto'
import type { IntegrationState } from '#libs/contracts'
import type { Place } from '../safe/index.js'

/** Seconds that a token must still be good for to be handed out again, or half its life if that is shorter. */
const MARGIN_SECONDS = 30
/** Seconds for which a token is handed out again whose provider does not say how long it lasts. */
const UNTOLD_LIFE_SECONDS = 60

/** The token of a service account that is at hand, as its row says. */
export interface ServiceTokenFacts {
  /** Of the settings that it was got with; see `fingerprintOf`. */
  readonly fingerprint: string
  readonly generation: number
  /** `null`: there is none, the last attempt failed or is under way. */
  readonly obtainedAt: Date | null
  /** `null` when the provider did not say. */
  readonly expiresAt: Date | null
}

export const servicePlace = (integrationGuid: string): Place => ['service_account', integrationGuid, 'access_token']

/** Changes with everything that a token request is made of: what was got with a former secret is not handed out. */
export const fingerprintOf = ({ authorization_server, client, quirks }: IntegrationState): string =>
  createHash('sha256')
    .update(JSON.stringify([authorization_server, client, quirks]))
    .digest('base64url')

/** Whether a token may be handed out once more. */
export function isUsable(token: ServiceTokenFacts, fingerprint: string, now: Date): boolean {
  const { obtainedAt, expiresAt } = token
  if (!obtainedAt || token.fingerprint !== fingerprint) return false
  if (!expiresAt) return secondsBetween(obtainedAt, now) < UNTOLD_LIFE_SECONDS
  return secondsBetween(now, expiresAt) > Math.min(MARGIN_SECONDS, secondsBetween(obtainedAt, expiresAt) / 2)
}

/** Whether a token, though not handed out again lightly, is better than none. */
export const isAlive = (
  { obtainedAt, expiresAt, ...token }: ServiceTokenFacts,
  fingerprint: string,
  now: Date,
): boolean => obtainedAt !== null && token.fingerprint === fingerprint && expiresAt !== null && expiresAt > now

const secondsBetween = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000

import { v5 as uuidV5 } from 'uuid'
import type { Secret } from '#libs/contracts'
import { defineStream } from '#libs/event-sourcing'
import type { Place } from '../safe/index.js'
import { grantDecider } from './grant.decider.js'
import { grants } from './grant.projection.js'

/** Not published: nobody else needs to know who has consented to what. */
export const grantStream = defineStream({
  category: 'grant',
  decider: grantDecider,
  foldsFrom: ['GrantObtained', 'TokenRefreshed'],
  projections: [grants],
  published: false,
})

const GRANTS = 'b3f0a9a2-93f5-4a0c-8a55-0e0d6f2b7f6e'

/** The one grant of a user at an integration: whoever comes first or again finds the same stream. */
export const grantGuid = (userGuid: string, integrationGuid: string): string =>
  uuidV5(`${userGuid}/${integrationGuid}`, GRANTS)

/** Where a grant's tokens are in the safe, under the grant's generation. */
export const tokenPlace = (guid: string, token: 'access_token' | 'refresh_token' | 'id_token'): Place => [
  'grant',
  guid,
  token,
]

/** Where the safe has whose account at the provider the grant is of, if the provider has said so. */
export const subjectPlace = (guid: string): Place => ['grant', guid, 'subject']

/** The account in it, as the provider calls it (`sub`). */
export const subjectOf = (subject: Secret): string => (JSON.parse(subject.reveal()) as [unknown, string])[1]

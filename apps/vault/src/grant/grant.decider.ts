import { DomainError, type Rotation } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { Doubt, GrantEvent, IdTokenFacts, RefreshFate, RevocationReason } from './grant.events.js'

/** What a token endpoint's answer says about the tokens, without the tokens. */
export interface TokenFacts {
  readonly expiresAt: Date | null
  readonly scope: string | null
  readonly idToken?: IdTokenFacts | undefined
}

export type GrantCommand =
  | ({
      type: 'ObtainGrant'
      userGuid: string
      integrationGuid: string
      hasRefreshToken: boolean
      client: string
    } & TokenFacts)
  /** `now` is the database's clock, read with the grant's row; `generation` is what that row said. */
  | {
      type: 'BeginRefresh'
      generation: number
      attempt: string
      now: Date
      leaseMilliseconds: number
      rotation: Rotation
    }
  | ({ type: 'RecordRefreshed'; generation: number; attempt: string } & TokenFacts)
  | {
      type: 'RecordRefreshFailed'
      generation: number
      attempt: string
      fate: RefreshFate
      error: string | null
      inDoubt: boolean
      rotation: Rotation
      /** Fingerprint of the settings that it was tried with. */
      settings?: string
    }
  /** Its tokens do not open any more. */
  | { type: 'RecordDamage'; generation: number }
  /** `generation`: only while it has this token set. */
  | { type: 'RevokeGrant'; reason: RevocationReason; generation?: number }

export type Grant = { status: 'none' } | { status: 'revoked'; generation: number } | Held

interface Held {
  /** `consent_required`: the provider has refused the refresh token for good; only the user can mend that. */
  readonly status: 'usable' | 'consent_required'
  readonly generation: number
  readonly hasRefreshToken: boolean
  readonly lease: { readonly attempt: string; readonly until: Date } | null
  /** An attempt that may have succeeded unseen. `quietUntil`: the refresh token is not sent again before. */
  readonly doubt: { readonly attempt: string; readonly quietUntil: Date | null } | null
}

export const grantDecider: Decider<GrantCommand, GrantEvent, Grant> = {
  initial: { status: 'none' },

  decide(command, grant) {
    switch (command.type) {
      case 'ObtainGrant':
        return [
          {
            type: 'GrantObtained',
            data: {
              userGuid: command.userGuid,
              integrationGuid: command.integrationGuid,
              generation: grant.status === 'none' ? 1 : grant.generation + 1,
              ...tokenData(command),
              hasRefreshToken: command.hasRefreshToken,
              client: command.client,
            },
          },
        ]
      case 'BeginRefresh': {
        const { generation, lease, doubt } = refreshable(held(grant, command.generation))
        const { now, leaseMilliseconds, attempt, rotation } = command
        if ((lease && lease.until > now) || (!lease && doubt?.quietUntil && doubt.quietUntil > now))
          throw new DomainError('conflict', 'grant.refresh_in_progress', 'another request is refreshing this grant')
        const until = new Date(now.getTime() + leaseMilliseconds)
        const begun = { type: 'RefreshBegun', data: { generation, attempt, leaseUntil: until.toISOString() } } as const
        if (!lease) return [begun]
        const quietUntil = rotation === 'family' ? new Date(lease.until.getTime() + leaseMilliseconds) : null
        const doubted = inDoubt(lease.attempt, generation, 'holder_lost', quietUntil)
        return quietUntil && quietUntil > now ? [doubted] : [doubted, begun]
      }
      case 'RecordRefreshed': {
        // Guarded by generation, not by lease: a holder that woke up late may hold the only valid refresh token.
        const { generation } = held(grant, command.generation)
        const data = { attempt: command.attempt, generation: generation + 1, ...tokenData(command) }
        return [{ type: 'TokenRefreshed', data }]
      }
      case 'RecordRefreshFailed': {
        // Whoever took over an ended lease speaks for the grant: its former holder's failure means nothing any more.
        if (!('lease' in grant) || grant.lease?.attempt !== command.attempt) return []
        const { attempt, generation, fate, error, rotation, settings } = command
        const isOfSettings = fate === 'misconfigured' && settings !== undefined
        const failed = {
          type: 'RefreshFailed',
          data: { attempt, generation, fate, error, inDoubt: command.inDoubt, ...(isOfSettings && { settings }) },
        } as const
        if (fate === 'consent_required') {
          const reason = grant.doubt && rotation !== 'kept' ? 'rotation_in_doubt' : 'refused'
          return [failed, { type: 'ConsentRequired', data: { generation, reason } }]
        }
        if (!command.inDoubt) return [failed]
        const quietUntil = rotation === 'family' ? grant.lease.until : null
        return [failed, inDoubt(attempt, generation, 'no_answer', quietUntil)]
      }
      case 'RecordDamage': {
        const { status, generation } = held(grant, command.generation)
        return status === 'usable' ? [{ type: 'ConsentRequired', data: { generation, reason: 'damaged' } }] : []
      }
      case 'RevokeGrant':
        if (command.generation !== undefined && 'generation' in grant && grant.generation !== command.generation)
          return []
        return 'lease' in grant ? [{ type: 'GrantRevoked', data: { reason: command.reason } }] : []
    }
  },

  evolve(grant, event) {
    switch (event.type) {
      case 'GrantObtained': {
        const { generation, hasRefreshToken } = event.data
        return { status: 'usable', generation, hasRefreshToken, lease: null, doubt: null }
      }
      case 'RefreshBegun': {
        const { attempt, leaseUntil } = event.data
        return 'lease' in grant ? { ...grant, lease: { attempt, until: new Date(leaseUntil) } } : grant
      }
      case 'TokenRefreshed':
        // Only a living grant with a refresh token is refreshed, so nothing before it need be known.
        return { status: 'usable', generation: event.data.generation, hasRefreshToken: true, lease: null, doubt: null }
      case 'RefreshFailed':
        if (!('lease' in grant)) return grant
        return {
          ...grant,
          status: event.data.fate === 'consent_required' ? 'consent_required' : grant.status,
          lease: null,
        }
      case 'RefreshInDoubt': {
        const { attempt, quietUntil } = event.data
        if (!('lease' in grant)) return grant
        return {
          ...grant,
          lease: null,
          doubt: { attempt, quietUntil: quietUntil === null ? null : new Date(quietUntil) },
        }
      }
      case 'ConsentRequired':
        return 'lease' in grant ? { ...grant, status: 'consent_required', lease: null } : grant
      case 'GrantRevoked':
        return grant.status === 'none' ? grant : { status: 'revoked', generation: grant.generation }
    }
  },
}

const inDoubt = (attempt: string, generation: number, reason: Doubt, quietUntil: Date | null): GrantEvent => ({
  type: 'RefreshInDoubt',
  data: { attempt, generation, reason, quietUntil: quietUntil?.toISOString() ?? null },
})

/** The grant, if it is alive and still has the token set that the command is about. */
function held(grant: Grant, generation: number): Held {
  if (!('lease' in grant) || grant.generation !== generation)
    throw new DomainError('conflict', 'grant.superseded', 'this grant has moved on')
  return grant
}

function refreshable(grant: Held): Held {
  if (grant.status === 'consent_required')
    throw new DomainError('conflict', 'grant.consent_required', 'the provider wants the user to consent again')
  if (!grant.hasRefreshToken)
    throw new DomainError('invalid', 'grant.no_refresh_token', 'the provider gave no refresh token for this grant')
  return grant
}

const tokenData = ({
  expiresAt,
  scope,
  idToken,
}: TokenFacts): { expiresAt: string | null; scope: string | null; idToken?: IdTokenFacts } => ({
  expiresAt: expiresAt?.toISOString() ?? null,
  scope,
  ...(idToken && { idToken }),
})

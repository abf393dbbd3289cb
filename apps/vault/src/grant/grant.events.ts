/**
 * Why nobody knows what became of an attempt: no answer was understood, or whoever waited for it is gone (`holder_lost`).
 */
export type Doubt = 'no_answer' | 'holder_lost'

/**
 * Why only the user can mend a grant: its refresh token was refused, perhaps since its successor was lost on its way; or
 * what the safe has of it will never open (`damaged`).
 */
export type ConsentReason = 'refused' | 'rotation_in_doubt' | 'damaged'

/**
 * Of the ID token that is to be traded for something else; only where an integration does that.
 * `none`: the provider gave none; `invalid`: it is not good; `unverified`: its issuer's keys could not be had.
 */
export interface IdTokenFacts {
  /** RFC 3339; present when there is one that has been verified. */
  readonly expiresAt?: string
  readonly fault?: 'none' | 'invalid' | 'unverified'
}

/** Who can mend a failed refresh: nobody but time, an administrator, or the user. */
export type RefreshFate = 'retry' | 'misconfigured' | 'consent_required'

/**
 * Everything that can have happened to a viewer's authorization at one provider. Append-only: add an event or a
 * version, never edit one. Tokens are in the safe, under the generation that stands here.
 */
export type GrantEvent =
  | {
      type: 'GrantObtained'
      data: {
        userGuid: string
        integrationGuid: string
        /** Counts the token sets that this grant has had; a new one with each consent and each refresh. */
        generation: number
        /** RFC 3339; `null` when the provider did not say when the access token ends. */
        expiresAt: string | null
        /** As granted, space-separated; `null` when the provider did not say (RFC 6749 §5.1: as asked for). */
        scope: string | null
        hasRefreshToken: boolean
        /** Fingerprint of the client and provider that it is of; a grant without one is good for nothing. */
        client?: string
        idToken?: IdTokenFacts
      }
    }
  | {
      type: 'RefreshBegun'
      data: {
        /** The token set that is being replaced. */
        generation: number
        attempt: string
        /** RFC 3339 by the database's clock; until then nobody else may begin. */
        leaseUntil: string
      }
    }
  | {
      type: 'TokenRefreshed'
      data: {
        attempt: string
        generation: number
        expiresAt: string | null
        scope: string | null
        idToken?: IdTokenFacts
      }
    }
  | {
      type: 'RefreshFailed'
      data: {
        attempt: string
        /** The token set that could not be replaced. */
        generation: number
        fate: RefreshFate
        /** The provider's `error` code (RFC 6749 §5.2); `null` when it gave none. */
        error: string | null
        /** Whether the provider may have rotated the refresh token although no answer arrived. */
        inDoubt: boolean
        /** Fingerprint of the settings that the provider refuses; with the fate `misconfigured` only. */
        settings?: string
      }
    }
  | {
      type: 'RefreshInDoubt'
      data: {
        attempt: string
        /** The token set whose refresh token the provider may have replaced. */
        generation: number
        reason: Doubt
        /** RFC 3339: the refresh token is not sent again before, in case that whoever sent it first comes back; or `null`. */
        quietUntil: string | null
      }
    }
  | { type: 'ConsentRequired'; data: { generation: number; reason: ConsentReason } }
  | { type: 'GrantRevoked'; data: { reason: RevocationReason } }

/**
 * `relinked`: its user has consented with another account at the provider. `integration_changed`: the integration has become
 * another client or has another provider.
 */
export type RevocationReason =
  'user' | 'administrator' | 'relinked' | 'integration_deleted' | 'integration_changed' | 'user_deleted' | 'user_locked'

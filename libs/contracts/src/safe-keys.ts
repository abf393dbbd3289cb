/** One version of the keys of the safe, as the operator sees it; never the key. */
export interface SafeKeyVersion {
  readonly version: number
  /** Where it came from: `file`, `environment`, `aws-kms` or `vault-transit`. */
  readonly provider: string
  /** Whether it seals. */
  readonly active: boolean
  readonly retired: boolean
  /** How many secrets need it. */
  readonly secrets: number
}

/** What one step of a rotation has done. */
export interface SafeRewrapping {
  readonly rewrapped: number
  /** Secrets that do not open and stay as they are. */
  readonly damaged: number
  /** Secrets that do not open and were destroyed, as was asked for. */
  readonly deleted: number
  /** How many are not yet under the key that seals. */
  readonly remaining: number
  /** For the next step; `null` at the end. */
  readonly next: string | null
}

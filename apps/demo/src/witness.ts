/** What of a part's doing nobody else may keep in clear. */
export type SecretKind = 'authorization code' | 'code verifier' | 'access token' | 'refresh token' | 'ID token'

/** Told of each secret that a part of the demo makes or is shown, so that a search for all of them is complete. */
export type Witness = (kind: SecretKind, value: string) => void

import type { KeySource } from './keyring.js'
import { seal, type Place } from './seal.js'

/** How many different ones there were among so many seals; all three are equal, or the safe is broken. */
export interface Seals {
  readonly seals: number
  /** Nonces under the one key-encrypting key. */
  readonly nonces: number
  /** What one and the same text was encrypted to: alike only if data key and nonce are alike. */
  readonly keystreams: number
}

const PLACE: Place = ['grant', 'x', 'refresh_token']
const TEXT = 'always the same 32 bytes of text'

/** Seals one text into one place again and again; for E18. */
export function sealRepeatedly(keys: KeySource, seals: number): Seals {
  const [nonces, keystreams] = [new Set<string>(), new Set<string>()]
  for (let count = 0; count < seals; count++) {
    const envelope = seal(keys, PLACE, 1, TEXT)
    nonces.add(envelope.toString('latin1', 5, 17))
    keystreams.add(envelope.toString('latin1', 77, 77 + TEXT.length))
  }
  return { seals, nonces: nonces.size, keystreams: keystreams.size }
}

import { hkdfSync } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import { DomainError, type Secret } from '#libs/contracts'
import type { DirectoryPerson } from './directory-person.js'

const LIFETIME = '15m'
const LONGEST = 4096
const TYP = 'keybearer-directory-ticket'
/** Of keys that are made from identity's login key, none is another's. */
const PURPOSE = 'keybearer directory ticket'

/** Whom a search has found: somebody known, or somebody of the directory. */
export type Found = { readonly guid: string } | { readonly person: DirectoryPerson }

/**
 * What a search gives out for each person found, and what adding that person takes: sealed, so that the facts are the
 * directory's and not the client's, and nobody can read what the API hides; good for a quarter of an hour, and for the
 * searcher alone. Every replica of identity can open it.
 */
export class Tickets {
  readonly #key: Uint8Array

  /** @param loginKey base64, the key that all replicas of identity share */
  constructor(loginKey: Secret) {
    this.#key = new Uint8Array(hkdfSync('sha256', Buffer.from(loginKey.reveal(), 'base64'), '', PURPOSE, 32))
  }

  seal(searcher: string, found: Found): Promise<string> {
    return new EncryptJWT({ found })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: TYP })
      .setAudience(searcher)
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .encrypt(this.#key)
  }

  /** @throws DomainError `user.temp_ticket_invalid` for whatever reason */
  async open(ticket: string, searcher: string): Promise<Found> {
    if (ticket.length > LONGEST) throw invalid()
    try {
      const { payload } = await jwtDecrypt<{ found: Found }>(ticket, this.#key, {
        typ: TYP,
        audience: searcher,
        requiredClaims: ['exp'],
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      return payload.found
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) throw invalid()
      throw error
    }
  }
}

const invalid = (): DomainError =>
  new DomainError(
    'invalid',
    'user.temp_ticket_invalid',
    'The temp_ticket is not one of yours, or it is too old; search again.',
  )

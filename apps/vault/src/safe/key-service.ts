import type { KeyProvider } from '#libs/service'

/**
 * A service that has a key which it gives to nobody, and wraps our keys with it. Only key-encrypting keys go there, one
 * call for each at the start and some in a day: no exchange waits for it.
 */
export interface KeyService {
  readonly name: Exclude<KeyProvider, 'file' | 'environment'>
  /**
   * @param context is authenticated with the key, so that it unwraps for this purpose only
   * @throws KeyServiceError
   */
  wrap(key: Buffer, context: KeyContext): Promise<string>
  /** @throws KeyServiceError */
  unwrap(wrapped: string, context: KeyContext): Promise<Buffer>
}

/** What a wrapped key is for. */
export type KeyContext = Readonly<Record<string, string>>

/** The service did not do it. The message names the service and its reason, never a key. */
export class KeyServiceError extends Error {
  constructor(service: string, reason: string, options?: ErrorOptions) {
    super(`${service}: ${reason}`, options)
    this.name = 'KeyServiceError'
  }
}

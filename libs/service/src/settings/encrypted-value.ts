import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Secret } from '#libs/contracts'
import type { SecretKey } from './secret-key.js'

/** Also says that the text is encrypted; another format gets another number. */
const VERSION = 'keybearer1'
const SHAPE = /^keybearer1:([0-9a-f]{16}):([A-Za-z0-9_-]+)$/
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Why a value could not be opened; holds nothing of the value or the key. */
export class EncryptedValueError extends Error {
  override readonly name = 'EncryptedValueError'
}

/** Whether the text of a setting claims to be encrypted, soundly or not. */
export const isEncrypted = (text: string): boolean => /^keybearer\d+:/.test(text)

/**
 * Encrypts a secret for the settings file: `keybearer1:`, which key it was, and base64url of nonce, AES-256-GCM text and
 * tag. What stands before the text is authenticated with it.
 */
export function encryptValue(secret: Secret, key: SecretKey): string {
  const label = `${VERSION}:${key.id}`
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.encryptionKey(), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(label))
  const text = Buffer.concat([nonce, cipher.update(secret.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${label}:${text.toString('base64url')}`
}

/**
 * Opens what `encryptValue` made.
 * @throws EncryptedValueError for another version or key, and for a text that has been changed
 */
export function decryptValue(text: string, key: SecretKey): Secret {
  const [, id, body] = SHAPE.exec(text) ?? []
  if (id === undefined || body === undefined) {
    throw new EncryptedValueError(
      text.startsWith(`${VERSION}:`)
        ? 'is encrypted but damaged; encrypt it again'
        : 'is encrypted in a format that this version does not know',
    )
  }
  if (id !== key.id)
    throw new EncryptedValueError('was encrypted with another key than the one in Server.SecretKeyFile')
  const bytes = Buffer.from(body, 'base64url')
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) {
    throw new EncryptedValueError('is encrypted but damaged; encrypt it again')
  }
  const decipher = createDecipheriv('aes-256-gcm', key.encryptionKey(), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(`${VERSION}:${id}`))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const open = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]
    return new Secret(Buffer.concat(open).toString('utf8'))
  } catch (error) {
    throw new EncryptedValueError('is encrypted but damaged; encrypt it again', { cause: error })
  }
}

import { Secret } from '#libs/contracts'
import { readPrivateFile } from '#libs/service'

const LEAST_BYTES = 32

/** What the key is injected by. */
export const LOGIN_KEY = Symbol('login key')

/**
 * The key that verifiers and nonces of logins are made with: base64 in a file that all replicas share.
 * @throws Error that names the file, never its content
 */
export function readLoginKey(file: string): Secret {
  const key = Buffer.from(readPrivateFile(file).trim(), 'base64')
  if (key.length < LEAST_BYTES) throw new Error(`${file} must hold base64 of at least ${LEAST_BYTES} bytes`)
  return new Secret(key.toString('base64'))
}

import { createHash, randomBytes } from 'node:crypto'
import { Secret } from '#libs/contracts'

const HINT = 4

/** The key itself: its guid in clear, so that it is found by an index, and 256 random bits. */
export const newKeyText = (guid: string): Secret =>
  new Secret(`kb_${guid.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`)

/** What is kept of a key: a bare hash will do, since nobody can guess 256 bits. */
export const hashOfKey = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The last characters, for people who look for a key in a list. */
export const hintOf = (text: Secret): string => text.reveal().slice(-HINT)

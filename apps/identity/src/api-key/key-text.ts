import { createHash, randomBytes } from 'node:crypto'
import { Secret } from '#libs/contracts'

const TEXT = /^kb_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/
const HINT = 4

/** The key itself: its guid in clear, so that it is found by an index, and 256 random bits. */
export const newKeyText = (guid: string): Secret =>
  new Secret(`kb_${guid.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`)

/** Which key a text claims to be; `undefined` for a text that cannot be one of ours. */
export const guidOfKey = (text: string): string | undefined => TEXT.exec(text)?.slice(1).join('-')

/** What is kept of a key: a bare hash will do, since nobody can guess 256 bits. */
export const hashOfKey = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The last characters, for people who look for a key in a list. */
export const hintOf = (text: Secret): string => text.reveal().slice(-HINT)

import { createHash } from 'node:crypto'
import { NO_STREAM, type StoredEvent } from './event-store.js'

type Hashed = Pick<StoredEvent, 'streamId' | 'version' | 'type' | 'schemaVersion' | 'data' | 'meta'>

/**
 * SHA-256 over the length-prefixed list of previous hash, stream id, version, type, schema version, data and meta.
 * Each item is preceded by its length in bytes as an unsigned 32-bit big-endian number; numbers are decimal text.
 * Position and database time are the database's and are not hashed; `meta.at` is the claimed time and is.
 */
export function eventHash(previous: Buffer, event: Hashed): Buffer {
  const hash = createHash('sha256')
  for (const item of [
    previous,
    event.streamId,
    `${event.version}`,
    event.type,
    `${event.schemaVersion}`,
    event.data,
    event.meta,
  ]) {
    const bytes = Buffer.from(item as string)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return hash.digest()
}

/** The first version at which a stream is not what was written, or `undefined` if the chain holds. */
export function brokenAt(events: readonly StoredEvent[]): number | undefined {
  let previous = NO_STREAM
  for (const event of events) {
    if (event.version !== previous.version + 1 || !eventHash(previous.hash, event).equals(event.hash))
      return event.version
    previous = event
  }
  return undefined
}

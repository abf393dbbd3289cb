import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { DomainError, rateLimited } from '#libs/contracts'
import { ContentSettings } from '#libs/service'
import { contentNotFound } from '../content/content.refusals.js'
import type { Manifest } from '../content/belongings.js'
import { Archives } from './archives.js'
import { ManifestReader } from './manifest-reader.js'

const PART = 1024 * 1024
/** Of one process, each with a part in memory. */
const MOST_AT_ONCE = 8
/** Of those, so that one person leaves room for others. */
const MOST_OF_ONE = 2
/** Nobody knows how long an upload takes. */
const RETRY_AFTER_SECONDS = 5

export interface Uploaded {
  /** Not a bundle's yet. */
  readonly archiveGuid: string
  /** Bytes. */
  readonly size: number
  /** In hex. */
  readonly sha256: string
  readonly manifest: Manifest
}

/** Takes in bundles: each byte once, into the archive and past the reader of its manifest. */
@Injectable()
export class Uploads {
  /** How many each person has under way, by guid. */
  readonly #running = new Map<string, number>()

  constructor(
    private readonly archives: Archives,
    private readonly settings: ContentSettings,
  ) {}

  get most(): number {
    return this.settings.maxBundleSize
  }

  /**
   * What fails leaves nothing behind.
   * @throws DomainError `bundle.manifest_invalid`, `request.body_unreadable`, `content.not_found`,
   * `request.rate_limited` while this person uploads enough, `service.unavailable` while all do; what `body` throws
   */
  async receive(contentGuid: string, personGuid: string, body: AsyncIterable<Buffer>): Promise<Uploaded> {
    const mine = this.#running.get(personGuid) ?? 0
    const all = [...this.#running.values()].reduce((sum, each) => sum + each, 0)
    if (mine >= MOST_OF_ONE) {
      throw rateLimited('Two of your uploads are under way; wait for one.', RETRY_AFTER_SECONDS)
    }
    if (all >= MOST_AT_ONCE) {
      throw new DomainError('unavailable', 'service.unavailable', 'Too much is being uploaded at the moment.')
    }
    this.#running.set(personGuid, mine + 1)
    const reader = new ManifestReader()
    let archiveGuid: string | undefined
    try {
      archiveGuid = await this.archives.begin(contentGuid)
      const { size, sha256 } = await this.#keep(archiveGuid, body, reader)
      return { archiveGuid, size, sha256, manifest: await reader.end() }
    } catch (error) {
      // The next upload would remove it too, an hour later.
      if (archiveGuid !== undefined) await this.archives.discard(archiveGuid).catch(() => undefined)
      throw error
    } finally {
      reader.destroy()
      const left = this.#running.get(personGuid)! - 1
      if (left > 0) this.#running.set(personGuid, left)
      else this.#running.delete(personGuid)
    }
  }

  async #keep(
    archiveGuid: string,
    body: AsyncIterable<Buffer>,
    reader: ManifestReader,
  ): Promise<{ size: number; sha256: string }> {
    const hash = createHash('sha256')
    let [size, index, held]: [number, number, Buffer[]] = [0, 0, []]
    const flush = async (): Promise<void> => {
      const part = Buffer.concat(held)
      held = []
      if (part.length > 0 && !(await this.archives.add(archiveGuid, index++, part))) {
        throw contentNotFound()
      }
    }
    let waiting = 0
    for await (const bytes of body) {
      size += bytes.length
      waiting += bytes.length
      hash.update(bytes)
      held.push(bytes)
      await reader.write(bytes)
      if (waiting >= PART) {
        waiting = 0
        await flush()
      }
    }
    await flush()
    return { size, sha256: hash.digest('hex') }
  }
}

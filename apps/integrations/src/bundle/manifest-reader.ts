import { createGunzip } from 'node:zlib'
import { DomainError } from '#libs/contracts'
import type { Manifest } from '../content/belongings.js'
import { manifestInvalid, manifestOf } from './manifest.js'
import { TarError, TarReader } from './tar-reader.js'

/** Bytes; those of a thousand R packages have about two million. */
const MOST_MANIFEST = 8 * 1024 * 1024
/** Unpacked bytes that need no packed ones: a bundle of a few blocks may be nothing but zeros. */
const MOST_FREE = 100_000_000
/** Unpacked bytes for each packed one. */
const MOST_RATIO = 100

/**
 * Reads the manifest out of a packed bundle as it goes by. Nothing is unpacked behind the manifest; before it, no more
 * than the packed bytes can honestly hold.
 */
export class ManifestReader {
  readonly #gunzip = createGunzip({ chunkSize: 64 * 1024 })
  readonly #tar = new TarReader('manifest.json', MOST_MANIFEST)
  readonly #outcome = Promise.withResolvers<Manifest>()
  #settled = false
  #failure: unknown
  #packed = 0
  #unpacked = 0

  constructor() {
    this.#outcome.promise.catch(() => undefined)
    this.#gunzip.on('data', (chunk: Buffer) => this.#look(chunk))
    this.#gunzip.once('end', () => this.#fail(manifestInvalid('The bundle has no manifest.json.')))
    this.#gunzip.on('error', () => this.#fail(unreadable()))
  }

  /**
   * Resolves when more may come.
   * @throws DomainError `bundle.manifest_invalid`, `request.body_unreadable` as soon as it is known
   */
  async write(packed: Buffer): Promise<void> {
    this.#packed += packed.length
    if (!this.#settled && !this.#gunzip.write(packed)) {
      const drained = new Promise<void>((resolve) => this.#gunzip.once('drain', resolve))
      await Promise.race([drained, this.#outcome.promise])
    }
    if (this.#failure) throw this.#failure as Error
  }

  /** All has come. @throws as `write` */
  async end(): Promise<Manifest> {
    if (!this.#settled) this.#gunzip.end()
    return await this.#outcome.promise
  }

  /** Nothing more will come. */
  destroy(): void {
    this.#settled = true
    this.#gunzip.destroy()
  }

  #look(chunk: Buffer): void {
    if (this.#settled) return
    this.#unpacked += chunk.length
    if (this.#unpacked > MOST_FREE + MOST_RATIO * this.#packed) {
      return this.#fail(manifestInvalid('The bundle unpacks to far more than it is worth.'))
    }
    try {
      const found = this.#tar.push(chunk)
      if (!found) return
      this.#outcome.resolve(manifestOf(found))
      this.destroy()
    } catch (error) {
      this.#fail(error instanceof TarError ? unreadable() : error)
    }
  }

  #fail(error: unknown): void {
    if (this.#settled) return
    this.#failure = error
    this.#outcome.reject(error)
    this.destroy()
  }
}

const unreadable = (): DomainError =>
  new DomainError('invalid', 'request.body_unreadable', 'The body is not a tar archive packed by gzip.')

const BLOCK = 512

/** What was read is no tar archive. */
export class TarError extends Error {}

/**
 * Finds one small file in a tar archive that goes by, and keeps nothing else of it: no more than a header and that file
 * are ever held, whatever lengths the archive claims. Extended headers (PAX, GNU) are passed over, since the name looked
 * for needs none. Nothing is written anywhere, so names that lead out of a folder lead nowhere.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 (ustar interchange format)
 */
export class TarReader {
  readonly #header = Buffer.alloc(BLOCK)
  #filled = 0
  /** Bytes to pass over, padding included. */
  #skip = 0
  /** Bytes of the file that are still to come. */
  #missing = 0
  #parts: Buffer[] | undefined
  #ended = false

  /**
   * @param name of a file at the root of the archive
   * @param most bytes that the file may have
   */
  constructor(
    private readonly name: string,
    private readonly most: number,
  ) {}

  /**
   * @returns the file once it has come as a whole
   * @throws TarError
   */
  push(chunk: Buffer): Buffer | undefined {
    for (let at = 0; at < chunk.length && !this.#ended;) {
      if (this.#parts) {
        const part = chunk.subarray(at, at + this.#missing)
        this.#parts.push(part)
        this.#missing -= part.length
        at += part.length
        if (this.#missing === 0) return Buffer.concat(this.#parts)
      } else if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at)
        this.#skip -= passed
        at += passed
      } else {
        const part = chunk.subarray(at, at + BLOCK - this.#filled)
        part.copy(this.#header, this.#filled)
        this.#filled += part.length
        at += part.length
        if (this.#filled === BLOCK) {
          this.#filled = 0
          const empty = this.#open()
          if (empty) return empty
        }
      }
    }
    return undefined
  }

  /** Reads the header. @returns the file, if it is the one and has nothing in it */
  #open(): Buffer | undefined {
    const header = this.#header
    if (header.every((byte) => byte === 0)) {
      this.#ended = true
      return undefined
    }
    mustBeHeader(header)
    const size = sizeOf(header)
    const type = String.fromCharCode(header[156]!)
    if (['0', '\0', '7'].includes(type) && nameOf(header) === this.name) {
      if (size > this.most) throw new TarError(`${this.name} is larger than ${this.most} bytes`)
      if (size === 0) return Buffer.alloc(0)
      this.#missing = size
      this.#parts = []
      return undefined
    }
    this.#skip = Math.ceil(size / BLOCK) * BLOCK
    return undefined
  }
}

function mustBeHeader(header: Buffer): void {
  let sum = 8 * 0x20
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte
  if (octal(header.subarray(148, 156)) !== sum) throw new TarError('a header has a wrong checksum')
}

/** Octal, or with GNU's first bit set base 256. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136)
  const size = field[0]! & 0x80 ? Number(BigInt(`0x${field.subarray(1).toString('hex')}`)) : octal(field)
  if (!Number.isSafeInteger(size)) throw new TarError('a header has no size')
  return size
}

function octal(field: Buffer): number {
  const digits = text(field).trim()
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : digits === '' ? 0 : NaN
}

function nameOf(header: Buffer): string {
  const name = text(header.subarray(0, 100))
  // GNU's magic is `ustar` and a space, and its prefix is something else.
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(header.subarray(345, 500)) : ''
  return (prefix === '' ? name : `${prefix}/${name}`).replace(/^(?:\.\/)+/, '')
}

const text = (field: Buffer): string => {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/** A value that may be nowhere but where it must be. */
export interface SecretValue {
  /** `API key`, `code verifier` … */
  readonly kind: string
  readonly value: string
}

/** Where bytes of the system end up. */
export interface Sink {
  readonly kind: 'file' | 'table' | 'message' | 'answer' | 'process'
  /** A path, a table, a subject, method and path of a request. */
  readonly place: string
  readonly bytes: Buffer
}

export interface Hit {
  readonly secret: string
  readonly sink: Sink['kind']
  readonly place: string
}

/** Any run of this many bytes of a secret, in any of its forms, is a leak. */
const WINDOW = 16
const BITS = 22

/**
 * Finds secrets in bytes: as they are, URL-encoded, JSON-escaped, in hex of both cases, in Base64 of both alphabets at
 * all three alignments, in UTF-16; whole or in part. Besides, any JSON Web Token is a find.
 */
export class Scanner {
  readonly #kinds = new Map<string, string>()
  readonly #values = new Set<string>()
  /** Whether some window begins with four bytes of this hash: nearly all positions are done with after one look. */
  readonly #beginnings = new Uint32Array(1 << (BITS - 5))
  /** Bytes looked at, by kind of sink: a sink of which nothing was read proves nothing. */
  readonly scanned = new Map<Sink['kind'], number>()

  get secrets(): number {
    return this.#values.size
  }

  add({ kind, value }: SecretValue): void {
    const secret = secretPart(value)
    if (secret.length < WINDOW) throw new Error(`this ${kind} is too short to be found`)
    if (this.#values.has(secret)) return
    this.#values.add(secret)
    for (const form of formsOf(secret)) {
      for (let at = 0; at + WINDOW <= form.length; at++) {
        this.#kinds.set(form.toString('latin1', at, at + WINDOW), kind)
        const bit = hash(form.readUInt32BE(at))
        this.#beginnings[bit >>> 5]! |= 1 << (bit & 31)
      }
    }
  }

  /** Each kind of secret at most once for a sink. */
  find({ kind, place, bytes }: Sink): Hit[] {
    this.scanned.set(kind, (this.scanned.get(kind) ?? 0) + bytes.length)
    const found = new Set<string>()
    const beginnings = this.#beginnings
    const end = bytes.length - WINDOW
    // The last four bytes, of which each step pushes the first out.
    let word = bytes.length < WINDOW ? 0 : bytes.readUInt32BE(0)
    for (let at = 0; at <= end; at++) {
      const bit = hash(word)
      if ((beginnings[bit >>> 5]! & (1 << (bit & 31))) !== 0) {
        const secret = this.#kinds.get(bytes.toString('latin1', at, at + WINDOW))
        if (secret !== undefined) found.add(secret)
      }
      word = (word << 8) | bytes[at + 4]!
    }
    if (bytes.includes(JWT_BEGINS) && JWT.test(bytes.toString('latin1'))) found.add('JSON Web Token')
    return [...found].map((secret) => ({ secret, sink: kind, place }))
  }
}

const JWT_BEGINS = 'eyJ'
const JWT = /eyJ[\w-]{12,}\.eyJ[\w-]{12,}\.[\w-]{20,}/

/** What nobody can guess: the end. Guids of API keys and payloads of tokens stand before it. */
const secretPart = (value: string): string => (value.split('.').at(-1) ?? '').slice(-43)

// A global is slow to look up where jest runs this.
const { imul } = Math
const hash = (word: number): number => imul(word, 0x9e3779b1) >>> (32 - BITS)

function formsOf(secret: string): Buffer[] {
  const raw = Buffer.from(secret)
  const texts = new Set([
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    raw.toString('hex'),
    raw.toString('hex').toUpperCase(),
    ...[0, 1, 2].flatMap((shift) => base64At(raw, shift)),
  ])
  return [...[...texts].map((text) => Buffer.from(text)), Buffer.from(secret, 'utf16le')]
}

/** The Base64 characters that depend on the secret alone when it begins `shift` bytes after a group of three. */
function base64At(raw: Buffer, shift: number): string[] {
  const padded = Buffer.concat([Buffer.alloc(shift), raw])
  const sure = (text: string): string => text.slice(shift === 0 ? 0 : shift + 1, Math.floor((padded.length * 8) / 6))
  return [sure(padded.toString('base64')), sure(padded.toString('base64url'))]
}

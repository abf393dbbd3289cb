import { request } from 'undici'
import { readPrivateFile } from '#libs/service'
import { KeyServiceError, type KeyContext, type KeyService } from './key-service.js'

const TIMEOUT_MS = 10_000
/** Bytes: an answer is some hundred. */
const MOST = 65_536

export interface VaultTransitOptions {
  /** Such as `https://vault.example:8200`; https, or a loopback address. */
  readonly address: string
  readonly mount: string
  readonly key: string
  /** Mode 0600; read anew for each call, as whatever renews the token replaces it. */
  readonly tokenFile: string
  readonly namespace?: string
}

/**
 * The transit engine of HashiCorp Vault or OpenBao. There is no client of theirs for Node, and two operations need none.
 * Deliberately not through `Outbound`: the address is the deployment's own and usually a private one.
 * @see https://openbao.org/api-docs/secret/transit/
 */
export class VaultTransit implements KeyService {
  readonly name = 'vault-transit'

  constructor(private readonly options: VaultTransitOptions) {
    const { protocol, hostname } = new URL(options.address)
    if (protocol !== 'https:' && !['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) {
      throw new KeyServiceError(this.name, 'Safe.TransitAddress must be https')
    }
  }

  async wrap(key: Buffer, context: KeyContext): Promise<string> {
    const { ciphertext } = await this.#ask('encrypt', {
      plaintext: key.toString('base64'),
      associated_data: encoded(context),
    })
    if (typeof ciphertext !== 'string') throw new KeyServiceError(this.name, 'the answer holds no ciphertext')
    return ciphertext
  }

  async unwrap(wrapped: string, context: KeyContext): Promise<Buffer> {
    const { plaintext } = await this.#ask('decrypt', { ciphertext: wrapped, associated_data: encoded(context) })
    if (typeof plaintext !== 'string') throw new KeyServiceError(this.name, 'the answer holds no key')
    return Buffer.from(plaintext, 'base64')
  }

  async #ask(operation: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> {
    const { address, mount, key, tokenFile, namespace } = this.options
    const token = readPrivateFile(tokenFile).trim()
    const url = new URL(`/v1/${mount}/${operation}/${encodeURIComponent(key)}`, address)
    let status: number
    let text: string
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-vault-token': token,
          'x-vault-request': 'true',
          ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      status = answer.statusCode
      text = await bounded(answer.body)
    } catch (error) {
      throw new KeyServiceError(this.name, 'no answer', { cause: error })
    }
    // Its error texts may repeat what was sent.
    if (status !== 200) throw new KeyServiceError(this.name, `${operation} was answered with ${status}`)
    try {
      const { data } = JSON.parse(text) as { data?: Record<string, unknown> }
      return data ?? {}
    } catch {
      throw new KeyServiceError(this.name, 'the answer is no JSON')
    }
  }
}

/** Always the same bytes for the same context. */
function encoded(context: KeyContext): string {
  const entries = Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1))
  return Buffer.from(JSON.stringify(entries)).toString('base64')
}

async function bounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MOST) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

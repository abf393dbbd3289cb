import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a fake answers: a status and JSON. */
interface Answer {
  readonly status: number
  readonly body: object
}

/** A key management service that really has a key; what it is asked stands in `asked`, and it can be out of order. */
abstract class FakeKeyService {
  readonly asked: { readonly operation: string; readonly body: Readonly<Record<string, unknown>> }[] = []
  /** What it answers instead, until it is `undefined` again; `cut`: it hangs up. */
  fault: Answer | 'cut' | undefined
  readonly #key = randomBytes(32)
  readonly #server: Server = createServer((request, response) => {
    void textOf(request).then((text) => {
      if (this.fault === 'cut') return request.socket.destroy()
      const { status, body } = this.fault ?? this.answer(request, JSON.parse(text) as Record<string, unknown>)
      return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  protected abstract answer(request: IncomingMessage, body: Readonly<Record<string, unknown>>): Answer

  protected encrypt(plaintext: Buffer, associated: Buffer): Buffer {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(associated)
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws Error when it is not ours, or not for this */
  protected decrypt(sealed: Buffer, associated: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12)).setAAD(associated)
    decipher.setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  }
}

/** AWS KMS as far as Encrypt and Decrypt go: JSON 1.1, a signature is demanded, the encryption context is authenticated. */
export class FakeAwsKms extends FakeKeyService {
  protected answer(request: IncomingMessage, body: Readonly<Record<string, string>>): Answer {
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
    this.asked.push({ operation, body })
    if (!/^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/eu-central-1\/kms\//.test(request.headers.authorization ?? ''))
      return refusedByAws('MissingAuthenticationTokenException')
    if (body['KeyId'] !== 'alias/keybearer') return refusedByAws('NotFoundException')
    const context = Buffer.from(JSON.stringify(Object.entries(body['EncryptionContext'] ?? {}).sort()))
    const KeyId = 'arn:aws:kms:eu-central-1:111122223333:key/1'
    if (operation === 'Encrypt') {
      const sealed = this.encrypt(Buffer.from(body['Plaintext']!, 'base64'), context)
      return { status: 200, body: { CiphertextBlob: sealed.toString('base64'), KeyId } }
    }
    try {
      const plaintext = this.decrypt(Buffer.from(body['CiphertextBlob']!, 'base64'), context)
      return { status: 200, body: { Plaintext: plaintext.toString('base64'), KeyId } }
    } catch {
      return refusedByAws('InvalidCiphertextException')
    }
  }
}

export const refusedByAws = (type: string): Answer => ({ status: 400, body: { __type: type, message: 'no' } })

/** The transit engine of Vault and OpenBao as far as encrypt and decrypt go, with a token and associated data. */
export class FakeTransit extends FakeKeyService {
  token = 's.token'

  protected answer(request: IncomingMessage, body: Readonly<Record<string, string>>): Answer {
    const [, operation = '', key] = /^\/v1\/transit\/(\w+)\/(\w+)$/.exec(request.url ?? '') ?? []
    this.asked.push({ operation, body })
    if (request.headers['x-vault-token'] !== this.token) return { status: 403, body: { errors: ['permission denied'] } }
    if (key !== 'keybearer') return { status: 404, body: { errors: [] } }
    const associated = Buffer.from(body['associated_data'] ?? '', 'base64')
    if (operation === 'encrypt') {
      const sealed = this.encrypt(Buffer.from(body['plaintext']!, 'base64'), associated)
      return { status: 200, body: { data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } } }
    }
    try {
      const sealed = Buffer.from(body['ciphertext']!.replace('vault:v1:', ''), 'base64')
      return { status: 200, body: { data: { plaintext: this.decrypt(sealed, associated).toString('base64') } } }
    } catch {
      return { status: 400, body: { errors: ['cipher: message authentication failed'] } }
    }
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

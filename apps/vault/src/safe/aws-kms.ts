import type { KMSClient } from '@aws-sdk/client-kms'
import { KeyServiceError, type KeyContext, type KeyService } from './key-service.js'

const TIMEOUT_MS = 10_000

export interface AwsKmsOptions {
  /** Key ID, ARN or alias. */
  readonly key: string
  readonly region?: string
  /** Instead of AWS's own, such as an interface endpoint of the VPC. */
  readonly endpoint?: string
}

/**
 * AWS KMS through its own client, which finds credentials as all of AWS's tools do (web identity, container, instance,
 * `AWS_*`). The client is loaded here only: without KMS it costs no memory.
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
 */
export class AwsKms implements KeyService {
  readonly name = 'aws-kms'
  #client: Promise<Client> | undefined

  constructor(private readonly options: AwsKmsOptions) {}

  async wrap(key: Buffer, context: KeyContext): Promise<string> {
    const { client, EncryptCommand } = await this.#open()
    const input = { KeyId: this.options.key, Plaintext: key, EncryptionContext: { ...context } }
    const { CiphertextBlob } = await this.#ask(() => client.send(new EncryptCommand(input)))
    if (!CiphertextBlob) throw new KeyServiceError(this.name, 'the answer holds no ciphertext')
    return Buffer.from(CiphertextBlob).toString('base64')
  }

  async unwrap(wrapped: string, context: KeyContext): Promise<Buffer> {
    const { client, DecryptCommand } = await this.#open()
    const CiphertextBlob = Buffer.from(wrapped, 'base64')
    const input = { KeyId: this.options.key, CiphertextBlob, EncryptionContext: { ...context } }
    const { Plaintext } = await this.#ask(() => client.send(new DecryptCommand(input)))
    if (!Plaintext) throw new KeyServiceError(this.name, 'the answer holds no key')
    const key = Buffer.from(Plaintext)
    Plaintext.fill(0)
    return key
  }

  #open(): Promise<Client> {
    this.#client ??= load(this.options)
    return this.#client
  }

  async #ask<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send()
    } catch (error) {
      // The name says it (AccessDeniedException, DisabledException …); the message may repeat what was sent.
      throw new KeyServiceError(this.name, error instanceof Error ? error.name : 'no answer', { cause: error })
    }
  }
}

interface Client extends Pick<typeof import('@aws-sdk/client-kms'), 'EncryptCommand' | 'DecryptCommand'> {
  readonly client: KMSClient
}

async function load({ region, endpoint }: AwsKmsOptions): Promise<Client> {
  const { DecryptCommand, EncryptCommand, KMSClient } = await import('@aws-sdk/client-kms')
  const client = new KMSClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true },
  })
  return { client, DecryptCommand, EncryptCommand }
}

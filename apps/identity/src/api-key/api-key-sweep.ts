import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { Every } from '#libs/service'
import { ApiKeys } from './api-keys.js'

const EVERY_MS = 10 * 60_000

/** Removes API keys that are good for nothing any more. Any number of processes may do it at once. */
@Injectable()
export class ApiKeySweep implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(ApiKeySweep.name)
  readonly #every = new Every(
    EVERY_MS,
    () => this.sweep(),
    (error) => this.#logger.warn({ err: error }, 'API keys that are over could not be removed'),
  )

  constructor(private readonly apiKeys: ApiKeys) {}

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#every.stop()
  }

  /** @returns how many keys were removed */
  sweep(): Promise<number> {
    return this.apiKeys.deleteDead({ actor: { type: 'service', name: 'identity' }, commandId: randomUUID() })
  }
}

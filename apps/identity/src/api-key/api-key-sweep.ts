import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { ApiKeys } from './api-keys.js'

const EVERY_MS = 10 * 60_000

/** Removes API keys that are good for nothing any more. Any number of processes may do it at once. */
@Injectable()
export class ApiKeySweep implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(ApiKeySweep.name)
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(private readonly apiKeys: ApiKeys) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => {
      this.#running = this.sweep().catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'API keys that are over could not be removed')
      })
    }, EVERY_MS).unref()
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  /** @returns how many keys were removed */
  sweep(): Promise<number> {
    return this.apiKeys.deleteDead({ actor: { type: 'service', name: 'identity' }, commandId: randomUUID() })
  }
}

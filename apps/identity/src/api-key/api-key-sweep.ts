import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { Every } from '#libs/service'
import { ApiKeys } from './api-keys.js'
import { VisitorKeys } from './visitor-keys.js'

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

  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly visitorKeys: VisitorKeys,
  ) {}

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#every.stop()
  }

  /** @returns how many keys were removed */
  async sweep(): Promise<number> {
    const visitors = await this.visitorKeys.deleteOver()
    const actor = { type: 'service', name: 'identity' } as const
    return visitors + (await this.apiKeys.deleteDead({ actor, commandId: randomUUID() }))
  }
}

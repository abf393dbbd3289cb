import type { AddressInfo } from 'node:net'
import { Inject, Injectable, Logger } from '@nestjs/common'
import { HttpSettings, Metrics, PINO, type Pino } from '#libs/service'
import { type GuardedAgents } from '../proxy/guarded-agents.js'
import { OpenSockets } from '../proxy/open-sockets.js'
import { AGENTS } from './tokens.js'
import { Door } from './door.js'
import { PublicListener } from './public-listener.js'

/** Opens and closes `[HTTP] Listen`. */
@Injectable()
export class PublicDoor {
  readonly #logger = new Logger(PublicDoor.name)
  readonly #listener: PublicListener

  constructor(
    door: Door,
    private readonly settings: HttpSettings,
    private readonly sockets: OpenSockets,
    @Inject(AGENTS) private readonly agents: GuardedAgents,
    @Inject(PINO) pino: Pino,
    metrics: Metrics,
  ) {
    this.#listener = new PublicListener(door, { pino, seconds: metrics.httpSeconds })
  }

  async open(): Promise<AddressInfo> {
    const address = await this.#listener.listen(this.settings.port, this.settings.host)
    this.#logger.log({ address }, 'open to the world')
    return address
  }

  async close(withinMs: number): Promise<void> {
    this.sockets.closeAll()
    await this.#listener.stop(withinMs)
    this.agents.destroy()
  }
}

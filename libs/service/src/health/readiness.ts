import { Injectable } from '@nestjs/common'

/** Says that all is well; `false`, a throw or a rejection says no. It never asks another service. */
export type ReadinessCheck = () => unknown

/** Whether this process wants requests; a module adds its checks in its constructor or `onModuleInit`. */
@Injectable()
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>()
  #stopping = false

  /** Adds a check, or replaces the one of the same name. */
  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check)
  }

  /** From now on the process is not ready. */
  stop(): void {
    this.#stopping = true
  }

  get stopping(): boolean {
    return this.#stopping
  }

  get checks(): ReadonlyMap<string, ReadinessCheck> {
    return this.#checks
  }
}

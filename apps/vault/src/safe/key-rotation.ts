import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import type { SafeRewrapping } from '#libs/contracts'
import { SafeKeys } from './safe-keys.js'
import { Safe, type SafeRow } from './safe.js'

/** Brings secrets under the key that seals, some at a time, while everybody else goes on. */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly pool: Pool,
    private readonly keys: SafeKeys,
    private readonly safe: Safe,
  ) {}

  /**
   * Nothing is kept between two calls: after a crash the first one finds what is left.
   * @param after what the former call said
   * @param deleteDamaged see `Safe.rewrap`
   */
  async rewrap(after: string | undefined, limit: number, deleteDamaged = false): Promise<SafeRewrapping> {
    // Another process may have made the new key.
    await this.keys.reload()
    const { rewrapped, damaged, deleted, next } = await this.safe.rewrap(this.pool, {
      after: rowOf(after),
      limit,
      deleteDamaged,
    })
    const remaining = await this.safe.outdated(this.pool)
    return { rewrapped, damaged, deleted, remaining, next: next ? `${next.place}#${next.generation}` : null }
  }
}

function rowOf(after: string | undefined): SafeRow | undefined {
  const [place, generation] = after?.split('#') ?? []
  return place === undefined ? undefined : { place, generation: Number(generation) }
}

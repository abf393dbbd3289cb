import { Injectable } from '@nestjs/common'
import { Counter, Histogram } from 'prom-client'
import { Metrics } from '#libs/service'
import type { ConsentReason, Doubt, GrantEvent } from './grant.events.js'

/** What is counted of refreshes, for whoever has to be woken. */
@Injectable()
export class RefreshMetrics {
  readonly #inDoubt: Counter<'reason'>
  readonly #consentRequired: Counter<'reason'>
  readonly #window: Histogram

  constructor({ registry }: Metrics) {
    const registers = [registry]
    this.#inDoubt = new Counter({
      name: 'keybearer_refreshes_in_doubt_total',
      help: 'Refreshes of which it is not known whether the provider carried them out, by reason.',
      labelNames: ['reason'],
      registers,
    })
    this.#consentRequired = new Counter({
      name: 'keybearer_consents_required_total',
      help: 'Grants that only their user can mend, by reason.',
      labelNames: ['reason'],
      registers,
    })
    this.#window = new Histogram({
      name: 'keybearer_refresh_window_seconds',
      help: 'From the last byte of a provider’s answer until its tokens are stored: what a crash would lose.',
      buckets: [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    })
    // So that an alert sees the first one: a series that is not there has not risen.
    for (const reason of ['no_answer', 'holder_lost'] satisfies Doubt[]) this.#inDoubt.inc({ reason }, 0)
    for (const reason of ['refused', 'rotation_in_doubt', 'damaged'] satisfies ConsentReason[])
      this.#consentRequired.inc({ reason }, 0)
  }

  happened(events: readonly GrantEvent[]): void {
    for (const { type, data } of events) {
      if (type === 'RefreshInDoubt') this.#inDoubt.inc({ reason: data.reason })
      if (type === 'ConsentRequired') this.#consentRequired.inc({ reason: data.reason })
    }
  }

  /** @param milliseconds from the answer to the acknowledged commit */
  stored(milliseconds: number): void {
    this.#window.observe(milliseconds / 1000)
  }
}

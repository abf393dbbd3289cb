import { isGuid, type ChangeContract, type ServiceName } from '#libs/contracts'
import { Logger } from '@nestjs/common'
import { flawsOf } from './change-validation.js'
import type { Freshness } from './freshness.js'
import { unavailable, type OwnerQuestions } from './owner-questions.js'
import { isLower, type Applied, type Change, type OnApplied, type ReplicaStore } from './replica-store.js'
import { guidOf } from './subject.js'
import type { ChangeContext } from './transport.js'

/** As many changes as one statement takes. */
const BATCH = 500

interface Waiting<State> {
  readonly change: Change<State>
  resolve(): void
  reject(error: unknown): void
}

/** A copy of one kind of thing that another service owns. */
export class Replica<State> {
  readonly #logger = new Logger(Replica.name)
  readonly #listeners: OnApplied<State>[] = []
  /** Documents whose last message could not be taken, with its version: what is held of them is not believed. */
  readonly #parked = new Map<string, number>()
  #queue: Waiting<State>[] = []
  #flushing = false

  /** @param questions without them, what is not fresh here is refused */
  constructor(
    readonly contract: ChangeContract<State>,
    readonly store: ReplicaStore<State>,
    private readonly freshness: Freshness,
    private readonly questions?: OwnerQuestions,
  ) {}

  /** Registers what follows from changes; see `OnApplied`. Register before messages come. */
  onApplied(listener: OnApplied<State>): void {
    this.#listeners.push(listener)
  }

  /** How many documents have a last message that could not be taken. */
  get parkedCount(): number {
    return this.#parked.size
  }

  /** Whether the copy of this document may be believed: its source is fresh, and its last message was taken. */
  isTrusted(guid: string): boolean {
    return this.freshness.isFresh(this.contract.service) && !this.#parked.has(guid)
  }

  /**
   * Takes a change message. Resolves when it has been applied, was not newer, or cannot be taken at all; rejects when it
   * should be tried again.
   */
  handle(message: unknown, subject: string): Promise<void> {
    const guid = guidOf(subject)
    const flaws = isGuid(guid) ? flawsOf(this.contract, message) : ['guid']
    const change = message as Change<State>
    if (flaws.length > 0) {
      this.#park(guid, Number(change?.version), `its ${flaws.join(', ')} cannot be read`)
      return Promise.resolve()
    }
    const { version, revision, state } = change
    return new Promise<void>((resolve, reject) => {
      this.#queue.push({ change: { guid, version, revision, state }, resolve, reject })
      if (this.#flushing) return
      this.#flushing = true
      setImmediate(() => void this.#flush())
    })
  }

  /**
   * The document, from the copy if that is fresh, else from its owner; `undefined` when it does not exist or is deleted.
   * A document missing from a fresh copy is confirmed with the owner too, within the limits of `OwnerQuestions`.
   * @param options `confirm: false` for a name that anybody could have made up
   * @throws DomainError `replica.stale` (unavailable) when the copy is old and the owner does not answer
   */
  async find(guid: string, { confirm = true }: { confirm?: boolean } = {}): Promise<State | undefined> {
    if (!isGuid(guid)) return undefined
    if (!this.isTrusted(guid)) return this.confirm(guid)
    const held = await this.store.find(guid)
    if (held || !confirm) return held?.state ?? undefined
    return this.confirm(guid)
  }

  /**
   * The document as its owner has it now, or had it within the last second: before a *no* that rests on something
   * missing inside a present document.
   * @throws DomainError `replica.stale` (unavailable) when the owner does not answer
   */
  async confirm(guid: string): Promise<State | undefined> {
    if (!isGuid(guid)) return undefined
    const trusted = this.isTrusted(guid)
    const answer = (await this.questions?.ask(this.contract, guid)) ?? { kind: 'over_limit' }
    if (answer.kind === 'over_limit') {
      if (!trusted) throw unavailable()
      return (await this.store.find(guid))?.state ?? undefined
    }
    if (!answer.change) return undefined
    const flaws = flawsOf(this.contract, answer.change)
    if (flaws.length > 0) throw unavailable(new Error(`the owner's ${flaws.join(', ')} cannot be read`))
    const { version, revision } = answer.change
    const change: Change<State> = { guid, version, revision, state: answer.change.state as State | null }
    if (!answer.again) await this.#applied([change])
    const held = await this.store.find(guid)
    return (held && !isLower(held, change) ? held.state : change.state) ?? undefined
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH)
      try {
        await this.#applied(batch.map(({ change }) => change))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        if (isPassing(error)) for (const { reject } of batch) reject(error)
        else await this.#oneByOne(batch)
      }
    }
    this.#flushing = false
  }

  /** After one of a batch has spoilt it for all: everything else still goes in. */
  async #oneByOne(batch: Waiting<State>[]): Promise<void> {
    for (const { change, resolve, reject } of batch) {
      try {
        await this.#applied([change])
        resolve()
      } catch (error) {
        if (isPassing(error)) {
          reject(error)
        } else {
          this.#park(change.guid, change.version, `it cannot be stored (${(error as { code?: string }).code ?? 'bug'})`)
          resolve()
        }
      }
    }
  }

  async #applied(changes: readonly Change<State>[]): Promise<void> {
    await this.store.apply(changes, this.#listeners.length > 0 ? this.#tell : undefined)
    if (this.#parked.size === 0) return
    for (const { guid, version } of changes) {
      const parked = this.#parked.get(guid)
      if (parked !== undefined && version >= parked) this.#parked.delete(guid)
    }
  }

  readonly #tell: OnApplied<State> = async (changes: readonly Applied<State>[], client) => {
    for (const listener of this.#listeners) await listener(changes, client)
  }

  /** Says which message it was and never what was in it. */
  #park(guid: string, version: number, why: string): void {
    const { service, category } = this.contract
    const known = Number.isInteger(version) ? version : 0
    this.#parked.set(guid, Math.max(known, this.#parked.get(guid) ?? 0))
    this.#logger.error(`parked: the message of ${service}.${category}.${guid}, version ${known || 'unknown'}: ${why}`)
  }
}

/** Whether time can mend it: lost connections, full disks, deadlocks. A bug or an unstorable value stays what it is. */
function isPassing(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return false
  const code = (error as { code?: unknown }).code
  return !(typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code))
}

/** Every copy that a process has. */
export class Replicas {
  readonly #replicas = new Map<string, Replica<unknown>>()

  constructor(private readonly sources: Freshness) {}

  add<State>(replica: Replica<State>): this {
    const { service, category } = replica.contract
    this.#replicas.set(`${service}.${category}`, replica as unknown as Replica<unknown>)
    return this
  }

  /** The copies under one contract. */
  of<State>(contract: ChangeContract<State>): Replica<State> {
    const replica = this.#replicas.get(`${contract.service}.${contract.category}`)
    if (!replica) throw new Error(`this process has no copies of ${contract.service}.${contract.category}`)
    return replica as unknown as Replica<State>
  }

  /** Gives a message to the replica that its subject names; for the `@EventPattern` handlers. */
  handle(message: unknown, context: ChangeContext): Promise<void> {
    const subject = context.getSubject()
    const replica = this.#replicas.get(subject.slice(0, subject.lastIndexOf('.')))
    return replica ? replica.handle(message, subject) : Promise.resolve()
  }

  /** Ms since the instant up to which everything of that service is here; cheap enough for each request. */
  freshness(service: ServiceName): number {
    return this.sources.freshness(service)
  }

  /** Whether a *yes* may rest on the copies of that service, at large and for the documents given. */
  isFresh(service: ServiceName, ...documents: readonly (readonly [ChangeContract<unknown>, guid: string])[]): boolean {
    return this.sources.isFresh(service) && documents.every(([contract, guid]) => this.of(contract).isTrusted(guid))
  }

  /** Services whose copies are not complete and fresh; empty when this process is ready. */
  notReady(): ServiceName[] {
    const services = new Set([...this.#replicas.values()].map(({ contract }) => contract.service))
    return [...services].filter((service) => !this.sources.isFresh(service))
  }

  /** Whether the snapshots have been read to their end and recent heartbeats heard, from every service copied here. */
  ready(): boolean {
    return this.notReady().length === 0
  }

  /** Documents whose last message could not be taken, over all kinds. */
  get parkedCount(): number {
    return [...this.#replicas.values()].reduce((sum, { parkedCount }) => sum + parkedCount, 0)
  }
}

import { setImmediate } from 'node:timers/promises'

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Work that costs little more for many than for one: while one group is in hand the next collects, without a timer.
 * Whoever comes alone waits for nobody.
 */
export class InGroups<Item, Result> {
  #waiting: Waiting<Item, Result>[] = []
  #working = false

  /**
   * @param work begins after all of its items have come; one result for each, in their order
   * @param most items at once
   */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly most = 500,
  ) {}

  /** @throws whatever `work` threw for the group that the item was in */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#working) return
      this.#working = true
      void this.#work()
    })
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whoever else is at it in this turn of the event loop comes along.
      await setImmediate()
      const group = this.#waiting.splice(0, this.most)
      try {
        const results = await this.work(group.map(({ item }) => item))
        for (const [index, { resolve }] of group.entries()) resolve(results[index]!)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#working = false
  }
}

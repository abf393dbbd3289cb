/** For each name lets a few in at a time and some more wait in turn, so that one that is slow does not fill the house. */
export class Bulkhead {
  readonly #rooms = new Map<string, { inside: number; readonly waiting: (() => void)[] }>()

  /**
   * @param places how many are inside at a time
   * @param queue how many wait beyond that
   */
  constructor(
    private readonly places: number,
    private readonly queue: number,
  ) {}

  /** Does the work in its turn; `undefined`, and at once, when there is no place to wait. */
  enter<T>(name: string, work: () => Promise<T>): Promise<T> | undefined {
    let room = this.#rooms.get(name)
    if (!room) this.#rooms.set(name, (room = { inside: 0, waiting: [] }))
    const { waiting } = room
    if (room.inside < this.places) {
      room.inside++
      return work().finally(() => this.#leave(name))
    }
    if (waiting.length >= this.queue) return undefined
    return new Promise<void>((resolve) => waiting.push(resolve)).then(work).finally(() => this.#leave(name))
  }

  /** Whether one more would not have to wait. */
  hasRoom(name: string): boolean {
    return (this.#rooms.get(name)?.inside ?? 0) < this.places
  }

  #leave(name: string): void {
    const room = this.#rooms.get(name)!
    const next = room.waiting.shift()
    // Whoever comes next has the place of the one that goes.
    if (next) next()
    else if (--room.inside === 0) this.#rooms.delete(name)
  }
}

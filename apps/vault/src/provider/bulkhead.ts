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

  /**
   * Waits for a place, in turn.
   * @param waitMs milliseconds
   * @returns how to leave, to be called once; `undefined` when there was no place in time, or not even one to wait
   */
  async enter(name: string, waitMs: number): Promise<(() => void) | undefined> {
    let room = this.#rooms.get(name)
    if (!room) this.#rooms.set(name, (room = { inside: 0, waiting: [] }))
    const leave = () => this.#leave(name)
    if (room.inside < this.places) {
      room.inside++
      return leave
    }
    const { waiting } = room
    if (waiting.length >= this.queue) return undefined
    return new Promise((resolve) => {
      const enter = () => {
        clearTimeout(timer)
        resolve(leave)
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(enter), 1)
        resolve(undefined)
      }, waitMs)
      waiting.push(enter)
    })
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

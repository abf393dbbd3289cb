import type { Duplex } from 'node:stream'

const SWEEP_MS = 5_000

interface OpenSocket {
  readonly socket: Duplex
  readonly contentGuid: string
  /** Absent for somebody who has not logged in. */
  readonly userGuid: string | undefined
  readonly mayStay: () => boolean
}

/** WebSockets live long, so whether their visitors may still be there is asked again at every change, and now and then. */
export class OpenSockets {
  readonly #open = new Set<OpenSocket>()
  #timer: NodeJS.Timeout | undefined

  add(open: OpenSocket): void {
    this.#open.add(open)
    open.socket.once('close', () => this.#open.delete(open))
    // Sessions run out without any change.
    this.#timer ??= setInterval(() => this.#review(() => true), SWEEP_MS).unref()
  }

  /** To be called with each person and content item that changed. */
  changed(guid: string): void {
    this.#review(({ contentGuid, userGuid }) => contentGuid === guid || userGuid === guid)
  }

  get size(): number {
    return this.#open.size
  }

  closeAll(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { socket } of this.#open) socket.destroy()
  }

  #review(concerned: (open: OpenSocket) => boolean): void {
    for (const open of this.#open) if (concerned(open) && !open.mayStay()) open.socket.destroy()
  }
}

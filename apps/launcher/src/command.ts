/** How a program is started: what `spawn` needs, and how it likes to be stopped. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The signal for an orderly stop; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals
  /** Runs before each start: removes what a killed predecessor left behind. */
  readonly prepare?: () => Promise<void>
}

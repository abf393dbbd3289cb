import { Logger, type OnApplicationBootstrap } from '@nestjs/common'

/** More lines about one matter would bury the rest of the log. */
const MOST_LINES = 20

/** Looks, at every start, whether what is stored fits the settings. */
export interface StartupCheck {
  /** One sentence for each thing that does not fit, with what to do; without secrets. */
  warnings(): Promise<readonly string[]>
}

/** Warns, once at the start, of what does not fit; never keeps the service from starting. */
export class StartupChecks implements OnApplicationBootstrap {
  constructor(
    private readonly checks: readonly StartupCheck[],
    private readonly logger: Pick<Logger, 'warn'> = new Logger(StartupChecks.name),
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const check of this.checks) {
      try {
        const warnings = await check.warnings()
        for (const warning of warnings.slice(0, MOST_LINES)) this.logger.warn(warning)
        const rest = warnings.length - MOST_LINES
        if (rest > 0) this.logger.warn(`… and ${rest} more of this kind.`)
      } catch (error) {
        this.logger.warn({ err: error }, 'what is stored could not be compared with the settings')
      }
    }
  }
}

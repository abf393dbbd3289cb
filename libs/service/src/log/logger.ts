import type { LoggerService } from '@nestjs/common'
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino'
import type { Logger as Pino } from 'pino'
import { currentRequest } from '../request-context.js'
import type { Deployment } from '../settings/deployment.js'
import { safeError } from './safe-error.js'
import { serializers } from './serializers.js'

export type { Pino }

/** Lines are written together when this much has gathered, or after the pause: a write a line is dear. */
const GATHERED_BYTES = 8_192
const PAUSE_MS = 200

/** What Nest tells about its own start, module by module and route by route. */
const CHATTY = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver'])

/** The injection token of the process's pino logger; in most places `new Logger(X.name)` of Nest is enough. */
export const PINO = Symbol('pino')

/** One JSON object a line, on standard output unless told otherwise. A `Secret` prints itself as `[secret]`. */
export function createPino(deployment: Deployment, to?: DestinationStream): Pino {
  return pino(
    {
      base: { service: deployment.service, instance: deployment.instance },
      messageKey: 'message',
      errorKey: 'err',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers,
      mixin: () => {
        const correlationId = currentRequest()?.correlationId
        return correlationId === undefined ? {} : { correlation_id: correlationId }
      },
    },
    to ?? destination({ fd: 1, sync: false, minLength: GATHERED_BYTES, periodicFlush: PAUSE_MS }),
  )
}

/** Nest's logger on pino: `new Logger('Where').warn({ guid }, 'what')` and `.error(error)` work as one expects. */
export class PinoLoggerService implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.#write(CHATTY.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest)
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest)
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest)
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest)
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest)
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('fatal', message, rest)
  }

  /** Nest appends the logger's own name; in front of it may stand a text, an error or its stack. */
  #write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    const last = rest.at(-1)
    const context = typeof last === 'string' ? last : undefined
    const fields: Record<string, unknown> = context === undefined ? {} : { context }
    let text: string | undefined
    for (const part of [message, ...rest.slice(0, context === undefined ? undefined : -1)]) {
      if (part instanceof Error) fields['err'] = part
      else if (typeof part === 'string' && /\n\s+at /.test(part)) fields['stack'] = part
      else if (typeof part === 'string') text = text === undefined ? part : `${text} ${part}`
      else if (typeof part === 'object' && part !== null) Object.assign(fields, withSafeErrors(part))
      else if (part !== undefined) text = [text, JSON.stringify(part)].filter((each) => each !== undefined).join(' ')
    }
    this.pino[level](fields, text)
  }
}

/** Errors under any name, not only under those that pino's serializers know. */
function withSafeErrors(part: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      value instanceof Error && name !== 'err' && name !== 'error' && name !== 'cause'
        ? safeError(value)
        : (value as unknown),
    ]),
  )
}

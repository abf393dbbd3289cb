const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

export interface LogLine {
  readonly level: string
  readonly message: string
  /** Of an answered request: one a request, and not for the terminal unless it went wrong. */
  readonly request: boolean
}

/** Reads a line of a child: JSON as our services and the demo write it, a line of PostgreSQL or NATS, or anything else that was printed. */
export function readLine(text: string): LogLine & { readonly json: boolean } {
  if (text.startsWith('{')) {
    try {
      const line = JSON.parse(text) as Record<string, unknown>
      return {
        level: levelNamed(line.level),
        message: messageOf(line),
        request: 'status' in line && 'path' in line,
        json: true,
      }
    } catch {
      // not JSON after all
    }
  }
  return { level: levelOf(text), message: text, request: false, json: false }
}

/** What the terminal shows of a line, or undefined; `quiet` leaves warnings and errors only. */
export function abridge(instance: string, line: LogLine, quiet: boolean): string | undefined {
  const serious = line.level === 'warn' || line.level === 'error' || line.level === 'fatal'
  if (!serious && (quiet || line.request || line.level !== 'info')) return undefined
  const [first = ''] = line.message.split('\n')
  return `${line.level.padEnd(5)} ${instance}: ${first.length > 300 ? `${first.slice(0, 300)}…` : first}`
}

/** The line for the log file, which holds JSON lines only. */
export function asJsonLine(
  instance: string,
  text: string,
  line: LogLine & { readonly json: boolean },
  now: Date,
): string {
  if (line.json) return text
  return JSON.stringify({ level: line.level, time: now.toISOString(), instance, message: text })
}

function levelNamed(level: unknown): string {
  if (typeof level === 'number') return LEVELS[level] ?? 'info'
  return typeof level === 'string' ? level : 'info'
}

function messageOf(line: Record<string, unknown>): string {
  const message = [line.message, line.msg].find((text) => typeof text === 'string') ?? ''
  const cause = ((line.err ?? line.error) as { message?: unknown } | undefined)?.message
  return typeof cause === 'string' && cause !== message ? [message, cause].filter(Boolean).join(': ') : message
}

/** Of PostgreSQL (`… UTC [12] FATAL:  …`) and NATS (`[12] … [ERR] …`). What they report of one client is for the file. */
function levelOf(text: string): string {
  if (/\] (PANIC|FATAL): /.test(text)) return /terminating|starting up|shutting down/.test(text) ? 'debug' : 'error'
  if (/\] (ERROR|WARNING|LOG|DETAIL|HINT|STATEMENT): /.test(text)) return 'debug'
  if (/ \[(ERR|FTL)\] /.test(text)) return 'error'
  if (/ \[(WRN|INF|DBG)\] /.test(text)) return 'debug'
  return 'info'
}

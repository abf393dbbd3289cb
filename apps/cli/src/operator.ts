import { randomUUID } from 'node:crypto'
import { INTERNAL_CALLS, type InternalCallName } from '#libs/contracts'
// Not through the library's index, which loads Nest: a command line should answer at once.
import { readPrivateFile } from '../../../libs/service/src/settings/private-file.js'
import { keysIn, ServiceKeys } from '../../../libs/service/src/trust/service-keys.js'
import { ServiceTokens } from '../../../libs/service/src/trust/service-tokens.js'
import { Failure } from './failure.js'
import type { Callee, System } from './system.js'

const TIMEOUT_MS = 60_000

/** The calls that are the operator's. */
export type OperatorCallName = {
  [Name in InternalCallName]: (typeof INTERNAL_CALLS)[Name]['caller'] extends 'operator' ? Name : never
}[InternalCallName]

/** As a sentence begins with them. */
const NAMES: Readonly<Record<Callee, string>> = { identity: 'Identity', vault: 'The vault' }

export interface OperatorCall {
  /** Values of the path's `:name` parts. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
}

/** Asks the running system to do something, as its operator. */
export interface Operator {
  /** @throws Failure with the refusal's words */
  call<Answer>(name: OperatorCallName, call?: OperatorCall): Promise<Answer>
}

/** Speaks to the internal listeners of identity and the vault with tokens of the operator's key. */
export class HttpOperator implements Operator {
  private constructor(
    private readonly system: System,
    private readonly tokens: ServiceTokens,
  ) {}

  /**
   * @param name who sits at the shell
   * @throws Failure when the key cannot be read
   */
  static async open(system: System, name: string): Promise<HttpOperator> {
    const { keyFile } = system
    try {
      const keys = await ServiceKeys.fromKeys('operator', keysIn(keyFile, readPrivateFile(keyFile)), [])
      return new HttpOperator(system, new ServiceTokens(keys, name))
    } catch (error) {
      const { message, cause } = error as Error
      const { code } = (cause ?? {}) as NodeJS.ErrnoException
      if (code === 'ENOENT') {
        throw new Failure(`There is no operator’s key at ${keyFile}: restart Keybearer, which makes one.`)
      }
      if (code === 'EACCES') {
        throw new Failure(
          `You may not read the operator’s key at ${keyFile}: use the account that Keybearer runs under.`,
        )
      }
      throw new Failure(`The operator’s key cannot be used. ${message}`)
    }
  }

  async call<Answer>(name: OperatorCallName, { params = {}, query = {}, body }: OperatorCall = {}): Promise<Answer> {
    const { method, path, callee } = INTERNAL_CALLS[name]
    const filled = path.replace(/:(\w+)/g, (_, part: string) => encodeURIComponent(params[part] ?? ''))
    const asked = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const search = asked.length > 0 ? `?${new URLSearchParams(asked).toString()}` : ''
    const headers = {
      authorization: `Bearer ${await this.tokens.mint(callee)}`,
      accept: 'application/json',
      // The same for all tries: what was carried out already is not done twice.
      ...(method !== 'GET' && { 'idempotency-key': randomUUID() }),
      ...(body && { 'content-type': 'application/json' }),
    }
    const response = await this.#send(callee, filled + search, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as Answer
    const code = response.headers.get('keybearer-error') ?? ''
    throw refusal(NAMES[callee], response.status, code, text, this.system.keyFile)
  }

  async #send(callee: Callee, path: string, request: RequestInit): Promise<Response> {
    const urls = this.system.urls[callee]
    if (urls.length === 0) throw new Failure(`Nobody says where ${NAMES[callee].toLowerCase()} is: restart Keybearer.`)
    let cause: unknown
    for (const url of urls) {
      try {
        return await fetch(url + path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) })
      } catch (error) {
        cause = error
      }
    }
    const late = cause instanceof Error && cause.name === 'TimeoutError'
    throw new Failure(
      `${NAMES[callee]} ${late ? 'takes too long to answer' : 'does not answer'} at ${urls.join(', ')}: ` +
        'is Keybearer running? Its log says more; this command can be repeated.',
    )
  }
}

function refusal(callee: string, status: number, code: string, text: string, keyFile: string): Failure {
  if (code === 'service.token_invalid') {
    return new Failure(
      `${callee} does not know the operator’s key ${keyFile}: it belongs to another installation, Keybearer has to be ` +
        'restarted, or the clocks of both machines differ.',
    )
  }
  const said = errorIn(text)
  if (said === undefined) return new Failure(`${callee} answered ${status} without a reason; its log says more.`)
  if (status === 503) return new Failure(`${said} Nothing is lost: repeat the command when all services run.`)
  if (status >= 500) return new Failure(`${said}: this is a fault of Keybearer; its log says more.`)
  return new Failure(said)
}

function errorIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    return typeof error === 'string' ? error : undefined
  } catch {
    return undefined
  }
}

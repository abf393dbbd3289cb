import type { ParseOptions } from './template.js'

/** One question of a form. `parse` answers the value to keep, or what is wrong as the end of "The config key x …". */
export interface Field {
  readonly required: boolean
  readonly default?: string | boolean
  readonly secret: boolean
  parse(given: unknown, options: ParseOptions): { value: string | boolean } | { fault: string }
}

interface Options {
  readonly required?: boolean
}

const field = (
  parse: Field['parse'],
  { required = false, secret = false, ...rest }: Options & { secret?: boolean; default?: string | boolean } = {},
): Field => ({ parse, required, secret, ...rest })

/** A line of text without control characters, at most 4096 characters. */
export const text = (options?: Options & { secret?: boolean }): Field =>
  field(
    (given) =>
      // eslint-disable-next-line no-control-regex -- control characters are just what is refused
      typeof given === 'string' && given.length <= 4096 && !/[\u0000-\u001f\u007f]/.test(given)
        ? { value: given }
        : { fault: 'must be a line of text of at most 4096 characters' },
    options,
  )

export const choice = (values: readonly [string, ...string[]], options?: Options & { default?: string }): Field =>
  field(
    (given) =>
      typeof given === 'string' && values.includes(given)
        ? { value: given }
        : { fault: `must be one of (${values.join(', ')})` },
    options,
  )

/** `true` or `false`, as JSON or as a word. */
export const flag = (options?: Options & { default?: boolean }): Field =>
  field((given) => {
    if (typeof given === 'boolean') return { value: given }
    return given === 'true' || given === 'false' ? { value: given === 'true' } : { fault: 'must be true or false' }
  }, options)

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** An https URL without credentials and fragment, at most 2048 characters; with `loopback`, http to this machine too. */
export const endpoint = (options?: Options): Field =>
  field((given, { loopback }) => {
    const fault = { fault: 'must be an https URL without credentials or fragment' }
    if (typeof given !== 'string' || given.length > 2048 || !URL.canParse(given)) return fault
    const url = new URL(given)
    if (url.username || url.password || url.hash) return fault
    if (url.protocol === 'https:') return { value: given }
    return loopback && url.protocol === 'http:' && LOOPBACK.test(url.hostname) ? { value: given } : fault
  }, options)

import { addressIn, mayBeProvider } from '#libs/contracts'
import type { ParseOptions } from './template.js'
import type { Visibility } from './visibility.js'

type Value = string | boolean
type Parsed = { readonly value: Value } | { readonly fault: string }

/** What a question looks like, beside what it accepts. */
export interface Asked {
  readonly label: string
  /** A sentence or more for the administrator who fills in the form. */
  readonly description: string
  /** Whether it has to be answered where it is asked. Default `false`. */
  readonly required?: boolean
  /** Default: always. An answer to what is not asked is taken all the same, unless it is a secret. */
  readonly visible?: Visibility
  /** Names that the field is mistaken for: whoever uses one is told the right one. */
  readonly wrongNames?: readonly string[]
}

/** One question of a form. `parse` answers the value to keep, or what is wrong as the end of "The config key x …". */
export interface Field extends Required<Asked> {
  readonly default?: Value
  readonly secret: boolean
  /** What can be chosen; absent for what is typed. */
  readonly choices?: readonly [Value, ...Value[]]
  /** A regular expression for the client's side; `''` if anything goes. The server asks `parse`. */
  readonly validation: string
  /** What a good value is: ends the sentence "It must be …". */
  readonly must: string
  parse(given: unknown, options: ParseOptions): Parsed
}

const field = (
  { required = false, visible = null, wrongNames = [], label, description }: Asked,
  rules: Pick<Field, 'parse'> & Partial<Pick<Field, 'default' | 'secret' | 'choices' | 'validation' | 'must'>>,
): Field => ({
  ...{ label, description, required, visible, wrongNames },
  ...{ secret: false, validation: '', must: 'a line of text of at most 4096 characters' },
  ...rules,
})

/** A line of text without control characters, at most 4096 characters. */
export function text({
  pattern,
  must = 'a line of text of at most 4096 characters',
  ...asked
}: Asked & {
  readonly secret?: boolean
  readonly default?: string
  /** A regular expression for the whole of it. */
  readonly pattern?: string
  /** What a good value is, after "must be". */
  readonly must?: string
}): Field {
  const good = new RegExp(pattern ?? '')
  return field(asked, {
    secret: asked.secret ?? false,
    ...(asked.default !== undefined && { default: asked.default }),
    validation: pattern ?? '',
    must,
    parse: (given) =>
      typeof given === 'string' && given.length <= 4096 && !/[\p{Cc}\p{Cs}]/u.test(given) && good.test(given)
        ? { value: given }
        : { fault: `must be ${must}` },
  })
}

export function choice(
  choices: readonly [string, ...string[]],
  asked: Asked & {
    readonly default?: string
    /** Added to the refusal of something else. */
    readonly otherwise?: string
  },
): Field {
  const must = `one of (${choices.join(', ')})`
  return field(asked, {
    choices,
    must,
    ...(asked.default !== undefined && { default: asked.default }),
    parse: (given) =>
      typeof given === 'string' && choices.includes(given)
        ? { value: given }
        : { fault: `must be ${must}${asked.otherwise ?? ''}` },
  })
}

/** `true` or `false`, as JSON or as a word. */
export const flag = (asked: Asked & { readonly default?: boolean }): Field =>
  field(asked, {
    choices: [true, false],
    must: 'true or false',
    ...(asked.default !== undefined && { default: asked.default }),
    parse: (given) => {
      if (typeof given === 'boolean') return { value: given }
      return given === 'true' || given === 'false' ? { value: given === 'true' } : { fault: 'must be true or false' }
    },
  })

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * An https URL without credentials and fragment, at most 2048 characters, at port 443 and at no address of an internal
 * network; with `loopback`, http to this machine too. What a name leads to is for whoever connects to say.
 * @param reserved query parameters that it must not have, since we send them
 * @param literal whether it is compared and never called, so that each letter of it counts; else it is kept as the URL
 * parser writes it
 */
export const endpoint = ({
  reserved = [],
  literal = false,
  ...asked
}: Asked & { readonly reserved?: readonly string[]; readonly literal?: boolean }): Field =>
  field(asked, {
    validation: '^https://[^\\s#]+$',
    must: 'an https URL without credentials or fragment',
    parse: (given, { loopback }) => {
      const fault = { fault: 'must be an https URL without credentials or fragment' }
      if (typeof given !== 'string' || given.length > 2048 || !URL.canParse(given)) return fault
      const url = new URL(given)
      if (url.username || url.password || url.href.includes('#')) return fault
      const ours = reserved.find((name) => url.searchParams.has(name))
      if (ours !== undefined) return { fault: `must not have the query parameter ${ours}, which is sent anyway` }
      const value = { value: literal ? given : url.href }
      const isHere = loopback && LOOPBACK.test(url.hostname)
      if (url.protocol !== 'https:') return isHere && url.protocol === 'http:' ? value : fault
      if (url.port !== '' && !loopback) return { fault: 'must be at port 443' }
      const address = addressIn(url)
      return address === undefined || mayBeProvider(url, address, { loopback })
        ? value
        : { fault: 'must not be at an address that is internal or of special use' }
    },
  })

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?'

/**
 * The name of a host, kept in small letters. `https://` before it and a slash behind it are forgiven, as they come along
 * when an address is copied; a port, a path or anything else is not. With `loopback`, this machine with a port too.
 * @param under domains of which it must be a part, so that a form cannot be talked into calling elsewhere; default: any
 */
export function host({ under, ...asked }: Asked & { readonly under?: readonly [string, ...string[]] }): Field {
  const domains = under?.map((domain) => `(?:${LABEL}\\.)*${domain.replaceAll('.', '\\.')}`)
  const name = domains?.join('|') ?? `(?:${LABEL}\\.)+[A-Za-z]{2,63}`
  const must = under ? `the name of a host under ${orList(under)}` : 'the name of a host'
  const pattern = `^(?:https://)?(?:${name})/?$`
  const good = new RegExp(pattern, 'i')
  return field(asked, {
    validation: pattern,
    must,
    parse: (given, { loopback }) => {
      if (typeof given !== 'string' || given.length > 253) return { fault: `must be ${must}` }
      const bare = given.replace(/^https?:\/\//i, '').replace(/\/$/, '')
      if (good.test(given) && isHost(bare)) return { value: bare.toLowerCase() }
      return loopback && isLocal(bare) ? { value: new URL(`http://${bare}`).host } : { fault: `must be ${must}` }
    },
  })
}

const isHost = (bare: string): boolean =>
  URL.canParse(`https://${bare}`) && new URL(`https://${bare}`).host === bare.toLowerCase()

/** Whether it is a host of this machine, with or without a port. */
export function isLocal(bare: string): boolean {
  if (!/^[\w.:[\]]+$/.test(bare) || !URL.canParse(`http://${bare}`)) return false
  const url = new URL(`http://${bare}`)
  return LOOPBACK.test(url.hostname) && url.host === bare.toLowerCase()
}

export const orList = (words: readonly string[]): string =>
  words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

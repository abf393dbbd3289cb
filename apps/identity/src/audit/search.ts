import {
  AUDIT_ACTIONS,
  DomainError,
  isGuid,
  type AuditAction,
  type AuditCondition,
  type AuditQuestion,
} from '#libs/contracts'

const FILTERS = ['action', 'user_guid', 'user_id', 'from', 'to'] as const
type Filter = (typeof FILTERS)[number]

interface Term {
  readonly not: boolean
  /** `undefined`: a word. */
  readonly filter: Filter | undefined
  readonly value: string
}

/** Who can tell guids for what people write. */
export interface People {
  /** @throws DomainError when they are too many */
  named(word: string): Promise<readonly string[]>
  ofId(id: string): Promise<string | undefined>
}

export type AuditSearch = Pick<AuditQuestion, 'conditions' | 'since' | 'before'>

const MOST_TERMS = 20
const TERM = /(-?)(?:(\w+):)?("[^"]*"|\S+)/g
const TIME = /^[12]\d{3}-\d\d-\d\d(?:(?:T\d\d:\d\d:\d\d)(\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))?$/i
const DAY_MS = 86_400_000

/**
 * What `q` means: words, and filters `action:`, `user_guid:`, `user_id:`, `from:`, `to:`; a `-` before either means that
 * it must not be so. The same filter again means either; everything else must hold together.
 * @throws DomainError `audit.filter_invalid`
 */
export async function searchOf(q: string, people: People): Promise<AuditSearch> {
  const terms = termsOf(q)
  const conditions: AuditCondition[] = []
  for (const not of [false, true]) {
    const of = (filter: Filter | undefined) =>
      terms.filter((term) => term.not === not && term.filter === filter).map(({ value }) => value)
    const negated = not ? { not } : {}
    const actions = of('action').map(actionOf)
    if (actions.length > 0) conditions.push({ ...negated, actions })
    const [guids, ids] = [of('user_guid').map(guidOf), of('user_id').map(idOf)]
    if (guids.length + ids.length > 0) {
      const known = await Promise.all(ids.filter((id) => id !== '0').map((id) => people.ofId(id)))
      const system = ids.includes('0') ? { system: true } : {}
      conditions.push({ ...negated, ...system, people: [...guids, ...known.filter((guid) => guid !== undefined)] })
    }
    for (const word of of(undefined)) conditions.push({ ...negated, ...(await wordCondition(word, people)) })
  }
  return { ...(conditions.length > 0 && { conditions }), ...timesOf(terms) }
}

function termsOf(q: string): Term[] {
  const terms: Term[] = []
  for (const [, minus, filter, quoted] of q.matchAll(TERM)) {
    const value = quoted!.replace(/^"(.*)"$/, '$1').trim()
    if (filter !== undefined && !isFilter(filter)) {
      throw invalid(`There is no filter ${filter}; there are ${FILTERS.join(', ')}. Put a word with a colon in quotes.`)
    }
    // Punctuation alone is not a word.
    if (filter !== undefined || wordsOf(value).length > 0) terms.push({ not: minus === '-', filter, value })
  }
  if (terms.length > MOST_TERMS) throw invalid(`A search has at most ${MOST_TERMS} words and filters.`)
  return terms
}

const isFilter = (name: string): name is Filter => (FILTERS as readonly string[]).includes(name)

const WORD = /[\p{L}\p{N}_-]+/gu
// Not one pattern with the other: a row of hyphens would be read again from each of them.
const wordsOf = (text: string): string[] =>
  (text.toLowerCase().match(WORD) ?? []).filter((word) => /[\p{L}\p{N}]/u.test(word))

/** Of each action the words that find it: its name, the name's parts and those of its description. */
const WORDS_OF_ACTIONS = (Object.entries(AUDIT_ACTIONS) as [AuditAction, string][]).map(
  ([action, description]) => [action, new Set([action, ...action.split('_'), ...wordsOf(description)])] as const,
)

async function wordCondition(word: string, people: People): Promise<AuditCondition> {
  const words = wordsOf(word)
  const actions = WORDS_OF_ACTIONS.filter(([, known]) => words.every((each) => known.has(each))).map(([name]) => name)
  const guid = word.toLowerCase()
  const guids = isGuid(guid) ? [guid] : await people.named(word)
  return { actions, people: guids, things: guids, words: words.join(' ') }
}

function actionOf(value: string): AuditAction {
  if (Object.hasOwn(AUDIT_ACTIONS, value)) return value as AuditAction
  throw invalid('The filter action must name an action; /v1/audit/actions lists them.')
}

function guidOf(value: string): string {
  const guid = value.toLowerCase()
  if (isGuid(guid)) return guid
  throw invalid('The filter user_guid must be a GUID.')
}

function idOf(value: string): string {
  if (/^\d{1,18}$/.test(value)) return BigInt(value).toString()
  throw invalid('The filter user_id must be a number.')
}

/** `from` and `to` include what they name: a day, a second, or a fraction of one. */
function timesOf(terms: readonly Term[]): Pick<AuditSearch, 'since' | 'before'> {
  const since: string[] = []
  const before: string[] = []
  for (const { not, filter, value } of terms) {
    if (filter !== 'from' && filter !== 'to') continue
    const [, fraction] = TIME.exec(value) ?? []
    const begin = TIME.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(begin)) throw invalid(`The filter ${filter} must be a day or an RFC 3339 time.`)
    const end = begin + (value.length === 10 ? DAY_MS : fraction ? 1 : 1000)
    const bounds = (filter === 'from') !== not ? since : before
    bounds.push(new Date(filter === 'from' ? begin : end).toISOString().replace('Z', '000Z'))
  }
  return {
    ...(since.length > 0 && { since: since.sort().at(-1)! }),
    ...(before.length > 0 && { before: before.sort()[0]! }),
  }
}

const invalid = (message: string): DomainError => new DomainError('invalid', 'audit.filter_invalid', message)

import { DomainError } from '#libs/contracts'
import { APP_MODES } from '../content/app-mode.js'

/** What content has to have, or must not have. */
export type SearchTerm = { readonly not: boolean } & (
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'owner' | 'tag' | 'type'; readonly value: string }
  | { readonly kind: 'locked' | 'unlocked' }
)

const MOST_TERMS = 32
/** A filter or a word, each also in quotation marks. */
const TERM = /(-?)(?:(owner|tag|type|is):)?(?:"([^"]*)"|(\S+))/gi
/** As the index of words has it. */
const BETWEEN_WORDS = /[\s!-/:-@[-`{-~]+/

/**
 * `sales owner:priya tag:"north west" type:shiny is:locked -draft`: all of them hold.
 * @throws DomainError `request.parameter_invalid`
 */
export function searchTermsOf(text: string): SearchTerm[] {
  const terms: SearchTerm[] = []
  for (const [, dash, filter, quoted, bare] of text.matchAll(TERM)) {
    const not = dash === '-'
    const value = quoted ?? bare ?? ''
    if (filter !== undefined && value !== '') terms.push(filterOf(filter.toLowerCase(), value, not))
    else {
      for (const word of value.split(BETWEEN_WORDS)) if (word !== '') terms.push({ not, kind: 'word', word })
    }
  }
  if (terms.length > MOST_TERMS) throw invalid(`The search may have at most ${MOST_TERMS} words and filters.`)
  return terms
}

function filterOf(filter: string, value: string, not: boolean): SearchTerm {
  switch (filter) {
    case 'is':
      if (value === 'locked' || value === 'unlocked') return { not, kind: value }
      throw invalid('The filter is: knows locked and unlocked.')
    case 'type':
      if ((APP_MODES as string[]).includes(value)) return { not, kind: 'type', value }
      throw invalid('The filter type: wants an app_mode that is known.')
    default:
      return { not, kind: filter as 'owner' | 'tag', value }
  }
}

const invalid = (message: string): DomainError => new DomainError('invalid', 'request.parameter_invalid', message)

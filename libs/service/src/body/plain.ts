/** Levels of arrays and objects in a JSON document. */
const MOST_LEVELS = 64

/** Whether PostgreSQL can store it and UTF-8 can say it: no NUL, no half of a surrogate pair. */
export const isPlainText = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** Names that mean something to every object of JavaScript, and to what copies objects member by member. */
const INHERITED = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Whether a parsed JSON value, names included, is plain text, at most 64 levels deep, and without names that reach for
 * the prototype. Does not recurse.
 */
export function isPlainJson(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const each of level) {
      if (typeof each === 'string') {
        if (!isPlainText(each)) return false
      } else if (typeof each === 'object' && each !== null) {
        if (depth === MOST_LEVELS) return false
        for (const [name, member] of Object.entries(each)) {
          if (!isPlainText(name) || INHERITED.has(name)) return false
          next.push(member)
        }
      }
    }
    level = next
  }
  return true
}

/** What matters of a document that is known to be JSON: where an object or array begins and ends, and texts. */
const TOKEN = /[{}[\]]|("(?:[^"\\]|\\.)*")(\s*:)?/g

/**
 * The first name that a JSON object has more than once, at any level; `undefined` when there is none. `JSON.parse` and
 * PostgreSQL silently keep the last, others the first: whoever looked at the document may have seen another one.
 * @param json must be valid
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-4
 */
export function repeatedName(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  for (const [token, text, isName] of json.matchAll(TOKEN)) {
    if (isName !== undefined) {
      const names = open.at(-1)!
      const name = JSON.parse(text!) as string
      if (names.has(name)) return name
      names.add(name)
    } else if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (text === undefined) open.pop()
  }
  return undefined
}

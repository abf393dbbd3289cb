/** The value of a cookie as it was sent; the first, where a name comes twice. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of pairsOf(header)) if (nameOf(pair) === name) return pair.slice(pair.indexOf('=') + 1).trim()
  return undefined
}

/** The `Cookie` header without some cookies; `undefined` when nothing is left. */
export function withoutCookies(header: string | undefined, isOurs: (name: string) => boolean): string | undefined {
  const left = pairsOf(header).filter((pair) => !isOurs(nameOf(pair)))
  return left.length > 0 ? left.join('; ') : undefined
}

const pairsOf = (header: string | undefined): string[] =>
  header === undefined
    ? []
    : header
        .split(';')
        .map((pair) => pair.trim())
        .filter(Boolean)

const nameOf = (pair: string): string => {
  const at = pair.indexOf('=')
  return (at < 0 ? pair : pair.slice(0, at)).trim()
}

/** One `Name = value` line. */
export interface GcfgEntry {
  readonly section: string
  /** The name in quotes of a header such as `[RPackageRepository "CRAN"]`; empty without one. */
  readonly subsection: string
  readonly name: string
  readonly value: string
  /** Counted from 1. */
  readonly line: number
}

/** What is wrong with a settings file; never holds a value of it. */
export interface SettingsFault {
  /** Counted from 1; absent for what is missing from the whole file. */
  readonly line?: number
  /** The environment variable that holds it, when it is not in the file. */
  readonly variable?: string
  /** As the file writes it, or as we do when it is missing there. */
  readonly section?: string
  readonly setting?: string
  readonly problem: string
}

export interface Gcfg {
  readonly entries: readonly GcfgEntry[]
  /** Headers as they stand in the file: a section may be there without a line. */
  readonly headers: readonly { readonly section: string; readonly subsection: string; readonly line: number }[]
  readonly faults: readonly SettingsFault[]
}

const HEADER = /^\[\s*([A-Za-z][A-Za-z0-9-]*)(?:\s+"((?:[^"\\]|\\["\\])*)")?\s*\]\s*(?:[;#].*)?$/
const ENTRY = /^([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/
const NAME = /^([A-Za-z][A-Za-z0-9-]*)/
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t' }

/**
 * Reads a file in the format of Git's configuration as Posit Connect writes it: `[Section]` and `Name = value`, values
 * bare or in double quotes, comments after `;` or `#`. A comment behind a bare value needs white space before it, so
 * that a secret with `#` in it is not cut short.
 * @see https://git-scm.com/docs/git-config#_syntax
 */
export function parseGcfg(text: string): Gcfg {
  const entries: GcfgEntry[] = []
  const headers: { section: string; subsection: string; line: number }[] = []
  const faults: SettingsFault[] = []
  let current: { section: string; subsection: string } | undefined

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = index + 1
    const content = raw.trim()
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue

    if (content.startsWith('[')) {
      const header = HEADER.exec(content)
      current = header ? { section: header[1]!, subsection: unescapeName(header[2] ?? '') } : undefined
      if (current) headers.push({ ...current, line })
      else faults.push({ line, problem: 'is not a section header of the form [Name] or [Name "name"]' })
      continue
    }

    const entry = ENTRY.exec(content)
    const name = NAME.exec(content)?.[1]
    if (!entry) {
      const place = { line, ...(current && { section: current.section }), ...(name && { setting: name }) }
      faults.push({ ...place, problem: 'is not of the form Name = value' })
      continue
    }
    if (!current) {
      // After a broken header the fault is there already.
      if (headers.length === 0 && faults.length === 0) {
        faults.push({ line, setting: entry[1]!, problem: 'stands before the first section' })
      }
      continue
    }
    const value = unquote(entry[2]!)
    if ('problem' in value) {
      faults.push({ line, section: current.section, setting: entry[1]!, problem: value.problem })
    } else {
      entries.push({ ...current, name: entry[1]!, value: value.text, line })
    }
  }
  return { entries, headers, faults }
}

const unescapeName = (name: string): string => name.replace(/\\(["\\])/g, '$1')

/** Resolves quotes, escapes and a trailing comment. */
function unquote(text: string): { text: string } | { problem: string } {
  if (text === '' || text.startsWith(';') || text.startsWith('#')) {
    return { problem: 'has no value; an empty one is written ""' }
  }
  let result = ''
  let quoted = false
  let kept = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '"') {
      quoted = !quoted
      kept = result.length
    } else if (character === '\\') {
      const meant = ESCAPES[text[++at] ?? '']
      if (meant === undefined) return { problem: 'has a backslash that is not part of \\" \\\\ \\n or \\t' }
      result += meant
      kept = result.length
    } else if (!quoted && (character === ';' || character === '#') && /[\s"]/.test(text[at - 1] ?? '')) {
      break
    } else {
      result += character
      if (quoted || !/\s/.test(character)) kept = result.length
    }
  }
  return quoted ? { problem: 'has a quote that is not closed' } : { text: result.slice(0, kept) }
}

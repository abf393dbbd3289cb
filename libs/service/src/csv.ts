/**
 * A text as one cell of a table. A leading sign that a spreadsheet would take for a formula is kept from it by an
 * apostrophe.
 * @see https://datatracker.ietf.org/doc/html/rfc4180#section-2
 */
export function csvCell(text: string): string {
  const tame = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame
}

import type { UserView } from './user.dto.js'

const COLUMNS = [
  'guid',
  'username',
  'first_name',
  'last_name',
  'email',
  'user_role',
  'created_time',
  'updated_time',
  'active_time',
  'confirmed',
  'locked',
  'external_id',
] as const satisfies readonly (keyof UserView)[]

/** Whether a client asks for a table rather than for JSON. */
export const wantsCsv = (accept: string | undefined): boolean => /(?:^|,)\s*text\/csv\b/i.test(accept ?? '')

/** People as a table with a heading. @see https://datatracker.ietf.org/doc/html/rfc4180 */
export const usersCsv = (users: readonly UserView[]): string =>
  [COLUMNS, ...users.map((user) => COLUMNS.map((column) => cell(user[column])))]
    .map((row) => `${row.join(',')}\r\n`)
    .join('')

function cell(value: string | boolean | null | undefined): string {
  const text = String(value ?? '')
  // A spreadsheet would take it for a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

import { csvCell } from '#libs/service'
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
  [COLUMNS, ...users.map((user) => COLUMNS.map((column) => csvCell(String(user[column] ?? ''))))]
    .map((row) => `${row.join(',')}\r\n`)
    .join('')

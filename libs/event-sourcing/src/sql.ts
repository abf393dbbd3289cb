import { createHash } from 'node:crypto'
import type { QueryResult, QueryResultRow } from 'pg'

/** The part of a pg client that statements need. */
export interface SqlClient {
  query<Row extends QueryResultRow>(statement: Statement): Promise<QueryResult<Row>>
}

/** One parameterised statement, prepared under a name that its text gives. */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

const names = new Map<string, string>()

function nameOf(text: string): string {
  let name = names.get(text)
  if (!name) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 24)
    names.set(text, name)
  }
  return name
}

/** A statement whose interpolations become parameters: a value can never become SQL. */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Statement {
  const text = strings.reduce((text, part, index) => `${text}$${index}${part}`)
  return { name: nameOf(text), text, values }
}

export type Sql = typeof sql

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

/** By the one object that JavaScript makes of each template in the source. */
const prepared = new WeakMap<TemplateStringsArray, Omit<Statement, 'values'>>()

function prepare(strings: TemplateStringsArray): Omit<Statement, 'values'> {
  const text = strings.reduce((text, part, index) => `${text}$${index}${part}`)
  const statement = { name: createHash('sha256').update(text).digest('base64url').slice(0, 24), text }
  prepared.set(strings, statement)
  return statement
}

/** A statement whose interpolations become parameters: a value can never become SQL. */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Statement {
  const { name, text } = prepared.get(strings) ?? prepare(strings)
  return { name, text, values }
}

export type Sql = typeof sql

import type { Pool } from 'pg'
import {
  AUDIT_ACTIONS,
  MOST_COUNTED,
  type Actor,
  type AuditAction,
  type AuditAnswer,
  type AuditCondition,
  type AuditEntry,
  type AuditPlace,
  type AuditQuestion,
  type AuditSource,
} from '#libs/contracts'
import type { DomainEvent } from './decider.js'

/** How the audit log tells one type of event: by its action alone, or with members of its data besides. */
export type Audited<Data = Record<string, unknown>> = AuditAction | readonly [AuditAction, ...(keyof Data & string)[]]

/** How the audit log tells the events of one kind of stream. An event type that is missing does not compile. */
export type AuditTable<Event extends DomainEvent> = {
  readonly [Type in Event['type']]: Audited<Extract<Event, { type: Type }>['data']>
}

/** One table of a service's log. */
export interface AuditedLog {
  readonly source: AuditSource
  /** Absent: the events of the service's things. */
  readonly table?: AuditedTable
  /** By the category of the stream. */
  readonly actions: Readonly<Record<string, Readonly<Record<string, Audited>>>>
}

/**
 * A table of a service's own, with the columns of `event`; its streams are those of writers, and nothing in it is found
 * by words. What conditions ask for is SQL, as the table's indexes know it.
 */
export interface AuditedTable {
  readonly name: string
  /** The guid of who did it. */
  readonly person: string
  /** Whether it was done to one of these. @param guids SQL of a list of texts */
  things(guids: string): string
}

/** Where the events keep what conditions ask for, as the indexes of `AUDIT_SCHEMA_SQL` know it. */
const EVENT = {
  name: 'event',
  person: 'log.person_of(stream_id, type, meta)',
  things: (guids: string, streams: string) => `(stream_id = any(${streams}) or log.words_of(data) && ${guids})`,
  words: (words: string) => `log.words_of(data) @> log.words_of(${words})`,
} as const

/** The most values of a list that a description shows. */
const MOST_SHOWN = 10
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`
/** Beyond every position. */
const END = '9223372036854775807'

interface Row {
  position: string
  at: string
  stream_id: string
  type: string
  data: string
  meta: string
  person: string | null
}

/** What a service says of its own log: by time, without ever having to say later that something came before. */
export class AuditReader {
  readonly #logs: readonly AuditedLog[]

  constructor(
    private readonly pool: Pool,
    logs: readonly AuditedLog[],
  ) {
    for (const { actions } of logs) mustBeUnambiguous(Object.values(actions))
    this.#logs = logs
  }

  async answer(question: AuditQuestion): Promise<AuditAnswer> {
    const until = question.until ?? (await this.#completeUntil())
    const [entries, totals] = await Promise.all([
      Promise.all(this.#logs.map((log) => this.#entries(log, question, until))),
      Promise.all(question.count ? this.#logs.map((log) => this.#count(log, question, until)) : []),
    ])
    return {
      complete_until: until,
      entries: entries.flat(),
      ...(question.count && { total: totals.reduce((sum, each) => Math.min(sum + each, MOST_COUNTED), 0) }),
    }
  }

  /**
   * An append takes its transaction's number before it asks for the time, so nothing can come before the beginning of
   * the oldest transaction that has one. What has ended when this is asked is seen by any later statement.
   */
  async #completeUntil(): Promise<string> {
    const { rows } = await this.pool.query<{ until: string }>(`
      select to_char(least(statement_timestamp(), (
        select min(xact_start) from pg_stat_activity where datname = current_database() and backend_xid is not null
      )) at time zone 'UTC', ${TIME}) as until`)
    return rows[0]!.until
  }

  async #entries(log: AuditedLog, question: AuditQuestion, until: string): Promise<AuditEntry[]> {
    const where = conditionsOf(log, question, until)
    if (!where) return []
    const { name, person } = log.table ?? EVENT
    const [sign, order] = question.order === 'ascending' ? ['>', 'asc'] : ['<', 'desc']
    if (question.after) {
      const { at, position } = keyOf(question.after, log.source)
      where.add(`(recorded_at, position) ${sign} (${where.value(at)}::timestamptz, ${where.value(position)}::bigint)`)
    }
    const { rows } = await this.pool.query<Row>(
      `select position, to_char(recorded_at at time zone 'UTC', ${TIME}) as at, stream_id, type, data, meta,
         ${person} as person
       from ${name} where ${where.text}
       order by recorded_at ${order}, position ${order} limit ${where.value(question.limit)}`,
      where.values,
    )
    return rows.map((row) => entryOf(log, row))
  }

  async #count(log: AuditedLog, question: AuditQuestion, until: string): Promise<number> {
    const where = conditionsOf(log, question, until)
    if (!where) return 0
    const { rows } = await this.pool.query<{ count: number }>(
      `select count(*)::int as count
       from (select from ${(log.table ?? EVENT).name} where ${where.text} limit ${where.value(MOST_COUNTED)}) as found`,
      where.values,
    )
    return rows[0]!.count
  }
}

/** The place as a key of one source: the sources before and after it in the order stand wholly on one of its sides. */
function keyOf({ at, source, position }: AuditPlace, own: AuditSource): { at: string; position: string } {
  return { at, position: own === source ? position : own < source ? END : '-1' }
}

class Where {
  readonly values: unknown[] = []
  readonly #parts: string[] = []

  get text(): string {
    return this.#parts.join(' and ')
  }

  value(value: unknown): string {
    return `$${this.values.push(value)}`
  }

  add(part: string): void {
    this.#parts.push(part)
  }
}

/** `undefined` when nothing can fit. */
function conditionsOf(log: AuditedLog, question: AuditQuestion, until: string): Where | undefined {
  const where = new Where()
  const before = question.before !== undefined && question.before < until ? question.before : until
  where.add(`recorded_at < ${where.value(before)}::timestamptz`)
  if (question.since !== undefined) where.add(`recorded_at >= ${where.value(question.since)}::timestamptz`)
  for (const condition of question.conditions ?? []) {
    const any = anyOf(log, condition, where)
    // No index serves `is true`.
    if (any.length > 0) where.add(`(${any.join(' or ')})${condition.not ? ' is not true' : ''}`)
    else if (!condition.not) return undefined
  }
  return where
}

function anyOf(
  { table, actions }: AuditedLog,
  { actions: wanted = [], people = [], things = [], system, words }: AuditCondition,
  where: Where,
): string[] {
  const { person } = table ?? EVENT
  const any: string[] = []
  const types = Object.values(actions).flatMap((ofCategory) =>
    Object.entries(ofCategory).flatMap(([type, audited]) => (wanted.includes(actionOf(audited)) ? [type] : [])),
  )
  if (types.length > 0) any.push(`type = any(${where.value(types)}::text[])`)
  if (people.length > 0) any.push(`${person} = any(${where.value(people)}::text[])`)
  if (system) any.push(`${person} is null`)
  if (things.length > 0) {
    const guids = `${where.value(things)}::text[]`
    const streams = Object.keys(actions).flatMap((category) => things.map((guid) => `${category}-${guid}`))
    any.push(table ? table.things(guids) : EVENT.things(guids, `${where.value(streams)}::text[]`))
  }
  if (words !== undefined && !table) any.push(EVENT.words(`${where.value(words)}::text`))
  return any
}

const actionOf = (audited: Audited): AuditAction => (typeof audited === 'string' ? audited : audited[0])

/** Conditions ask for types alone, so the same type must not mean two actions. */
function mustBeUnambiguous(tables: readonly Readonly<Record<string, Audited>>[]): void {
  const known = new Map<string, AuditAction>()
  for (const [type, audited] of tables.flatMap((table) => Object.entries(table))) {
    const action = actionOf(audited)
    if ((known.get(type) ?? action) !== action) throw new Error(`${type} means two actions`)
    known.set(type, action)
  }
}

function entryOf({ source, table, actions }: AuditedLog, row: Row): AuditEntry {
  const dash = row.stream_id.indexOf('-')
  const [category, id] = [row.stream_id.slice(0, dash), row.stream_id.slice(dash + 1)]
  // During a rollout a newer process of the same service may have written what this one does not know.
  const audited = actions[category]?.[row.type] ?? 'unknown_event'
  const action = actionOf(audited)
  const data = JSON.parse(row.data) as Readonly<Record<string, unknown>>
  const details = [
    ...(table ? [] : [[`${category}_guid`, id] as const]),
    ...(typeof audited === 'string' ? [] : audited.slice(1).map((name) => [snake(name), data[name]] as const)),
  ]
  const shown = details.flatMap(([name, value]) => (isEmpty(value) ? [] : [`${name}=${text(value)}`]))
  return {
    source,
    position: row.position,
    at: row.at,
    action,
    user_guid: row.person,
    process: row.person === null ? processOf((JSON.parse(row.meta) as { actor: Actor }).actor) : null,
    event_description: [AUDIT_ACTIONS[action], ...(shown.length > 0 ? [shown.join(', ')] : [])].join(': '),
  }
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)

function text(value: unknown): string {
  if (!Array.isArray(value))
    return typeof value === 'string' && /^[\w.:-]+$/.test(value) ? value : JSON.stringify(value)
  const shown = value.slice(0, MOST_SHOWN).map(text).join(' ')
  return value.length > MOST_SHOWN ? `${shown} and ${value.length - MOST_SHOWN} more` : shown
}

function processOf(actor: Actor): string {
  switch (actor.type) {
    case 'operator':
      return `Operator ${actor.name}`
    case 'service':
      return `Service ${actor.name}`
    case 'bootstrap':
      return 'Bootstrap'
    case 'provider':
      return 'Login provider'
    case 'link':
      return 'Visitor by share link'
    default:
      return 'System'
  }
}

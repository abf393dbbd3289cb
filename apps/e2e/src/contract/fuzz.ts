import fc from 'fast-check'
import { ACTS, type Act } from './acts.js'
import type { ApiRequest } from './api.js'
import type { Cast, Column } from './cast.js'
import { type Operation, type Parameter, resolved, type Schema } from './document.js'

/** What one operation has answered to everything that it was sent. */
export interface Fuzzed {
  readonly name: string
  readonly cases: number
  /** How many answers of each status. */
  readonly statuses: ReadonlyMap<number, number>
  /** What broke, made as small as it could be, with what repeats it; absent when nothing did. */
  readonly fault?: string
}

/** One request, in which places are kept for things that are there. */
interface Case {
  readonly caller: Column
  readonly act: number
  /** `undefined`: that of the act. */
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly body: Body
  readonly headers: Readonly<Record<string, string>>
}

type Body =
  | { readonly kind: 'none' | 'act' }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'mutated'; readonly at: number; readonly value: unknown }
  | { readonly kind: 'raw'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'form'; readonly members: readonly (readonly [string, string])[] }

/** How many real things an operation has at a time, and after how many requests it gets new ones. */
const THINGS = 3
const RENEWED_AFTER = { DELETE: 50, others: 500 }

/** Stacks, places in our files, and words of the database: what no refusal tells, which quotes nothing of a request. */
const INNARDS = /\s+at .+:\d+:\d+|node_modules|\.[jt]s:\d+|SQLSTATE|syntax error|violates|relation "|PostgreSQL|ECONN/i

/**
 * Sends requests made from the operation's schema: right ones, wrong ones, and texts that have broken others.
 * A fault is an answer of 500 or more, none at all, or one that breaks the conventions of the API.
 */
export async function fuzz(
  cast: Cast,
  operation: Operation,
  { cases, seed }: { cases: number; seed: number },
): Promise<Fuzzed> {
  const { name, method } = operation
  const statuses = new Map<number, number>()
  const acting = ACTS[name]
  if (!acting) throw new Error(`no act for ${name}`)
  const renewedAfter = method === 'DELETE' ? RENEWED_AFTER.DELETE : RENEWED_AFTER.others
  let acts: Act[] = []
  let sent = 0
  const property = fc.asyncProperty(caseOf(operation), async (made) => {
    if (acts.length === 0 || sent % renewedAfter === 0) {
      acts = await Promise.all(Array.from({ length: THINGS }, async () => acting(cast)))
    }
    sent++
    const { status, text } = await cast.api.call(requestOf(cast, operation, made, acts[made.act]!))
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status >= 500 || (status >= 400 && INNARDS.test(text))) throw new Error(`${status}: ${text.slice(0, 300)}`)
  })
  const { failed, counterexample, errorInstance } = await fc.check(property, {
    numRuns: cases,
    seed,
    endOnFailure: false,
  })
  const fault = failed && `seed ${seed}: ${JSON.stringify(counterexample)?.slice(0, 2_000)} → ${String(errorInstance)}`
  return { name, cases: sent, statuses, ...(fault !== false && { fault }) }
}

/** Things to read come before things that change: what those make is not what these have to list. */
export const inOrder = (operations: readonly Operation[]): Operation[] =>
  [...operations].sort((one, other) => weight(one) - weight(other))

const weight = ({ method, path }: Operation): number => (method === 'GET' ? 0 : 2) + (path.includes('{') ? 1 : 0)

function requestOf(cast: Cast, { method, path, parameters }: Operation, made: Case, act: Act): ApiRequest {
  const [actPath = '', actQuery] = act.path.split('?')
  const known = valuesIn(path, actPath)
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const given = made.params[name]
    return given === undefined ? (known[name] ?? 'x') : encoded(given)
  })
  const queries = Object.entries(made.query).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encoded(name)}=${encoded(one)}`),
  )
  const query = queries.length > 0 || parameters.every((each) => each.in !== 'query') ? queries.join('&') : actQuery
  const body = bodyOf(made.body, act)
  return {
    method,
    path: query ? `${filled}?${query}` : filled,
    key: cast.keys[made.caller],
    ...(body !== undefined && method !== 'GET' && { body }),
    headers: { ...(made.body.kind === 'form' ? FORM : act.headers), ...made.headers },
  }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

function bodyOf(body: Body, act: Act): unknown {
  switch (body.kind) {
    case 'none':
      return undefined
    case 'act':
      return act.body
    case 'json':
      return JSON.stringify(body.value) ?? 'null'
    case 'mutated':
      return JSON.stringify(mutated(act.body, body.at, body.value))
    case 'raw':
      return body.text
    case 'bytes':
      return Buffer.from(body.bytes)
    case 'form':
      return body.members.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')
  }
}

/** A right body of which one member, however deep, is another. */
function mutated(body: unknown, at: number, value: unknown): unknown {
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return value
  const names = Object.keys(body)
  if (names.length === 0) return { ...body, [String(at)]: value }
  const name = names[at % names.length]!
  const inner = (body as Record<string, unknown>)[name]
  const deeper = typeof inner === 'object' && inner !== null && at % 2 === 1
  const changed = { ...body, [name]: deeper ? mutated(inner, at >> 1, value) : value } as Record<string, unknown>
  return Array.isArray(body) ? Object.values(changed) : changed
}

/** What stands in the places of a path's parameters. */
function valuesIn(template: string, path: string): Record<string, string> {
  const values = path.split('/')
  return Object.fromEntries(
    template
      .split('/')
      .flatMap((part, index) => (part.startsWith('{') ? [[part.slice(1, -1), values[index] ?? '']] : [])),
  )
}

/** Lone surrogates cannot be encoded; bytes that are no UTF-8 can be sent. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return '%ED%A0%80'
  }
}

const CALLERS: fc.Arbitrary<Column> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Column>('administrator') },
  { weight: 6, arbitrary: fc.constant<Column>('owner') },
  { weight: 2, arbitrary: fc.constant<Column>('collaborator') },
  { weight: 1, arbitrary: fc.constantFrom<Column>('publisher', 'reader', 'viewer', 'viewer-key', 'anonymous') },
)

/** Texts that have broken servers. */
const HOSTILE = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202eabc',
  '\u200b',
  '\ufeff',
  'ﬀ',
  'İ',
  '👩‍👩‍👧‍👦',
  'e\u0301'.repeat(200),
  'x'.repeat(256),
  'x'.repeat(10_000),
  "' or 1=1 --",
  '%',
  '%00',
  '%_\\',
  '\\',
  '"',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '${jndi:ldap://x}',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  'NaN',
  'true',
  'True',
  '0',
  '-1',
  '1e309',
  '9'.repeat(25),
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '2030-02-30T00:00:00Z',
  '10000-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2030-01-01T00:00:00.123456789+23:59',
  'http://127.0.0.1:1/',
  'http://[::1]/',
  'http://user:pass@host/',
  'https://例え.jp/',
  'http://x:99999/',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ',',
  'owner,,tags',
  '|',
  ':',
  'owner:',
  '-',
  '*',
  '(a+)+$',
]

const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z][\w.-]{2,20}$/) },
)

const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[]]),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      { __proto__: null, toString: 1 },
      { constructor: { prototype: 1 } },
      Array(1_001).fill('a'),
    ),
  },
)

/** Names of fields of templates, so that an integration's config is sometimes one. */
const CONFIG_NAMES = [
  'auth_mode',
  'auth_type',
  'client_id',
  'client_secret',
  'scopes',
  'authorization_uri',
  'token_uri',
  'token_endpoint_auth_method',
  'use_pkce',
  'tenant_id',
  'workspace_host',
  'account_url',
  'sf_host_domain',
  'max_role',
  'role_arn',
  'issuer',
]
const CONFIG_VALUES = [
  'Confidential',
  'Public',
  'Viewer',
  'Service Account',
  'Visitor API Key',
  'client_secret_basic',
  'Admin',
  'https://a.example/x',
  'x.cloud.databricks.com',
]
const config = fc.dictionary(
  fc.constantFrom(...CONFIG_NAMES),
  fc.oneof(fc.constantFrom<unknown>(...CONFIG_VALUES, true, false), anything),
)
const TEMPLATES = [
  'custom',
  'azure',
  'databricks',
  'github',
  'google',
  'snowflake',
  'salesforce',
  'aws',
  'connect',
  'msgraph',
]

function valueOf(given: Schema, name = '', depth = 0): fc.Arbitrary<unknown> {
  const schema = resolved(given)
  const right = rightValueOf(schema, name, depth)
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: 1, arbitrary: anything })
}

function rightValueOf(schema: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
  const { type, enum: choices, oneOf, allOf, properties, items, nullable, format } = schema
  if (name === 'config') return config
  if (name === 'template') return fc.constantFrom(...TEMPLATES)
  if (nullable) return fc.option(rightValueOf({ ...schema, nullable: false }, name, depth))
  if (choices) return fc.constantFrom(...choices)
  if (oneOf) return fc.oneof(...oneOf.map((each) => valueOf(each, name, depth)))
  if (allOf) return fc.oneof(...allOf.map((each) => valueOf(each, name, depth)))
  if (depth > 4) return anything
  switch (type) {
    case 'object': {
      const members = Object.entries(properties ?? {}).map(
        ([key, each]) => [key, valueOf(each, key, depth + 1)] as const,
      )
      const known = fc.record(Object.fromEntries(members), { requiredKeys: [] })
      const unknown = fc.dictionary(
        fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'id', 'guid')),
        anything,
        { maxKeys: 1 },
      )
      return fc.oneof(
        { weight: 4, arbitrary: known },
        { weight: 1, arbitrary: fc.tuple(known, unknown).map(([a, b]) => ({ ...b, ...a })) },
      )
    }
    case 'array':
      return fc.array(valueOf(items ?? {}, '', depth + 1), { maxLength: 4 })
    case 'integer':
      return fc.oneof(fc.nat({ max: 1000 }), fc.integer())
    case 'number':
      return fc.oneof(fc.nat({ max: 1000 }), fc.double())
    case 'boolean':
      return fc.boolean()
    case 'string':
      if (format === 'uuid' || name.endsWith('guid')) return fc.uuid()
      if (/_at$|_time$/.test(name)) return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
      return text
    default:
      return anything
  }
}

const queryText = (schema: Schema | undefined): fc.Arbitrary<string> =>
  valueOf(schema ?? { type: 'string' }).map((value) =>
    typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
  )

function queryOf(parameters: readonly Parameter[]): fc.Arbitrary<Case['query']> {
  const members = parameters.map(({ name, schema }) => {
    const one = queryText(schema)
    const values = fc.oneof({ weight: 8, arbitrary: one }, { weight: 1, arbitrary: fc.array(one, { maxLength: 3 }) })
    return [name, values] as const
  })
  const known = fc.record(Object.fromEntries(members), { requiredKeys: [] })
  const odd = fc.dictionary(fc.oneof(text, fc.constantFrom('include', 'a[b]', 'a[]', 'name[x]', 'page_size[]')), text, {
    maxKeys: 2,
  })
  return fc.oneof(
    { weight: 5, arbitrary: known },
    { weight: 1, arbitrary: fc.tuple(known, odd).map(([some, more]) => ({ ...some, ...more })) },
  ) as fc.Arbitrary<Case['query']>
}

const raw: fc.Arbitrary<Body> = fc.oneof(
  fc
    .constantFrom(
      '',
      '{',
      '[]',
      'null',
      '7',
      '"text"',
      '{"a":1,}',
      '{"a":1,"a":2}',
      '[[[[]]]]',
      '['.repeat(5_000),
      'a=b&c=d',
      '\ufeff{}',
    )
    .map((content): Body => ({ kind: 'raw', text: content })),
  fc.uint8Array({ maxLength: 64 }).map((bytes): Body => ({ kind: 'bytes', bytes })),
)

function bodyFor({ method, bodies }: Operation): fc.Arbitrary<Body> {
  if (method === 'GET') return fc.constant<Body>({ kind: 'none' })
  const [[type, schema] = ['application/json', {}]] = Object.entries(bodies)
  const same = fc.constant<Body>({ kind: 'act' })
  const none = fc.constant<Body>({ kind: 'none' })
  if (type.includes('form')) {
    const names = Object.keys(resolved(schema).properties ?? {})
    const member = fc.tuple(fc.oneof(fc.constantFrom(...names), text), text)
    const form = fc.array(member, { maxLength: 8 }).map((members): Body => ({ kind: 'form', members }))
    return fc.oneof(
      { weight: 6, arbitrary: form },
      { weight: 1, arbitrary: same },
      { weight: 1, arbitrary: raw },
      { weight: 1, arbitrary: none },
    )
  }
  const json = valueOf(schema).map((value): Body => ({ kind: 'json', value }))
  const change = fc.tuple(fc.nat({ max: 64 }), anything).map(([at, value]): Body => ({ kind: 'mutated', at, value }))
  return fc.oneof(
    { weight: 5, arbitrary: json },
    { weight: 4, arbitrary: change },
    { weight: 2, arbitrary: same },
    { weight: 1, arbitrary: raw },
    { weight: 1, arbitrary: none },
  )
}

const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { 'content-type': 'text/plain' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'content-type': 'application/json; charset=utf-16' },
      { 'content-encoding': 'gzip' },
      { accept: 'text/csv' },
      { accept: 'text/html' },
      { 'x-http-method-override': 'DELETE' },
      { 'if-match': '"0"' },
    ),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{1,40}$/).map((key) => ({ 'idempotency-key': key })) },
  { weight: 1, arbitrary: fc.constantFrom('again', 'again and again').map((key) => ({ 'idempotency-key': key })) },
)

function caseOf(operation: Operation): fc.Arbitrary<Case> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const place = fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: fc.integer({ min: 1_000_000 }).map(String) },
    // An empty segment, or dots, would be another operation.
    { weight: 2, arbitrary: text.filter((value) => !/^[./]*$/.test(value)) },
  )
  return fc.record({
    caller: CALLERS,
    act: fc.nat({ max: THINGS - 1 }),
    params: fc.record(Object.fromEntries(names.map((name) => [name, place]))),
    query: queryOf(operation.parameters.filter((each) => each.in === 'query')),
    body: bodyFor(operation),
    headers,
  })
}

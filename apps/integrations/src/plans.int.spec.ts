import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { jest } from '@jest/globals'
import pg from 'pg'
import type { Actor } from '#libs/contracts'
import { bundleOf, manifestFor, type TestRequest } from '#libs/testing'
import { CONTENT, INTEGRATIONS, newHouse, robot, type House } from './house.fixture.js'

jest.setTimeout(180_000)

const ITEMS = 20_000

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Plan[]
}

/** What grows with use. Tags are made by administrators, and `outbox` and `todo` are as good as empty. */
const BIG = new Set([
  'announced',
  'archive',
  'archive_part',
  'association',
  'bundle',
  'content',
  'content_tag',
  'environment_variable',
  'event',
  'integration',
  'integration_permission',
  'permission',
  'replica',
  'repository',
  'reserved',
  'share_link',
  'task',
])

/** Statements that read all there is, and why that is meant. */
const WHOLE: readonly (readonly [statement: RegExp, why: string])[] = [
  [/FROM "integration" "Integration" ORDER BY/, 'The list of integrations has no pages.'],
  [/FROM "integration_permission" "IntegrationPermission" ORDER BY/, 'Goes with that list.'],
  [
    /from content\s+where true\s+\)\s+select \(select count/,
    'An administrator’s search for nothing counts everything.',
  ],
  [/^\s*select from permission where principal_type = 'group' limit 1$/, 'The first row is enough.'],
]

/** As the fixtures have made one of each, `ITEMS` more; `{n}` is the number of the row. */
const guid = (kind: string, n = 'n'): string => `('${kind}' || lpad(to_hex(${n}), 31, '0'))::uuid`
const FILLED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'model.content': {
    guid: guid('c'),
    position: '1000000 + n',
    owner_guid: guid('a', 'n % 100'),
    name: `'item-' || n`,
    title: `'Report ' || n || ' of word' || n % 500`,
    access_type: `case when n % 500 = 0 then 'logged_in' else 'acl' end`,
    vanity_path: 'null::text',
    vanity_at: 'null::timestamptz',
  },
  'model.integration': { guid: guid('b'), position: '1000000 + n', name: `'Integration ' || n` },
  'model.association': { content_guid: guid('c'), integration_guid: guid('b', 'n / 2'), position: '1000000 + n' },
  'model.permission': {
    content_guid: guid('c'),
    principal_guid: guid('d', 'n % 1000'),
    position: '1000000 + n',
    principal_type: `case when n % 50 = 0 then 'group' else 'user' end`,
  },
  'model.integration_permission': { guid: guid('e'), integration_guid: guid('b'), position: '1000000 + n' },
  'model.share_link': { guid: guid('e'), content_guid: guid('c'), position: '1000000 + n', token_hash: `'hash' || n` },
  'model.environment_variable': { content_guid: guid('c') },
  'model.repository': { content_guid: guid('c') },
  'model.content_tag': { content_guid: guid('c') },
  'model.bundle': { guid: guid('e'), position: '1000000 + n', content_guid: guid('c') },
  'model.task': { guid: guid('e'), content_guid: guid('c') },
  'model.replica': { kind: `case when n % 10 = 0 then 'group' else 'user' end`, guid: guid('d') },
  'record.archive': { guid: guid('e'), content_guid: guid('c'), bundle_guid: guid('e') },
  'record.archive_part': { archive_guid: guid('e'), index: '0' },
  'record.reserved': { value: `'value' || n`, holder: guid('c') },
  'log.event': { stream_id: `'content-' || ${guid('c')}`, version: '1', command_id: guid('f') },
  'log.announced': { stream_id: `'content-' || ${guid('c')}` },
}

let house: House
const asked = new Map<string, readonly unknown[]>()

beforeAll(async () => {
  house = await newHouse()
  const group = await house.group()
  const actors = {
    alice: await house.person('administrator'),
    priya: await house.person('publisher', [group]),
    vera: await house.person('viewer', [group]),
  }
  const first = await everything(actors, await things(actors, group))
  for (const request of first) await mustBeAnswered(request)
  await fill()
  const requests = await everything(actors, await things(actors, group))
  mustBeComplete(requests)
  const stop = listen()
  for (const request of requests) await mustBeAnswered(request)
  stop()
})
afterAll(() => house?.close())

interface Things {
  readonly content: string
  readonly deployed: string
  readonly integration: string
  readonly permission: string
  readonly link: string
  readonly tag: string
  readonly bundle: string
  readonly other: string
  readonly task: string
  readonly name: string
}
type Actors = Readonly<Record<'alice' | 'priya' | 'vera', Actor>>

/** One of each, for the requests to act upon. */
async function things({ alice, priya, vera }: Actors, group: string): Promise<Things> {
  const name = `plans-${randomUUID().slice(0, 8)}`
  const content = await house.newContent(priya, { name, title: 'Of plans' })
  const deployed = await house.newContent(priya)
  const integration = await house.newIntegration(alice, robot)
  await house.patch(`${INTEGRATIONS}/${integration}`, alice, { permissions: [{ group_guid: group }] })
  const make = async (where: string, body: unknown, actor = priya): Promise<{ id: string; guid: string }> =>
    (await mustBeAnswered({ method: 'POST', path: where, actor, body })).json()
  const viewer = { principal_guid: (vera as { user: string }).user, principal_type: 'user', role: 'viewer' }
  const { id: permission } = await make(`${CONTENT}/${content}/permissions`, viewer)
  await make(`${CONTENT}/${deployed}/permissions`, { principal_guid: group, principal_type: 'group', role: 'viewer' })
  const { guid: link } = await make(`${CONTENT}/${content}/share-links`, {})
  const { id: parent_id } = await make('/__api__/v1/tags', { name: `Category ${name}` }, alice)
  const { id: tag } = await make('/__api__/v1/tags', { name: `Tag ${name}`, parent_id }, alice)
  await make(`${CONTENT}/${deployed}/tags`, { tag_id: tag })
  const upload = async (): Promise<{ id: string }> =>
    (await mustBeAnswered(uploadOf(`${CONTENT}/${deployed}/bundles`, priya))).json()
  const { id: bundle } = await upload()
  const { id: other } = await upload()
  const { task_id: task } = (
    await mustBeAnswered({
      method: 'POST',
      path: `${CONTENT}/${deployed}/deploy`,
      actor: priya,
      body: { bundle_id: bundle },
    })
  ).json<{ task_id: string }>()
  await house.associate(deployed, priya, integration)
  const origin = { repository: 'https://git.example/kept' }
  const cloned = `${CONTENT}/${await house.newContent(priya)}/repository`
  await mustBeAnswered({ method: 'PUT', path: cloned, actor: priya, body: origin })
  return { content, deployed, integration, permission, link, tag, bundle, other, task, name }
}

const uploadOf = (where: string, actor: Actor): TestRequest => ({
  method: 'POST',
  path: where,
  actor,
  body: bundleOf(manifestFor('python-shiny')),
  headers: { 'content-type': 'application/gzip' },
})

/** Requests of every operation that this service has, in an order in which they succeed. */
async function everything({ alice, priya, vera }: Actors, all: Things): Promise<TestRequest[]> {
  const { content, deployed, integration, permission, link, tag, bundle, other, task, name } = all
  const get = (where: string, actor: Actor = priya): TestRequest => ({ path: `/__api__/v1${where}`, actor })
  const send = (method: TestRequest['method'], where: string, body: unknown, actor: Actor = priya): TestRequest => ({
    method: method!,
    path: `/__api__/v1${where}`,
    actor,
    body,
  })
  const remove = (where: string, actor: Actor = priya): TestRequest => ({
    method: 'DELETE',
    path: `/__api__/v1${where}`,
    actor,
  })
  const [at, there] = [`/content/${content}`, `/content/${deployed}`]
  const doomed = await house.newContent(priya)
  const doomedIntegration = await house.newIntegration(alice)
  return [
    ...[alice, priya, vera].flatMap((actor) => [
      get('/content?include=owner,tags,vanity_url', actor),
      get(`/content?name=${name}`, actor),
      get(`/content?owner_guid=${(priya as { user: string }).user}`, actor),
      get(`${at}?include=owner,tags,vanity_url`, actor),
      get(`${there}/oauth/integrations/associations`, actor),
      get('/search/content?q=word77', actor),
      get(`/search/content?q=word77%20owner:u-1%20tag:none%20type:shiny%20is:locked`, actor),
      get('/search/content?page_number=3&page_size=100', actor),
      get('/tags', actor),
      get(`/tags/${tag}`, actor),
      get(`/tags/${tag}/content`, actor),
      get(`${there}/tags`, actor),
    ]),
    send('PATCH', at, { name: `${name}-2`, title: 'Another title', app_mode: 'shiny' }),
    get(`${at}/permissions`),
    get(`${at}/permissions/${permission}`),
    send('PUT', `${at}/permissions/${permission}`, { role: 'viewer' }),
    send('POST', `${at}/permissions`, {
      principal_guid: (alice as { user: string }).user,
      principal_type: 'user',
      role: 'owner',
    }),
    remove(`${at}/permissions/${permission}`),
    get(`${at}/share-links`),
    send('POST', `${at}/share-links`, {}),
    remove(`${at}/share-links/${link}`),
    send('PUT', `${at}/vanity`, { path: `/${name}/` }),
    get(`${at}/vanity`),
    get('/vanities', alice),
    send('PUT', `${there}/vanity`, { path: `/${name}/`, force: true }),
    remove(`${there}/vanity`),
    send('PATCH', `${at}/environment`, [{ name: 'REGION', value: 'eu' }]),
    send('PUT', `${at}/environment`, [{ name: 'REGION', value: 'eu' }]),
    get(`${at}/environment`),
    send('PUT', `${at}/repository`, { repository: 'https://git.example/x' }),
    send('PATCH', `${at}/repository`, { branch: 'next' }),
    get(`${at}/repository`),
    remove(`${at}/repository`),
    get(`${there}/bundles`),
    uploadOf(`/__api__/v1${there}/bundles`, priya),
    get(`${there}/bundles/${bundle}`),
    get(`${there}/bundles/${bundle}/download`),
    send('POST', `${there}/deploy`, {}),
    remove(`${there}/bundles/${other}`),
    get(`/tasks/${task}`),
    send('POST', '/tags', { name: `Again ${name}` }, alice),
    send('PATCH', `/tags/${tag}`, { name: `Renamed ${name}` }, alice),
    send('POST', `${at}/tags`, { tag_id: tag }),
    remove(`${at}/tags/${tag}`),
    remove(`/tags/${tag}`, alice),
    get('/oauth/templates'),
    get('/oauth/templates/custom'),
    get('/oauth/integrations'),
    get('/oauth/integrations', alice),
    get(`/oauth/integrations/${integration}`),
    get(`/oauth/integrations/${integration}/associations`, alice),
    send('POST', '/oauth/integrations', robot, alice),
    send('PATCH', `/oauth/integrations/${integration}`, { name: 'Another' }, alice),
    send('POST', `/oauth/integrations/${integration}/verify`, {}, alice),
    send('PUT', `${at}/oauth/integrations/associations`, [{ oauth_integration_guid: integration }]),
    remove(`/oauth/integrations/${doomedIntegration}`, alice),
    send('POST', '/content', {}),
    remove(`/content/${doomed}`),
    { path: `/internal/owners/${(priya as { user: string }).user}/content`, caller: 'identity' },
    { path: `/internal/published/content/${content}`, caller: 'vault' },
    { path: `/internal/published/integration/${integration}`, caller: 'vault' },
  ]
}

async function mustBeAnswered(request: TestRequest): ReturnType<House['service']['request']> {
  const answer = await house.service.request(request)
  if (answer.status >= 300)
    throw new Error(`${request.method ?? 'GET'} ${request.path}: ${answer.status} ${answer.text}`)
  return answer
}

/** Operations of identity and the vault under the same roots. */
const OTHERS = /\/(credentials|session-token|oauth\/(sessions|revocations)(\/.*)?)$/

/** Whoever adds an operation has to add a request. */
function mustBeComplete(requests: readonly TestRequest[]): void {
  const root = import.meta.dirname.slice(0, import.meta.dirname.lastIndexOf('/apps/'))
  const { paths } = JSON.parse(readFileSync(path.join(root, 'docs/openapi.json'), 'utf8')) as {
    paths: Record<string, Record<string, unknown>>
  }
  const sent = requests.map(({ method = 'GET', path: where }) => `${method} ${where.split('?')[0]}`)
  const missing = Object.entries(paths)
    .filter(([where]) => /\/v1\/(content|oauth|tags|tasks|vanities|search\/content)\b/.test(where))
    .flatMap(([where, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${where}`))
    .filter((name) => !OTHERS.test(name))
    .filter((name) => {
      const pattern = new RegExp(`^${name.replace(/\{\w+\}/g, '[^/]+')}$`)
      return !sent.some((one) => pattern.test(one))
    })
  expect(missing).toEqual([])
}

async function fill(): Promise<void> {
  for (const [table, overrides] of Object.entries(FILLED)) {
    const { rows } = await house.ownerPool.query<{ name: string }>(
      `select column_name as name from information_schema.columns
       where table_schema || '.' || table_name = $1 and is_identity = 'NO' and is_generated = 'NEVER' and column_name <> 'tx'`,
      [table],
    )
    const names = rows.map(({ name }) => name)
    const values = names.map((name) => overrides[name] ?? `one."${name}"`)
    await house.ownerPool.query(`
      insert into ${table} (${names.map((name) => `"${name}"`).join(', ')})
      select ${values.join(', ')} from generate_series(1, ${ITEMS}) n, (select * from ${table} limit 1) one`)
    const { rowCount } = await house.ownerPool.query(`select from ${table}`)
    if ((rowCount ?? 0) < ITEMS) throw new Error(`${table} was empty: nothing to fill it with`)
  }
  await house.ownerPool.query('analyze')
}

/** Remembers what the service asks its database, with the first values. */
function listen(): () => void {
  const { prototype } = pg.Client
  const original = prototype.query as (...args: unknown[]) => unknown
  const spy = jest.spyOn(prototype, 'query').mockImplementation(function (this: unknown, ...args: unknown[]) {
    const [query, values] = args as [string | { text: string; values?: unknown[] }, unknown]
    const text = typeof query === 'string' ? query : query.text
    const given = typeof query === 'object' && query.values ? query.values : Array.isArray(values) ? values : []
    if (!asked.has(text)) asked.set(text, given as unknown[])
    return original.apply(this, args)
  } as never)
  return () => void spy.mockRestore()
}

const IS_QUERY = /^\s*(select|with|insert|update|delete)\b/i

it('reads no big table from end to end for any operation', async () => {
  const client = await house.ownerPool.connect()
  const faults: string[] = []
  let planned = 0
  try {
    await client.query('set search_path = model, record, log')
    const { rows: few } = await client.query<{ name: string }>(
      'select indexrelid::regclass::text as name from pg_index where indpred is not null',
    )
    const partial = new Set(few.map(({ name }) => name))
    for (const [text, values] of asked) {
      if (!IS_QUERY.test(text) || WHOLE.some(([statement]) => statement.test(text))) continue
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (format json) ${text}`, [
        ...values,
      ])
      planned++
      for (const fault of faultsOf(rows[0]!['QUERY PLAN'][0].Plan, partial))
        faults.push(`${fault}: ${text.replace(/\s+/g, ' ')}`)
    }
  } finally {
    client.release()
  }
  expect(planned).toBeGreaterThan(60)
  expect(faults).toEqual([])
})

/** Walks over big tables: without an index, or along all of one, unless it has but a part of the rows. */
function faultsOf(plan: Plan, partial: ReadonlySet<string>, stops = false): string[] {
  const { 'Node Type': node, 'Relation Name': table = '', 'Index Name': index = '', 'Index Cond': condition } = plan
  const limited = stops || node === 'Limit'
  const walks =
    node === 'Seq Scan' || (/^Index (Only )?Scan$/.test(node) && !condition && !limited && !partial.has(index))
  const own = BIG.has(table) && walks ? [`${node} of ${table}`] : []
  return [...own, ...(plan.Plans ?? []).flatMap((each) => faultsOf(each, partial, limited))]
}

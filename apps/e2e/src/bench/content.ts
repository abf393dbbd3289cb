import { Agent } from 'undici'
import { eventually } from '#libs/testing'
import { Api } from '../contract/api.js'
import { print } from '../print.js'
import { World } from '../world.js'
import { ask, makeAll, type Question } from './asking.js'
import { figuresOf } from './load.js'
import { machine, ms, revision, round, writeReport } from './report.js'

const CONTENTS = Number(process.env.BENCH_CONTENTS ?? 100_000)
const INTEGRATIONS = Number(process.env.BENCH_INTEGRATIONS ?? 10_000)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const OWNERS = 50
const READERS = 5
/** One item in so many is for everybody who logs in, one in so many for a reader, and one in so many is associated. */
const SHARE = { everybody: 500, reader: 20, associated: 10 }
const MAKERS = 24
const CONCURRENCY = [1, 8]
/** What this stage aims at for one thing and for a page, one request after the other. */
const AIM_P99_MS = 50

const WORDS = (
  'sales revenue churn margin forecast inventory payroll budget weather traffic energy harvest logistics customers orders ' +
  'returns invoices shipping planning quality safety research biology climate genome protein finance credit risk insurance'
).split(' ')

interface Row {
  readonly what: string
  readonly questions: readonly Question[]
  /** Whether the aim is meant for it: whole lists are as long as they are. */
  readonly aimed: boolean
}

interface Item {
  readonly guid: string
  readonly name: string
}

async function run(): Promise<void> {
  const world = await World.start()
  const api = new Api(world.address)
  const agent = new Agent({ connections: 64 })
  try {
    const alice = world.person('alice')
    const { guid: aliceGuid } = await alice.logIn()
    const admin = await alice.makeKey('bench')
    const owners = await people(world, api, admin, OWNERS, 1, 'publisher')
    const readers = await people(world, api, admin, READERS, OWNERS + 1, 'viewer')

    print(`The system is ready; ${INTEGRATIONS} integrations and ${CONTENTS} content items are made by the API …`)
    const began = performance.now()
    const atOnce = { atOnce: MAKERS, print }
    const integrations: string[] = []
    await makeAll('integrations', Array.from({ length: INTEGRATIONS }), atOnce, async (_, index) => {
      const body = {
        template: 'github',
        name: `Integration ${index}`,
        config: { client_id: `client-${index}`, client_secret: 'not-a-real-secret' },
      }
      integrations.push((await api.must<Item>(admin, 'POST', '/v1/oauth/integrations', body)).guid)
    })
    const items: Item[] = []
    await makeAll('content items', Array.from({ length: CONTENTS }), atOnce, async (_, index) => {
      const { key } = owners[index % OWNERS]!
      const body = {
        name: `report-${index}`,
        title: `Report ${index} of ${WORDS[index % WORDS.length]} and ${WORDS[(index * 7) % WORDS.length]}`,
        access_type: index % SHARE.everybody === 0 ? 'logged_in' : 'acl',
      }
      const { guid } = await api.must<Item>(key, 'POST', '/v1/content', body)
      items[index] = { guid, name: body.name }
      if (index % SHARE.reader === 0) {
        const principal_guid = readers[(index / SHARE.reader) % READERS]!.guid
        await api.must(key, 'POST', `/v1/content/${guid}/permissions`, {
          principal_guid,
          principal_type: 'user',
          role: 'viewer',
        })
      }
      if (index % SHARE.associated === 0) {
        await api.must(key, 'PATCH', `/v1/content/${guid}`, { app_mode: 'python-streamlit' })
        const list = [{ oauth_integration_guid: integrations[index % INTEGRATIONS] }]
        await api.must(key, 'PUT', `/v1/content/${guid}/oauth/integrations/associations`, list)
      }
    })
    const filledMs = performance.now() - began
    print('The copies elsewhere are waited for …')
    const database = world.house.pool('integrations')
    await eventually(
      async () =>
        (await database.query<{ none: boolean }>('select not exists (select from outbox) as none')).rows[0]?.none,
      { timeoutMs: 600_000, intervalMs: 500 },
    )
    await database.query('vacuum analyze')

    const some = <T>(all: readonly T[], count = 500): T[] =>
      Array.from({ length: count }, (_, index) => all[(index * 7919) % all.length]!)
    const of = (key: string, paths: readonly string[]): Question[] => paths.map((path) => ({ key, path }))
    const owned = (index: number): Question => ({
      key: owners[index % OWNERS]!.key,
      path: `/v1/content/${items[index]!.guid}`,
    })
    const associated = some(items.filter((_, index) => index % SHARE.associated === 0))
    const words = some(WORDS, 100)
    const rows: Row[] = [
      { what: 'one item, by its owner', questions: some([...items.keys()]).map(owned), aimed: true },
      {
        what: 'one item, by an administrator, with owner and tags',
        questions: of(
          admin,
          some(items).map(({ guid }) => `/v1/content/${guid}?include=owner,tags,vanity_url`),
        ),
        aimed: true,
      },
      {
        what: 'items of one name, by an administrator',
        questions: of(
          admin,
          some(items).map(({ name }) => `/v1/content?name=${name}`),
        ),
        aimed: true,
      },
      {
        what: 'its associations',
        questions: of(
          admin,
          associated.map(({ guid }) => `/v1/content/${guid}/oauth/integrations/associations`),
        ),
        aimed: true,
      },
      {
        what: 'its permissions',
        questions: of(
          admin,
          some(items).map(({ guid }) => `/v1/content/${guid}/permissions`),
        ),
        aimed: true,
      },
      {
        what: 'search for a word, 20 of a page, by an administrator',
        questions: of(
          admin,
          words.map((word) => `/v1/search/content?q=${word}`),
        ),
        aimed: true,
      },
      {
        what: 'search for a word, 20 of a page, by a viewer',
        questions: of(
          readers[0]!.key,
          words.map((word) => `/v1/search/content?q=${word}`),
        ),
        aimed: true,
      },
      {
        what: 'search for one name, by an administrator',
        questions: of(
          admin,
          some(items).map(({ name }) => `/v1/search/content?q=${name}`),
        ),
        aimed: true,
      },
      {
        what: 'one integration',
        questions: of(
          admin,
          some(integrations).map((guid) => `/v1/oauth/integrations/${guid}`),
        ),
        aimed: true,
      },
      {
        what: 'its associations with content',
        questions: of(
          admin,
          some(integrations).map((guid) => `/v1/oauth/integrations/${guid}/associations`),
        ),
        aimed: true,
      },
      {
        what: 'whole list: what a viewer may see',
        questions: readers.map(({ key }) => ({ key, path: '/v1/content' })),
        aimed: false,
      },
      {
        what: 'whole list: what a publisher may see',
        questions: owners.map(({ key }) => ({ key, path: '/v1/content' })),
        aimed: false,
      },
      {
        what: 'whole list: of one owner, by an administrator',
        questions: of(
          admin,
          owners.map(({ guid }) => `/v1/content?owner_guid=${guid}`),
        ),
        aimed: false,
      },
      {
        what: `whole list: all ${INTEGRATIONS} integrations`,
        questions: of(admin, ['/v1/oauth/integrations']),
        aimed: false,
      },
      {
        what: `whole list: all ${CONTENTS} items, by an administrator`,
        questions: of(admin, ['/v1/content']),
        aimed: false,
      },
      {
        what: 'whole list: of an administrator who owns nothing',
        questions: of(admin, [`/v1/content?owner_guid=${aliceGuid}`]),
        aimed: true,
      },
    ]
    const lines: string[] = []
    let worst = 0
    for (const { what, questions, aimed } of rows) {
      const { key, path } = questions[0]!
      const { json } = await api.call({ method: 'GET', path, key })
      const length = Array.isArray(json) ? json.length : 1
      const isHuge = length > 20_000
      if (!isHuge) await ask(world.address, questions, { agent, concurrency: 1, seconds: 2 })
      for (const concurrency of isHuge ? [1] : CONCURRENCY) {
        const sample = await ask(world.address, questions, { agent, concurrency, seconds: SECONDS })
        const { perSecond, p50, p99, errors } = figuresOf(sample)
        if (aimed && concurrency === 1) worst = Math.max(worst, p99)
        lines.push(
          `| ${what} | ${Array.isArray(json) ? length : ''} | ${concurrency} | ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} | ${ms(p50)} | ${ms(p99)} | ${errors} |`,
        )
        print(lines.at(-1)!)
      }
    }
    const text = `# Much content: lists and single items

\`npm run bench:content\`, ${revision()}

Machine: ${machine()}

${CONTENTS} content items of ${OWNERS} publishers and ${INTEGRATIONS} integrations, made one by one through the API
(${round((CONTENTS + INTEGRATIONS) / (filledMs / 1000))}/s); one item in ${SHARE.everybody} is for everybody who logs in, one in ${SHARE.reader} has a
viewer of its own, one in ${SHARE.associated} is associated with an integration. One process of each service. Then each question through the
gateway with an API key, other things each time; ${SECONDS} s each after a warm-up.

Lists of content and of integrations are whole by the contract that existing clients know: they have no pages. The
search has.

| question | rows | at once | answers/s | p50 | p99 | errors |
|---|---:|---:|---:|---:|---:|---:|
${lines.join('\n')}

p99 of one thing or one page under ${AIM_P99_MS} ms, one after the other: ${worst < AIM_P99_MS ? 'reached' : 'NOT reached'}.
`
    print(`\n${text}`)
    await writeReport('content', text)
  } finally {
    await agent.close()
    await api.close()
    await world.stop()
  }
}

async function people(
  world: World,
  api: Api,
  admin: string,
  count: number,
  first: number,
  role: 'publisher' | 'viewer',
): Promise<{ guid: string; key: string }[]> {
  const made: { guid: string; key: string }[] = []
  for (let index = 0; index < count; index++) {
    const person = world.person(`guest-${first + index}`)
    const { guid } = await person.logIn()
    await api.must(admin, 'PUT', `/v1/users/${guid}`, { user_role: role })
    const key = await eventually(async () => {
      const made = await person.api<{ key: string; user_role: string }>('POST', `/v1/users/${guid}/keys`, {
        name: 'bench',
      })
      return made.user_role === role && made.key
    })
    made.push({ guid, key })
    await person.close()
  }
  return made
}

await run()

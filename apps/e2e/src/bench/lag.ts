import { Agent, request } from 'undici'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { print } from '../print.js'
import { World } from '../world.js'
import { figuresOf, type Figures } from './load.js'
import { machine, ms, revision, round, writeReport } from './report.js'

/** Content items whose associations change, each with a visitor of its own, one change at a time. */
const ITEMS = 4
/** Visitors whose tokens are exchanged all the time. */
const BUSY = 16
/** Changes in each direction, for each item. */
const CHANGES = Number(process.env.BENCH_CHANGES ?? 100)
const WRITERS = 4
const AIM_P99_MS = 250
const NONE_ASSOCIATED = 212

interface Item {
  readonly content: string
  readonly token: string
}

interface Lag {
  readonly taken: Figures
  readonly given: Figures
  readonly exchangesPerSecond: number
  readonly writesPerSecond: number
}

interface Load {
  readonly what: string
  readonly exchanges: boolean
  readonly writes: boolean
}

const LOADS: readonly Load[] = [
  { what: 'nothing else', exchanges: false, writes: false },
  { what: 'exchanges of 16 visitors', exchanges: true, writes: false },
  { what: 'the same, and 4 clients that change content', exchanges: true, writes: true },
]

async function run(): Promise<void> {
  const world = await World.start({ accessTokenSeconds: 86_400 })
  const agent = new Agent({ connections: 64 })
  try {
    const alice = world.person('alice')
    await alice.logIn()
    const key = await alice.makeKey('lag')
    const integration = await world.makeIntegration(key)
    const items: Item[] = []
    for (let index = 0; index < ITEMS + BUSY; index++) {
      const name = `guest-${index + 1}`
      const content = await world.makeContent(key, `lag-${index}`, world.probe.url, [integration])
      await world.person(name).consent(content)
      items.push({ content, token: world.probe.tokenOf(name) })
      await world.person(name).close()
    }
    const [changing, busy] = [items.slice(0, ITEMS), items.slice(ITEMS)]
    const parts = { world, agent, key, integration }
    await measure(parts, changing, busy, LOADS[2]!, 10)

    const lags: (Lag & Load)[] = []
    for (const load of LOADS) {
      lags.push({ ...load, ...(await measure(parts, changing, busy, load, CHANGES)) })
      print(rowsOf(lags.at(-1)!).join('\n'))
    }
    const text = report(lags)
    print(`\n${text}`)
    await writeReport('lag', text)
  } finally {
    await agent.close()
    await world.stop()
  }
}

interface Parts {
  readonly world: World
  readonly agent: Agent
  readonly key: string
  readonly integration: string
}

async function measure(
  parts: Parts,
  changing: readonly Item[],
  busy: readonly Item[],
  load: Load,
  changes: number,
): Promise<Lag> {
  const { world, key, integration } = parts
  const taken: number[] = []
  const given: number[] = []
  let exchanges = 0
  let writes = 0
  let stopped = false
  const keepExchanging = async ({ token }: Item): Promise<void> => {
    while (!stopped) {
      const { status } = await exchange(parts, token)
      if (status !== 200) throw new Error(`an exchange was refused: ${status}`)
      exchanges++
    }
  }
  const keepWriting = async ({ content }: Item): Promise<void> => {
    for (let count = 0; !stopped; count++) {
      await world.call(key, 'PATCH', `/v1/content/${content}`, { title: `Title ${count}` })
      writes++
    }
  }
  const began = performance.now()
  const others = [
    ...(load.exchanges ? busy.map(keepExchanging) : []),
    ...(load.writes ? busy.slice(0, WRITERS).map(keepWriting) : []),
  ]
  const change = async ({ content, token }: Item): Promise<void> => {
    for (let count = 0; count < changes; count++) {
      await world.associate(key, content, [])
      taken.push(await untilAnswer(parts, token, ({ status, code }) => status === 400 && code === NONE_ASSOCIATED))
      await world.associate(key, content, [integration])
      given.push(await untilAnswer(parts, token, ({ status }) => status === 200))
    }
  }
  await Promise.all(changing.map(change))
  const tookMs = performance.now() - began
  stopped = true
  await Promise.all(others)
  return {
    taken: figuresOf({ times: taken, tookMs, errors: 0 }),
    given: figuresOf({ times: given, tookMs, errors: 0 }),
    exchangesPerSecond: (exchanges / tookMs) * 1000,
    writesPerSecond: (writes / tookMs) * 1000,
  }
}

/** Milliseconds from now until an answer that is as told has been read: the time of that answer is part of it. */
async function untilAnswer(
  parts: Parts,
  token: string,
  isSo: (answer: { status: number; code?: number }) => boolean,
): Promise<number> {
  const from = performance.now()
  for (;;) {
    const obeyed = isSo(await exchange(parts, token))
    const lag = performance.now() - from
    if (obeyed) return lag
    if (lag > 30_000) throw new Error('after 30 s the vault still does not obey')
  }
}

async function exchange({ world, agent, key }: Parts, token: string): Promise<{ status: number; code?: number }> {
  const form = {
    grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
    subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
    subject_token: token,
  }
  const { statusCode: status, body } = await request(`${world.address}/__api__/v1/oauth/integrations/credentials`, {
    method: 'POST',
    headers: { authorization: `Key ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    dispatcher: agent,
  })
  const { code } = (await body.json()) as { code?: number }
  return { status, ...(code !== undefined && { code }) }
}

const rowsOf = ({ what, taken, given, exchangesPerSecond, writesPerSecond }: Lag & Load): string[] =>
  [['taken away', taken] as const, ['given', given] as const].map(
    ([change, { answers, p50, p99 }]) =>
      `| ${what} | ${round(exchangesPerSecond)} | ${round(writesPerSecond)} | ${change} | ${answers} | ${ms(p50)} | ${ms(p99)} |`,
  )

function report(lags: readonly (Lag & Load)[]): string {
  const worst = Math.max(...lags.flatMap(({ taken, given }) => [taken.p99, given.p99]))
  return `# Associations: how soon the vault obeys

\`npm run bench:lag\`, ${revision()}

Machine: ${machine()}

From the answer of \`PUT …/oauth/integrations/associations\` to the end of the first token exchange that obeys it, so
that the time of that exchange is part of it. The integrations service writes, the vault hears of it by message.
${ITEMS} content items change at once, each over and over; the vault is asked all the time. One process of each service,
PostgreSQL with fsync, NATS and all clients on this machine.

| besides | exchanges/s | changes of content/s | an association is | changes | p50 | p99 |
|---|---:|---:|---|---:|---:|---:|
${lags.flatMap(rowsOf).join('\n')}

p99 under ${AIM_P99_MS} ms: ${worst < AIM_P99_MS ? 'reached' : 'NOT reached'}.
`
}

await run()

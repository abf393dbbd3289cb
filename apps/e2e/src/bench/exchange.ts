import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { childEnvironment } from '../house.js'
import { memoryOf, processorTimeOf, processorTimeOfFamily } from '../memory.js'
import { print } from '../print.js'
import { World } from '../world.js'
import { FLOOR, prepareFloor } from './floor.js'
import { figuresOf, type Figures, measure, type Sample, together } from './load.js'
import { machine, ms, revision, round, writeReport } from './report.js'

const GRANTS = 200
const CONCURRENCY = [1, 16, 64]
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
/** The two sides take turns, so that what else the machine does falls on both. */
const TURNS = 4
/** Until V8 has compiled what is busy: it has to share the processors. */
const WARM_UP = { concurrency: 64, seconds: 10 }
/** A second, share of the floor, and MiB of the vault after the load. */
const AIM = { perSecond: 2500, ofFloor: 1 / 2, vaultPss: 150 }
const PARALLEL_CONSENTS = 8
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

interface Pair {
  readonly concurrency: number
  readonly exchange: Figures
  readonly floor: Figures
  /** Milliseconds of processor time for each exchange, by process. */
  readonly processor: Readonly<Record<string, number>>
  /** The same for each request to the floor, all processes together. */
  readonly floorProcessor: number
}

/** A user session token for each of `GRANTS` people, each of whom has consented. */
async function consents(world: World): Promise<{ key: string; tokens: string[] }> {
  const owner = world.person('alice')
  await owner.logIn()
  const key = await owner.makeKey('content')
  const content = await world.makeContent(key, 'bench', world.probe.url, [await world.makeIntegration(key)])
  const names = Array.from({ length: GRANTS }, (_, index) => `guest-${index + 1}`)
  const waiting = names.values()
  const work = async (): Promise<void> => {
    for (const name of waiting) {
      await world.person(name).consent(content)
      await world.person(name).close()
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_CONSENTS }, work))
  return { key, tokens: names.map((name) => world.probe.tokenOf(name)) }
}

async function startFloor(world: World): Promise<{ child: ChildProcess; url: string }> {
  await world.house.pool('postgres').query('create database floor')
  const database = new URL(world.house.running.postgres.url)
  database.pathname = '/floor'
  const key = randomBytes(32)
  await prepareFloor(database.href, GRANTS, key)
  const environment = { FLOOR_URL: database.href, FLOOR_KEY: key.toString('base64') }
  const child = fork(FLOOR, { env: childEnvironment(environment) })
  const [port] = (await once(child, 'message')) as [number]
  return { child, url: `http://127.0.0.1:${port}/` }
}

async function run(): Promise<void> {
  const world = await World.start({ accessTokenSeconds: 86_400 })
  try {
    print(`The system is ready; ${GRANTS} people log in and consent …`)
    const { key, tokens } = await consents(world)
    const floor = await startFloor(world)
    const bodies = tokens.map((token) =>
      new URLSearchParams({
        grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
        subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
        subject_token: token,
      }).toString(),
    )
    const exchange = {
      url: `${world.address}/__api__/v1/oauth/integrations/credentials`,
      headers: { ...FORM, authorization: `Key ${key}` },
      bodies,
    }
    const bare = { url: floor.url, headers: FORM, bodies: tokens.map((_, id) => `id=${id}`) }
    await measure({ ...exchange, ...WARM_UP })
    await measure({ ...bare, ...WARM_UP })
    const pairs: Pair[] = []
    for (const concurrency of CONCURRENCY) {
      const ours: Sample[] = []
      const theirs: Sample[] = []
      const spent: Record<string, number> = {}
      let floorSpent = 0
      for (let turn = 0; turn < TURNS; turn++) {
        const seconds = SECONDS / TURNS
        const began = processorTimes(world, floor.child)
        ours.push(await measure({ ...exchange, concurrency, seconds }))
        const between = processorTimes(world, floor.child)
        theirs.push(await measure({ ...bare, concurrency, seconds }))
        const ended = processorTimes(world, floor.child)
        for (const [name, total] of Object.entries(between)) {
          if (name !== FLOOR_NAME) spent[name] = (spent[name] ?? 0) + total - (began[name] ?? 0)
        }
        for (const name of FLOOR_PARTS) floorSpent += (ended[name] ?? 0) - (between[name] ?? 0)
      }
      const figures = figuresOf(together(ours))
      const floorFigures = figuresOf(together(theirs))
      const pair: Pair = {
        concurrency,
        exchange: figures,
        floor: floorFigures,
        processor: Object.fromEntries(Object.entries(spent).map(([name, total]) => [name, total / figures.answers])),
        floorProcessor: floorSpent / floorFigures.answers,
      }
      pairs.push(pair)
      print(line(pair))
    }
    const processes = [...world.house.services, { name: 'nats-server', pid: world.house.pid('nats') }]
    const memory = processes.map(({ name, pid }) => ({ name, ...memoryOf(pid ?? 0) }))
    await mustStillBeRight(world, key, tokens)
    const text = report(pairs, memory)
    print(`\n${text}`)
    await writeReport('exchange', text)
    floor.child.disconnect()
  } finally {
    await world.stop()
  }
}

const FLOOR_NAME = 'floor'
/** What works for the floor; the services' own pollers, which go on meanwhile, do not. */
const FLOOR_PARTS = [FLOOR_NAME, 'PostgreSQL', 'load generator']

function processorTimes({ house }: World, floor: ChildProcess): Record<string, number> {
  const { user, system } = process.cpuUsage()
  return {
    ...Object.fromEntries(house.services.map(({ name, pid }) => [name, processorTimeOf(pid ?? 0)])),
    PostgreSQL: processorTimeOfFamily(house.running.postgres.pid),
    'launcher (logs)': processorTimeOf(house.running.launcher.pid),
    'load generator': (user + system) / 1000,
    [FLOOR_NAME]: processorTimeOf(floor.pid ?? 0),
  }
}

/** No refresh was needed, every exchange is in the log, and each person still gets a token of their own. */
async function mustStillBeRight(world: World, key: string, tokens: readonly string[]): Promise<void> {
  const answers = await Promise.all(tokens.map((token) => world.exchange(key, token)))
  const distinct = new Set(answers.map(({ token }) => token)).size
  const { token_requests: asked } = await world.journal()
  if (distinct !== GRANTS || asked.refresh_token)
    throw new Error(`${distinct} tokens, ${asked.refresh_token ?? 0} refreshes`)
}

const line = ({ concurrency, exchange, floor }: Pair): string =>
  `c=${concurrency}: ${round(exchange.perSecond)}/s, p50 ${ms(exchange.p50)}, p99 ${ms(exchange.p99)}, ${exchange.errors} errors; ` +
  `floor ${round(floor.perSecond)}/s; ${(exchange.perSecond / floor.perSecond).toFixed(2)} of it`

function processorRow({ concurrency, processor, floorProcessor }: Pair): string {
  const values = Object.values(processor)
  const sum = values.reduce((total, value) => total + value, 0)
  return `| ${concurrency} | ${[...values, sum, floorProcessor].map((value) => value.toFixed(2)).join(' | ')} |`
}

function report(pairs: readonly Pair[], memory: readonly { name: string; pss: number; rss: number }[]): string {
  const rows = pairs.map(
    ({ concurrency, exchange, floor }) =>
      `| ${concurrency} | ${round(exchange.perSecond)} | ${ms(exchange.p50)} | ${ms(exchange.p99)} | ${exchange.errors} | ` +
      `${round(floor.perSecond)} | ${ms(floor.p50)} | ${ms(floor.p99)} | ${floor.errors} | ${(exchange.perSecond / floor.perSecond).toFixed(2)} |`,
  )
  const parts = Object.keys(pairs[0]?.processor ?? {})
  const aimed = pairs.filter(({ concurrency }) => concurrency > 1)
  const reached = (met: boolean): string => (met ? 'reached' : 'NOT reached')
  const fast = reached(aimed.every(({ exchange }) => exchange.perSecond >= AIM.perSecond))
  const vault = memory.find(({ name }) => name === 'vault')
  const small = reached(vault !== undefined && vault.pss < AIM.vaultPss)
  const near = reached(aimed.every(({ exchange, floor }) => exchange.perSecond >= floor.perSecond * AIM.ofFloor))
  return `# Token exchange: how many a second

\`npm run bench:exchange\`, ${revision()}

Machine: ${machine()}

One process of each service, PostgreSQL with fsync, NATS and the load generator (autocannon) on this machine. ${GRANTS}
grants with valid tokens, each of another person; every exchange goes through the gateway and is written to the log of
issued tokens before it is answered. ${SECONDS} s at each concurrency, in ${TURNS} turns with the floor's, after a warm-up of ${WARM_UP.seconds} s each.

The floor, measured in the same run on the same PostgreSQL: a bare \`node:http\` server that does one prepared SELECT, one
AES-256-GCM decryption and one INSERT a request.

| concurrency | exchanges/s | p50 | p99 | errors | floor/s | p50 | p99 | errors | share of the floor |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${rows.join('\n')}

At least ${AIM.perSecond}/s at concurrency 16 and 64: ${fast}. At least half of the floor there: ${near}.

Processor time for one exchange, ms; beside it, for one request to the floor:

| concurrency | ${parts.join(' | ')} | together | floor |
|---:|${'---:|'.repeat(parts.length + 2)}
${pairs.map(processorRow).join('\n')}

Memory after the load, MiB (PSS counts shared pages in proportion):

| process | PSS | RSS |
|---|---:|---:|
${memory.map(({ name, pss, rss }) => `| ${name} | ${round(pss)} | ${round(rss)} |`).join('\n')}

The vault under ${AIM.vaultPss} MiB of PSS: ${small}.
`
}

await run()

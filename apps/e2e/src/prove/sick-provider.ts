import { setTimeout as delay } from 'node:timers/promises'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { eventually, SICKNESSES, vendors, VendorServer } from '#libs/testing'
import { figuresOf, measure, together, type Sample } from '../bench/load.js'
import { machine, ms, revision, round, writeReport } from '../bench/report.js'
import { memoryOf } from '../memory.js'
import { print } from '../print.js'
import { World } from '../world.js'

const PROVIDERS = 10
/** People of each provider that is well, and of the one that is not. */
const [PEOPLE, SICK_PEOPLE] = [3, 20]
const SECONDS = Number(process.env.SICK_SECONDS ?? 8)
const CONCURRENCY = 8
/** Milliseconds between two exchanges of one client of the sick provider's people. */
const PACE_MS = 100
const SHORT = ['answers 500', 'accepts and never answers', 'answers {}', 'answers a byte a second']
const KINDS = process.env.SICK_KINDS === 'all' ? Object.keys(SICKNESSES) : SHORT
const RATIO_AIM = 1.5
/** Access tokens live so long that refreshes are part of every window. */
const EXPIRES_IN = 12
const SETTINGS = { TokenRequestTimeout: '2s', RefreshLease: '3s', RefreshWait: '4s' }
/** What a provider can ask for at most, and some time to be asked again. */
const LONGEST_REST_MS = 360_000

interface Person {
  readonly name: string
  readonly token: string
}
interface Row {
  readonly kind: string
  readonly well: Sample
  readonly sick: Sample
  readonly calls: number
  readonly recoveredMs: number
}

async function run(): Promise<void> {
  const fakes = await Promise.all(
    Array.from({ length: PROVIDERS }, () =>
      new VendorServer(vendors.custom({ authentication: 'none', expiresIn: EXPIRES_IN })).start(),
    ),
  )
  const settings = Object.entries(SETTINGS).map(([name, value]) => `Exchange.${name}=${value}`)
  const world = await World.start({ settings })
  try {
    const alice = world.person('alice')
    await alice.logIn()
    const key = await alice.makeKey('sick-provider')
    print(`The system is ready; ${(PROVIDERS - 1) * PEOPLE + SICK_PEOPLE} people consent at ${PROVIDERS} providers …`)
    const people: Person[][] = []
    let guest = 0
    for (const [index, fake] of fakes.entries()) {
      const integration = await makeIntegration(world, key, fake.url, index)
      const content = await world.makeContent(key, `provider-${index}`, world.probe.url, [integration])
      people.push([])
      for (let count = 0; count < (index === 0 ? SICK_PEOPLE : PEOPLE); count++) {
        const name = `guest-${++guest}`
        const { journal } = fake
        const before = journal.length
        await eventually(async () => {
          await world.person(name).open(content)
          return journal.length > before
        })
        people[index]!.push({ name, token: world.probe.tokenOf(name) })
        await world.person(name).close()
      }
    }
    const [sickOnes, ...others] = people
    const load = {
      url: `${world.address}/__api__/v1/oauth/integrations/credentials`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Key ${key}` },
      bodies: others.flat().map(({ token }) => bodyOf(token)),
      concurrency: CONCURRENCY,
      seconds: SECONDS,
    }
    const windowOf = (): Promise<Sample> => besides(world, key, sickOnes!, () => measure(load))
    const vaultMemory = (): number => Math.round(memoryOf(world.house.pid('vault') ?? 0).rss)
    await windowOf()
    const memory = { before: vaultMemory(), after: 0 }
    const rows: Row[] = []
    for (const kind of KINDS) {
      const well = await windowOf()
      const sick = fakes[0]!
      sick.journal.length = 0
      sick.fault = SICKNESSES[kind]
      const ill = await windowOf()
      const calls = sick.journal.length
      sick.fault = undefined
      const began = performance.now()
      const asked = sick.journal.length
      const isAsked = (): boolean => sick.journal.slice(asked).some(({ status }) => status === 200)
      await besides(world, key, sickOnes!, () => eventually(isAsked, { timeoutMs: LONGEST_REST_MS }))
      rows.push({ kind, well, sick: ill, calls, recoveredMs: performance.now() - began })
      print(line(rows.at(-1)!))
    }
    memory.after = vaultMemory()
    const { rows: statuses } = await world.house
      .pool('vault')
      .query<{ status: string; count: number }>(
        'select status, count(*)::int as count from oauth_grant group by status',
      )
    const lost = statuses.filter(({ status }) => status !== 'usable').reduce((sum, { count }) => sum + count, 0)
    const text = report(rows, lost, memory)
    print(`\n${text}`)
    await writeReport('sick-provider', text)
    if (ratioOf(rows) > RATIO_AIM || lost > 0) process.exitCode = 1
  } finally {
    await world.stop()
    await Promise.all(fakes.map((fake) => fake.stop()))
  }
}

async function makeIntegration(world: World, key: string, url: string, index: number): Promise<string> {
  const config = {
    ...{ auth_mode: 'Public', auth_type: 'Viewer', client_id: 'sick-provider', scopes: 'all' },
    ...{ authorization_uri: `${url}/authorize`, token_uri: `${url}/token` },
  }
  const body = { template: 'custom', name: `provider-${index}`, description: '', config }
  return (await world.call<{ guid: string }>(key, 'POST', '/v1/oauth/integrations', body)).guid
}

/** The sick one's people go on asking, at the same pace whether it is well or not. */
async function besides<T>(world: World, key: string, people: readonly Person[], work: () => Promise<T>): Promise<T> {
  let stopped = false
  const asking = people.map(async ({ token }) => {
    while (!stopped) {
      await world.exchange(key, token)
      await delay(PACE_MS)
    }
  })
  try {
    return await work()
  } finally {
    stopped = true
    await Promise.all(asking)
  }
}

const bodyOf = (token: string): string =>
  new URLSearchParams({
    grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
    subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
    subject_token: token,
  }).toString()

const ratioOf = (rows: readonly Row[]): number =>
  figuresOf(together(rows.map(({ sick }) => sick))).p99 / figuresOf(together(rows.map(({ well }) => well))).p99

function line({ kind, well, sick, calls, recoveredMs }: Row): string {
  const [before, during] = [figuresOf(well), figuresOf(sick)]
  const ratio = (during.p99 / before.p99).toFixed(2)
  return `| ${kind} | ${round(before.perSecond)} | ${ms(before.p99)} | ${round(during.perSecond)} | ${ms(during.p99)} | ${ratio} | ${during.errors} | ${calls} | ${(recoveredMs / 1000).toFixed(1)} s |`
}

function report(rows: readonly Row[], lost: number, memory: { before: number; after: number }): string {
  const ratio = ratioOf(rows)
  const settings = Object.entries(SETTINGS).map(([name, value]) => `\`${name} = ${value}\``)
  return `# One provider of ten is sick

\`npm run prove -- sick-provider\`, ${revision()} SICK_SECONDS=${SECONDS}, ${KINDS.length} of ${Object.keys(SICKNESSES).length} kinds.

Machine: ${machine()}

${CONCURRENCY} connections exchange the tokens of ${(PROVIDERS - 1) * PEOPLE} people of nine providers without a pause;
besides, each of ${SICK_PEOPLE} people of the tenth asks every ${PACE_MS} ms. Access tokens live ${EXPIRES_IN} s, so that
refreshes are part of it. For each kind of sickness: a window in which all are well, then one in which the tenth is sick.
One process of each service with ${settings.join(', ')}; everything on this machine.

**p99 of the nine, all windows together: ${ratio.toFixed(2)} times that without the sick one (aim ${RATIO_AIM}):
${ratio <= RATIO_AIM ? 'reached' : 'NOT reached'}. Grants lost: ${lost}.** Resident memory of the vault
${memory.before} MB before, ${memory.after} MB after.

| the tenth | the nine, all well, /s | p99 | the tenth sick, /s | p99 | ratio | errors of the nine | calls to the sick one | until it is served again |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
${rows.map(line).join('\n')}

The last column is from the end of the sickness to the first token that the provider gives again: at most the rest of 30
seconds after five failures in a row, or of what the provider asked for in \`Retry-After\`. Calls that were on their way
when the fifth failed are more than five.
`
}

await run()

import { machine, ms, revision, writeReport } from '../bench/report.js'
import { print } from '../print.js'
import { World } from '../world.js'

/** As libs/messaging has it: a copy whose source has been silent for longer is not believed. */
const BOUND_MS = 30_000
const CONNECTED_AIM_MS = 2_000
/** Beside the bound: the heartbeat's period, and the question to the owner. */
const SLACK_MS = 7_000
const ROUNDS = Number(process.env.STALENESS_ROUNDS ?? 3)

interface Case {
  readonly key: string
  readonly owner: string
  readonly viewer: string
  readonly content: string
  readonly token: string
}

interface Result {
  readonly what: string
  readonly mode: string
  /** Milliseconds from the answer to the revocation to the end of the last exchange that was served. */
  readonly staleMs: number[]
  readonly statuses: ReadonlySet<number>
}

let made = 0

/** A publisher's content with a viewer who has consented, all of them new. */
async function makeCase(world: World, integration: string): Promise<Case> {
  made++
  const [owner, viewer] = [`guest-${made * 2}`, `guest-${made * 2 + 1}`]
  const alice = world.person('alice')
  const { guid } = await world.person(owner).logIn()
  await alice.api('PUT', `/v1/users/${guid}`, { user_role: 'publisher' })
  const key = await world.person(owner).makeKey('staleness')
  const content = await world.makeContent(key, `staleness-${made}`, world.probe.url, [integration])
  await world.person(viewer).consent(content)
  return { key, owner, viewer, content, token: world.probe.tokenOf(viewer) }
}

const guidOf = async (world: World, name: string): Promise<string> =>
  (await world.person(name).api<{ guid: string }>('GET', '/v1/user')).guid

/** What takes an access away; each gives back what to wait for. */
const REVOCATIONS: readonly [string, (world: World, each: Case) => Promise<() => Promise<unknown>>][] = [
  [
    'the association is removed',
    async (world, { key, content }) =>
      () =>
        world.associate(key, content, []),
  ],
  [
    'the viewer is locked',
    async (world, { viewer }) => {
      const guid = await guidOf(world, viewer)
      return () => world.person('alice').api('POST', `/v1/users/${guid}/lock`, { locked: true })
    },
  ],
  [
    'the viewer logs out',
    async (world, { viewer }) =>
      () =>
        world.person(viewer).browser.get(`${world.address}/__logout__`, { stopBefore: () => true }),
  ],
  [
    'the content’s owner becomes a viewer',
    async (world, { owner }) => {
      const guid = await guidOf(world, owner)
      return () => world.person('alice').api('PUT', `/v1/users/${guid}`, { user_role: 'viewer' })
    },
  ],
]

/** Exchanges over and over, and notes when the last one was served that began after the revocation was answered. */
async function staleness(world: World, each: Case, revoke: () => Promise<unknown>): Promise<[number, Set<number>]> {
  await revoke()
  const from = performance.now()
  let last = 0
  let refusals = 0
  const statuses = new Set<number>()
  while (refusals < 20) {
    const { status } = await world.exchange(each.key, each.token)
    const now = performance.now() - from
    statuses.add(status)
    refusals = status === 200 ? 0 : refusals + 1
    if (status === 200) last = now
    if (now > BOUND_MS + 3 * SLACK_MS) throw new Error('the vault does not obey at all')
  }
  return [last, statuses]
}

async function run(): Promise<void> {
  const world = await World.start({ accessTokenSeconds: 86_400 })
  const results: Result[] = []
  try {
    const alice = world.person('alice')
    await alice.logIn()
    const integration = await world.makeIntegration(await alice.makeKey('staleness'))

    for (const [what, prepare] of REVOCATIONS) {
      const staleMs: number[] = []
      const statuses = new Set<number>()
      for (let round = 0; round < ROUNDS; round++) {
        const each = await makeCase(world, integration)
        const [ms, seen] = await staleness(world, each, await prepare(world, each))
        staleMs.push(ms)
        for (const status of seen) statuses.add(status)
      }
      results.push({ what, mode: 'connected', staleMs, statuses })
      print(line(results.at(-1)!))
    }

    // All at once, so that the copies grow old once for all.
    const cases = await Promise.all(
      REVOCATIONS.map(async ([what, prepare]) => {
        const each = await makeCase(world, integration)
        return { what, each, revoke: await prepare(world, each) }
      }),
    )
    const untouched = await makeCase(world, integration)
    const { launcher, nats } = world.house.running
    process.kill(launcher.pid, 'SIGSTOP')
    process.kill(nats.pid, 'SIGSTOP')
    try {
      await Promise.all(
        cases.map(async ({ what, each, revoke }) => {
          const [ms, statuses] = await staleness(world, each, revoke)
          results.push({ what, mode: 'NATS stopped', staleMs: [ms], statuses })
          print(line(results.at(-1)!))
        }),
      )
      const served = await world.exchange(untouched.key, untouched.token)
      results.push({ what: 'nothing', mode: 'NATS stopped', staleMs: [], statuses: new Set([served.status]) })
      const owners = world.house.services.filter(({ service }) => service === 'identity' || service === 'integrations')
      // Both ways are cut: the vault can neither hear nor ask, and the gateway still knows the key.
      for (const { pid } of owners) if (pid) process.kill(pid, 'SIGSTOP')
      try {
        const refused = await world.exchange(untouched.key, untouched.token)
        results.push({
          what: 'nothing',
          mode: 'NATS and the owners stopped',
          staleMs: [],
          statuses: new Set([refused.status]),
        })
      } finally {
        for (const { pid } of owners) if (pid) process.kill(pid, 'SIGCONT')
      }
    } finally {
      process.kill(nats.pid, 'SIGCONT')
      process.kill(launcher.pid, 'SIGCONT')
    }
    const text = report(results)
    print(`\n${text}`)
    await writeReport('staleness', text)
    if (!isKept(results)) process.exitCode = 1
  } finally {
    await world.stop()
  }
}

const worstOf = (results: readonly Result[], mode: string): number =>
  Math.max(...results.filter((each) => each.mode === mode).flatMap(({ staleMs }) => staleMs))

const closed = (results: readonly Result[]): boolean =>
  results.filter(({ mode }) => mode.endsWith('owners stopped')).every(({ statuses }) => !statuses.has(200))

const isKept = (results: readonly Result[]): boolean =>
  worstOf(results, 'connected') <= CONNECTED_AIM_MS &&
  worstOf(results, 'NATS stopped') <= BOUND_MS + SLACK_MS &&
  closed(results)

const line = ({ what, mode, staleMs, statuses }: Result): string =>
  `| ${what} | ${mode} | ${staleMs.length} | ${staleMs.length ? ms(Math.max(...staleMs)) : ''} | ${[...statuses].sort().join(', ')} |`

function report(results: readonly Result[]): string {
  return `# How long something that was taken away is still given

\`npm run prove -- staleness\`, ${revision()} STALENESS_ROUNDS=${ROUNDS}.

Machine: ${machine()}

From the answer to the revocation to the end of the last token exchange that was served. The vault hears of changes by
message; what it has not heard anything of for ${BOUND_MS / 1000} s it asks the owner for, and refuses when the owner does
not answer. \`NATS stopped\`: the broker takes connections and does nothing (SIGSTOP), which is what a cut line looks like.

**Worst when connected: ${ms(worstOf(results, 'connected'))} (aim ${CONNECTED_AIM_MS} ms); worst with NATS stopped:
${ms(worstOf(results, 'NATS stopped'))} (bound ${BOUND_MS} ms and a heartbeat); with the owners stopped too:
${closed(results) ? 'nothing is given' : 'SOMETHING IS GIVEN'}.**

| what is taken away | | times | given for at most | answers |
|---|---|---:|---:|---|
${results.map(line).join('\n')}
`
}

await run()

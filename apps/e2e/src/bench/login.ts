import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { LoginProvider, type Person } from '../login-provider.js'
import { print } from '../print.js'
import { quickLogin } from '../quick-login.js'
import { World } from '../world.js'
import { figuresOf, type Sample } from './load.js'
import { machine, ms, revision, round, writeReport } from './report.js'

const CONCURRENCY = [1, 8, 32]
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const PEOPLE = 200
const GROUPS = 500
/** A login that changes all memberships of somebody in so many groups. */
const AIM_OF_GROUPS_MS = 200
const ROUNDS = 10

/** Logins, one after the other in each browser, and how long the provider worked meanwhile. */
async function logins(
  world: World,
  provider: LoginProvider,
  people: readonly Person[],
  { concurrency, seconds, agent }: { concurrency: number; seconds: number; agent: Agent },
): Promise<Sample & { providerMs: number }> {
  const times: number[] = []
  let errors = 0
  let next = 0
  const busyBefore = provider.busyMs
  const began = performance.now()
  const browse = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const from = performance.now()
      const { cookie } = await quickLogin(world.address, provider, people[next++ % people.length]!, agent)
      times.push(performance.now() - from)
      if (!cookie) errors++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, browse))
  return { times, tookMs: performance.now() - began, errors, providerMs: provider.busyMs - busyBefore }
}

async function one(world: World, provider: LoginProvider, person: Person, agent: Agent): Promise<number> {
  const busyBefore = provider.busyMs
  const from = performance.now()
  const { cookie } = await quickLogin(world.address, provider, person, agent)
  if (!cookie) throw new Error('a login was refused')
  return performance.now() - from - (provider.busyMs - busyBefore)
}

const names = (prefix: string): string[] => Array.from({ length: GROUPS }, (_, index) => `${prefix}-${index + 1}`)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

async function run(): Promise<void> {
  const provider = await LoginProvider.start()
  const world = await World.start({ settings: [...provider.settings, 'OAuth2.GroupsAutoProvision=true'] })
  const agent = new Agent({ connections: 64 })
  try {
    const people = Array.from({ length: PEOPLE }, (_, index) => ({
      sub: randomUUID(),
      preferred_username: `user-${index}`,
      email: `user-${index}@example.org`,
      groups: ['analysts', 'everybody'],
    }))
    await logins(world, provider, people, { concurrency: 8, seconds: SECONDS, agent })
    const rows: string[] = []
    for (const concurrency of CONCURRENCY) {
      const sample = await logins(world, provider, people, { concurrency, seconds: SECONDS, agent })
      const { perSecond, p50, p99, answers, errors } = figuresOf(sample)
      const ours = answers / ((sample.tookMs - sample.providerMs) / 1000)
      rows.push(
        `| ${concurrency} | ${round(ours)} | ${round(perSecond)} | ${ms(p50)} | ${ms(p99)} | ${ms(sample.providerMs / answers)} | ${errors} |`,
      )
      print(rows.at(-1)!)
    }

    const member = { sub: randomUUID(), preferred_username: 'member', email: 'member@example.org' }
    const made = await one(world, provider, { ...member, groups: names('first') }, agent)
    await one(world, provider, { ...member, groups: names('second') }, agent)
    const changed: number[] = []
    const same: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const groups = names(round % 2 === 0 ? 'first' : 'second')
      changed.push(await one(world, provider, { ...member, groups }, agent))
      same.push(await one(world, provider, { ...member, groups }, agent))
    }
    const worst = Math.max(...changed)
    const text = `# Logins: how many a second

\`npm run bench:login\`, ${revision()}

Machine: ${machine()}

One process of each service, PostgreSQL with fsync and NATS on this machine; the provider answers from the process that
logs people in. Each login is the whole way: \`/__login__\`, the provider, the callback with code, ID token and
UserInfo, and one append with profile, memberships and session. ${SECONDS} s at each concurrency, after a warm-up.

| at once | logins/s without the provider's time | logins/s | p50 | p99 | provider's part of one | errors |
|---:|---:|---:|---:|---:|---:|---:|
${rows.join('\n')}

Memberships of ${GROUPS} groups in one login, without the provider's time (it aims at ${AIM_OF_GROUPS_MS} ms: ${worst < AIM_OF_GROUPS_MS ? 'reached' : 'NOT reached'}):

| login | time |
|---|---:|
| makes all ${GROUPS} groups, first of this person | ${ms(made)} |
| leaves ${GROUPS} groups and enters ${GROUPS} others, median of ${ROUNDS} | ${ms(median(changed))} |
| the same, the slowest | ${ms(worst)} |
| changes nothing, median of ${ROUNDS} | ${ms(median(same))} |
`
    print(`\n${text}`)
    await writeReport('login', text)
  } finally {
    await agent.close()
    await world.stop()
    await provider.close()
  }
}

await run()

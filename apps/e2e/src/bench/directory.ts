import { Agent, request } from 'undici'
import { eventually } from '#libs/testing'
import { print } from '../print.js'
import { World } from '../world.js'
import { figuresOf, type Sample } from './load.js'
import { machine, ms, revision, round, writeReport } from './report.js'

const PEOPLE = Number(process.env.BENCH_PEOPLE ?? 100_000)
const GROUPS = Number(process.env.BENCH_GROUPS ?? 10_000)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const WARM_UP_SECONDS = 3
const CONCURRENCY = [1, 4]
/** What this stage aims at, one request after the other. */
const AIM_P99_MS = 50
const MAKERS = 24
const SEARCHES = [...[0, 1, 2, 3].map((length) => ({ path: 'users', length })), { path: 'groups', length: 2 }]

const FIRST =
  'Aisha Ana Anna Ben Carla Chen Clara Daniel David Elif Elizabeth Emma Fatima Felix Frank Greta Hana Hassan Ines Ivan ' +
  'Jack Jakob James Jan Jana Jennifer Jessica Joao John Jonas Joseph Julia Karen Kenji Lars Laura Lena Li Linda Lucas ' +
  'Maria Mark Mary Max Maya Michael Mohamed Nadia Nina Noah Olga Omar Patricia Paul Peter Priya Quinn Rafael Richard ' +
  'Robert Rosa Samuel Sara Sarah Sofia Stefan Susan Thomas Tina Uma Victor Walter Wei William Xenia Yara Yusuf Zoe'
const LAST =
  'Adams Ahmed Allen Anderson Baker Becker Brown Campbell Carter Clark Davis Diaz Evans Fischer Garcia Gonzalez Gupta ' +
  'Hall Harris Hernandez Hill Hoffmann Huang Ito Jackson Jensen Johnson Jones Kim King Kowalski Kumar Lee Lewis Lopez ' +
  'Martin Martinez Meyer Miller Mitchell Moore Müller Nakamura Nelson Nguyen Novak Okafor Olsen Patel Perez Quispe ' +
  'Ramirez Roberts Robinson Rodriguez Rossi Sanchez Sato Schmidt Schneider Schulz Scott Silva Singh Smith Suzuki Tanaka ' +
  'Taylor Thomas Thompson Torres Tran Turner Ueda Vargas Wagner Walker Wang Weber White Williams Wilson Wright Young Zhang'

/** The same people in every run: a linear congruence is chance enough. */
function chance(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}
const pick = <T>(random: () => number, values: readonly T[]): T => values[Math.floor(random() * values.length)]!

interface Made {
  readonly username: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string
  readonly external_id: string
}

function population(): Made[] {
  const random = chance(7)
  const [first, last] = [FIRST.split(' '), LAST.split(' ')]
  return Array.from({ length: PEOPLE }, (_, index) => {
    const [firstName, lastName] = [pick(random, first), pick(random, last)]
    const username = `${firstName}.${lastName}${index}`.toLowerCase()
    const email = `${username}@example.org`
    return { username, first_name: firstName, last_name: lastName, email, external_id: `bench-${index}` }
  })
}

async function make(
  world: World,
  agent: Agent,
  key: string,
  path: string,
  bodies: readonly object[],
  what: string,
): Promise<void> {
  const waiting = bodies.entries()
  const work = async (): Promise<void> => {
    for (const [index, body] of waiting) {
      const answer = await request(`${world.address}/__api__/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Key ${key}` },
        body: JSON.stringify(body),
        dispatcher: agent,
      })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`${what} ${index}: ${answer.statusCode} ${text}`)
      if ((index + 1) % 10_000 === 0) print(`${index + 1} ${what} …`)
    }
  }
  await Promise.all(Array.from({ length: MAKERS }, work))
}

/** Searches as people type them: the beginning of some name that is there, however many have it. */
function prefixes(people: readonly Made[], length: number): string[] {
  const random = chance(11)
  return Array.from({ length: 500 }, () => {
    const person = pick(random, people)
    return pick(random, [person.username, person.first_name, person.last_name]).slice(0, length)
  })
}

async function search(
  world: World,
  agent: Agent,
  key: string,
  path: string,
  queries: readonly string[],
  { concurrency, seconds }: { concurrency: number; seconds: number },
): Promise<Sample> {
  const times: number[] = []
  let errors = 0
  let next = 0
  const began = performance.now()
  const type = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const prefix = encodeURIComponent(queries[next++ % queries.length]!)
      const from = performance.now()
      const answer = await request(`${world.address}/__api__/v1/${path}?prefix=${prefix}`, {
        headers: { authorization: `Key ${key}` },
        dispatcher: agent,
      })
      await answer.body.text()
      times.push(performance.now() - from)
      if (answer.statusCode !== 200) errors++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, type))
  return { times, tookMs: performance.now() - began, errors }
}

async function run(): Promise<void> {
  const world = await World.start()
  const agent = new Agent({ connections: 64 })
  try {
    const alice = world.person('alice')
    await alice.logIn()
    const key = await alice.makeKey('bench')
    print(`The system is ready; ${PEOPLE} people and ${GROUPS} groups are made by the API …`)
    const people = population()
    const began = performance.now()
    await make(world, agent, key, 'users', people, 'people')
    const groups = Array.from({ length: GROUPS }, (_, index) => ({ name: `${LAST.split(' ')[index % 80]} ${index}` }))
    await make(world, agent, key, 'groups', groups, 'groups')
    const filledMs = performance.now() - began
    // As a server is some minutes later: everything told to the others, and what autovacuum does is done.
    const database = world.house.pool('identity')
    await eventually(
      async () =>
        (await database.query<{ none: boolean }>('select not exists (select from outbox) as none')).rows[0]?.none,
      { timeoutMs: 600_000, intervalMs: 500 },
    )
    await database.query('vacuum analyze')

    const rows: string[] = []
    let worst = 0
    for (const { path, length } of SEARCHES) {
      const queries = path === 'users' ? prefixes(people, length) : groups.map(({ name }) => name.slice(0, length))
      await search(world, agent, key, path, queries, { concurrency: 1, seconds: WARM_UP_SECONDS })
      for (const concurrency of CONCURRENCY) {
        const sample = await search(world, agent, key, path, queries, { concurrency, seconds: SECONDS })
        const { perSecond, p50, p99, errors } = figuresOf(sample)
        if (path === 'users' && concurrency === 1) worst = Math.max(worst, p99)
        rows.push(
          `| ${path} | ${length} | ${concurrency} | ${round(perSecond)} | ${ms(p50)} | ${ms(p99)} | ${errors} |`,
        )
        print(rows.at(-1)!)
      }
    }
    const text = `# A large directory: searching people

\`npm run bench:directory\`, ${revision()}

Machine: ${machine()}

${PEOPLE} people and ${GROUPS} groups, made one by one through \`POST /v1/users\` and \`POST /v1/groups\`
(${round((PEOPLE + GROUPS) / (filledMs / 1000))}/s), one process of each service. Then \`GET /v1/users?prefix=\` through
the gateway with an administrator's API key: the first page of 20 and the exact number of all, for beginnings of names
that are there, taken at random, so that frequent ones come often. ${SECONDS} s each, after a warm-up of ${WARM_UP_SECONDS} s.

| searched | letters | at once | searches/s | p50 | p99 | errors |
|---|---:|---:|---:|---:|---:|---:|
${rows.join('\n')}

p99 of a search of people under ${AIM_P99_MS} ms, one after the other, whatever the length: ${worst < AIM_P99_MS ? 'reached' : 'NOT reached'}.
`
    print(`\n${text}`)
    await writeReport('directory', text)
  } finally {
    await agent.close()
    await world.stop()
  }
}

await run()

import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '#libs/testing'
import { machine, ms, revision, round, writeReport } from '../bench/report.js'
import type { Instance } from '../house.js'
import { print } from '../print.js'
import { ownsPort } from '../socket-owner.js'
import { World, type Exchanged } from '../world.js'

const listed = (name: string, usual: readonly number[]): readonly number[] =>
  process.env[`SINGLE_FLIGHT_${name}`]?.split(',').map(Number) ?? usual
const REPLICAS = listed('REPLICAS', [2, 3])
const LATENCIES = listed('LATENCIES', [50, 500, 11_500])
const CALLERS = listed('CALLERS', [300, 1000])
const OTHERS = 10
/** Exchanges of other people's valid tokens a second, at a rate that does not depend on the answers. */
const OTHERS_PER_SECOND = 40
const IDLE_SECONDS = 10

interface Burst {
  readonly replicas: number
  readonly latencyMs: number
  readonly callers: number
  readonly upstream: number
  readonly served: number
  readonly tokens: number
  /** Milliseconds beyond the provider's own: p50, p99, the longest. */
  readonly beyond: readonly [number, number, number]
  readonly othersRefused: number
  /** p99 of the others: before, while everybody waits for the provider, and from the first request to the last answer. */
  readonly others: { readonly idle: number; readonly waiting: number; readonly whole: number }
}

interface Killed {
  readonly replicas: number
  readonly served: number
  readonly unavailable: number
  readonly other: number
  readonly tokens: number
  readonly upstream: number
}

interface Timed {
  readonly at: number
  readonly tookMs: number
  readonly status: number
}

const share = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN

class Trial {
  private constructor(
    readonly world: World,
    private readonly replicas: number,
    private readonly key: string,
    private readonly content: string,
    private readonly others: readonly string[],
  ) {}

  static async start(replicas: number): Promise<Trial> {
    const world = await World.start({ replicas: { vault: replicas } })
    const owner = world.person('alice')
    await owner.logIn()
    const key = await owner.makeKey('owner')
    const content = await world.makeContent(key, 'probe', world.probe.url, [await world.makeIntegration(key)])
    const names = Array.from({ length: OTHERS }, (_, index) => `guest-${index + 1}`)
    for (const name of names) await world.person(name).consent(content)
    return new Trial(
      world,
      replicas,
      key,
      content,
      names.map((name) => world.probe.tokenOf(name)),
    )
  }

  /** A viewer whose access token at the vendor has just ended. */
  async expired(username: string): Promise<string> {
    await this.world.setFaults({ account: username, access_token_seconds: 1 })
    await this.world.person(username).consent(this.content)
    await eventually(async () => (await this.world.journal()).latest_token_live[username] === false)
    return this.world.probe.tokenOf(username)
  }

  /** Exchanges other people's tokens until told to stop. */
  load(): () => Promise<Timed[]> {
    const stop = new AbortController()
    const answers: Promise<Timed>[] = []
    const send = async (): Promise<void> => {
      for (let count = 0; !stop.signal.aborted; count++) {
        answers.push(this.#timed(this.others[count % this.others.length]!))
        await delay(1000 / OTHERS_PER_SECOND)
      }
    }
    const sending = send()
    return async () => {
      stop.abort()
      await sending
      return Promise.all(answers)
    }
  }

  async burst(username: string, latencyMs: number, callers: number, idle: number): Promise<Burst> {
    const token = await this.expired(username)
    await this.world.setFaults({ account: username, grant_type: 'refresh_token', delay_ms: latencyMs })
    const stop = this.load()
    const began = performance.now()
    const answers = await Promise.all(
      Array.from({ length: callers }, async () => {
        const answer = await this.world.exchange(this.key, token)
        return { ...answer, tookMs: performance.now() - began }
      }),
    )
    const ended = performance.now()
    const others = await stop()
    const refused = others.filter(({ status }) => status !== 200).map(({ status }) => status)
    if (refused.length > 0) print(`others were refused meanwhile: ${refused.join(', ')}`)
    const beyond = answers.map(({ tookMs }) => tookMs - latencyMs)
    // When the last callers have come in and the first answers are not on their way.
    const waiting = others.filter(({ at }) => at - began > latencyMs / 2 && at - began < latencyMs * 0.95)
    const p99 = (timed: readonly Timed[]): number =>
      share(
        timed.map(({ tookMs }) => tookMs),
        0.99,
      )
    return {
      ...{ replicas: this.replicas, latencyMs, callers },
      upstream: (await this.world.journal()).by_account[username]?.refresh_token ?? 0,
      served: answers.filter(({ status }) => status === 200).length,
      tokens: new Set(answers.map((answer) => answer.token)).size,
      beyond: [share(beyond, 0.5), share(beyond, 0.99), Math.max(...beyond)],
      othersRefused: refused.length,
      others: { idle, waiting: p99(waiting), whole: p99(others.filter(({ at }) => at < ended)) },
    }
  }

  async idle(): Promise<number> {
    const stop = this.load()
    await delay(IDLE_SECONDS * 1000)
    return share(
      (await stop()).map(({ tookMs }) => tookMs),
      0.99,
    )
  }

  /** The vault that refreshes is killed before the provider was reached. */
  async killed(username: string, callers: number): Promise<Killed> {
    const token = await this.expired(username)
    await this.world.setFaults({ grant_type: 'refresh_token', when: 'before_arrival', delay_ms: 60_000, times: 1 })
    const exchanges = Promise.all(Array.from({ length: callers }, () => this.world.exchange(this.key, token)))
    const holder = await eventually(async () => this.#holderOf((await this.world.journal()).held))
    const pid = this.world.house.kill(holder.name)
    const answers = await exchanges
    await this.world.house.restarted(holder.name, pid)
    const count = (test: (answer: Exchanged) => boolean): number => answers.filter(test).length
    return {
      replicas: this.replicas,
      served: count(({ status }) => status === 200),
      unavailable: count(({ status }) => status === 502 || status === 503),
      other: count(({ status }) => ![200, 502, 503].includes(status)),
      tokens: new Set(answers.flatMap((answer) => answer.token ?? [])).size,
      upstream: (await this.world.journal()).by_account[username]?.refresh_token ?? 0,
    }
  }

  async #timed(token: string): Promise<Timed> {
    const at = performance.now()
    const { status } = await this.world.exchange(this.key, token)
    return { at, tookMs: performance.now() - at, status }
  }

  #holderOf([port]: readonly number[]): Instance | undefined {
    const vaults = this.world.house.services.filter(({ service }) => service === 'vault')
    return vaults.find(({ pid }) => pid !== undefined && port !== undefined && ownsPort(pid, port))
  }
}

async function run(): Promise<void> {
  const bursts: Burst[] = []
  const kills: Killed[] = []
  for (const replicas of REPLICAS) {
    const trial = await Trial.start(replicas)
    let viewer = 0
    try {
      // Until V8 has compiled what is busy.
      await trial.burst('guest-100', 50, 300, 0)
      const idle = await trial.idle()
      for (const latencyMs of LATENCIES) {
        for (const callers of CALLERS) {
          const burst = await trial.burst(`guest-${101 + viewer++}`, latencyMs, callers, idle)
          bursts.push(burst)
          print(row(burst))
        }
      }
      kills.push(await trial.killed('victor', 300))
      print(killRow(kills.at(-1)!))
    } finally {
      await trial.world.stop()
    }
  }
  const text = report(bursts, kills)
  print(`\n${text}`)
  await writeReport('single-flight', text)
  if (!bursts.every(isRight) || !kills.every(isRightAfterKill)) process.exitCode = 1
}

const isRight = ({ upstream, served, callers, tokens, othersRefused }: Burst): boolean =>
  othersRefused === 0 && upstream === 1 && served === callers && tokens === 1
const isRightAfterKill = ({ upstream, tokens, other, served }: Killed): boolean =>
  upstream === 1 && tokens === 1 && other === 0 && served > 0

const times = (value: number, idle: number): string => (Number.isNaN(value) ? '–' : `${(value / idle).toFixed(1)}×`)

const row = ({ replicas, latencyMs, callers, upstream, served, tokens, beyond, others }: Burst): string =>
  `| ${replicas} | ${round(latencyMs)} ms | ${callers} | ${upstream} | ${served} | ${tokens} | ${beyond.map(ms).join(' | ')} | ` +
  `${ms(others.idle)} | ${times(others.waiting, others.idle)} | ${times(others.whole, others.idle)} |`

const killRow = ({ replicas, served, unavailable, other, tokens, upstream }: Killed): string =>
  `| ${replicas} | ${served} | ${unavailable} | ${other} | ${tokens} | ${upstream} |`

function report(bursts: readonly Burst[], kills: readonly Killed[]): string {
  const long = bursts.filter(({ latencyMs }) => latencyMs >= 11_500)
  const calm = long.every(({ others }) => others.waiting <= 2 * others.idle)
  return `# Many exchanges of one expired token

\`npm run prove -- single-flight\`, ${revision()}

Machine: ${machine()}

As many callers at once as the table says exchange the token of one viewer, expired, through the gateway and several vaults;
the provider takes its time. Meanwhile ${OTHERS} other people's valid tokens are exchanged ${OTHERS_PER_SECOND} times a second;
${bursts.reduce((sum, { othersRefused }) => sum + othersRefused, 0)} of those exchanges failed. "Waiting" is the time in which all callers have come in and the provider thinks, which shows whether they
hold anything that others need; the whole burst is also hundreds of requests that reach two processors at the same moment,
from a client on the same machine.

**One request to the provider, one token, everybody served: ${bursts.every(isRight) ? 'in every row' : 'NOT in every row'}.** Others' p99 at most twice
their idle p99 while everybody waits 11.5 s: ${calm ? 'reached' : 'NOT reached'}.

| vaults | provider takes | callers | requests to it | served | tokens | beyond it: p50 | p99 | max | others' p99 idle | waiting | whole burst |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${bursts.map(row).join('\n')}

300 callers, and the vault that refreshes is killed before its request has reached the provider. Those who waited in it
are told that it is gone (502, 503); all the others are served after one takeover at the end of the lease of 25 s:

| vaults | served | told to come again | other answers | tokens | requests to the provider |
|---:|---:|---:|---:|---:|---:|
${kills.map(killRow).join('\n')}

A vault that is paused in the middle of a refresh, and comes back late: \`apps/e2e/src/rotation.spec.ts\` (R01).
`
}

await run()

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { request } from 'undici'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { DIST, newData } from './house.js'
import { REUSE, RotatingProvider, type Hold, type Reuse } from './rotating-provider.js'
import { ownsPort } from './socket-owner.js'
import { World } from './world.js'

/** Where a vault is killed, and how it is held up there: by the provider, or by `failpoints.ts` inside the process. */
export const FAILPOINTS = {
  'FP0 before intent': { inside: 'FP0' },
  'FP1 after intent, before send': { inside: 'FP1' },
  'FP2 sent, provider drops it': { hold: 'before_commit', carriedOut: false },
  'FP2 sent, provider completes it later': { hold: 'before_commit', carriedOut: true },
  'FP3 provider committed, nothing answered': { hold: 'after_commit', carriedOut: true },
  'FP4 response cut in the middle': { hold: 'mid_body', carriedOut: true },
  'FP5 response read, before seal': { inside: 'FP5' },
  'FP6 commit not sent': { inside: 'FP6, not stored' },
  'FP6 committed, acknowledgement not seen': { inside: 'FP6, stored' },
  'FP7 committed, before anything else': { inside: 'FP7' },
  'FP8 before answering the caller': { inside: 'FP8' },
} as const satisfies Record<string, { inside: string } | { hold: Hold; carriedOut: boolean }>
export type Failpoint = keyof typeof FAILPOINTS
export const failpoints = Object.keys(FAILPOINTS) as Failpoint[]

export type Outcome = 'ok' | 'lost, detected'

/** The names of the classes in the documents. */
export const CLASS: Readonly<Record<Reuse, string>> = { allowed: 'K1', grace: 'K2', refused: 'K3', ends_grant: 'K4' }

/** What the documents promise for one cell. */
export function promised(failpoint: Failpoint, reuse: Reuse): Outcome {
  if (reuse === 'allowed' || reuse === 'grace') return 'ok'
  const loses: readonly Failpoint[] = [
    'FP2 sent, provider completes it later',
    'FP3 provider committed, nothing answered',
    'FP4 response cut in the middle',
    'FP5 response read, before seal',
    'FP6 commit not sent',
  ]
  return loses.includes(failpoint) ? 'lost, detected' : 'ok'
}

export interface Cell {
  readonly outcome: Outcome
  /** Milliseconds from the kill to the event that says that the attempt is in doubt; absent where none has to. */
  readonly detectedMs?: number
  /** Milliseconds from the kill to the first exchange that was answered for good. */
  readonly recoveredMs: number
}

interface Viewing {
  readonly integration: string
  readonly content: string
  token: string
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly access_token?: string
    readonly code?: number
    readonly payload?: { readonly oauth_error?: string; readonly consent_url?: string; readonly reason?: string }
  }
}

const VIEWER = 'vera'

/** One house with a vault that can be held up, one provider of each class, and one viewer who has consented to each. */
export class RotationTrial {
  private constructor(
    readonly world: World,
    readonly provider: RotatingProvider,
    private readonly key: string,
    private readonly control: string,
    private readonly viewings: ReadonlyMap<Reuse, Viewing>,
    private readonly leaseMs: number,
  ) {}

  /** @param options how many vaults, and how long one has the sole right to refresh a grant */
  static async start(options: { vaults?: number; leaseMs?: number } = {}): Promise<RotationTrial> {
    const provider = await RotatingProvider.start()
    const control = path.join(newData(), 'failpoint')
    const preload = pathToFileURL(path.join(DIST, 'e2e/src/failpoints.js')).href
    const { vaults = 1, leaseMs = 2_500 } = options
    const deadlines = {
      TokenRequestTimeout: `${leaseMs - 500}ms`,
      RefreshLease: `${leaseMs}ms`,
      RefreshWait: '12s',
      RouteTimeout: '15s',
    }
    const world = await World.start({
      replicas: { vault: vaults },
      settings: Object.entries(deadlines).map(([name, value]) => `Exchange.${name}=${value}`),
      environment: { NODE_OPTIONS: `--import=${preload}`, KEYBEARER_E2E_FAILPOINTS: control },
    })
    try {
      const owner = world.person('alice')
      await owner.logIn()
      const key = await owner.makeKey('owner')
      const viewings = new Map<Reuse, Viewing>()
      for (const reuse of REUSE) {
        const { guid } = await world.call<{ guid: string }>(
          key,
          'POST',
          '/v1/oauth/integrations',
          provider.integration(reuse),
        )
        const content = await world.makeContent(key, reuse, world.probe.url, [guid])
        viewings.set(reuse, { integration: guid, content, token: '' })
      }
      const trial = new RotationTrial(world, provider, key, control, viewings, leaseMs)
      for (const reuse of REUSE) await trial.consent(reuse)
      return trial
    } catch (error) {
      await world.stop()
      await provider.close()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.provider.close()
    await this.world.stop()
    rmSync(path.dirname(this.control), { recursive: true, force: true })
  }

  /** Has the viewer visit, and consent where that is asked for, until an exchange gives a token. */
  async consent(reuse: Reuse): Promise<void> {
    const viewing = this.#of(reuse)
    const viewer = this.world.person(VIEWER)
    const consentUrl = `${this.world.address}/__oauth__/integrations/${viewing.integration}/login`
    const query = new URLSearchParams({ return_to: `/content/${viewing.content}/` })
    await eventually(
      async () => {
        await viewer.open(viewing.content)
        viewing.token = this.world.probe.tokenOf(VIEWER)
        if ((await this.exchange(reuse)).status === 200) return true
        // The gateway remembers who has consented: the refusal's own link leads there.
        await viewer.browser.get(`${consentUrl}?${query.toString()}`)
        return false
      },
      { timeoutMs: 20_000 },
    )
  }

  /** Kills the vault while it refreshes one grant of each class, all held at the failpoint, and looks what becomes of them. */
  async kill(failpoint: Failpoint): Promise<ReadonlyMap<Reuse, Cell>> {
    const { house } = this.world
    for (const reuse of REUSE) {
      if ((await this.exchange(reuse)).status !== 200) await this.consent(reuse)
    }
    const positions = await this.#lastPosition()
    const before = new Map(REUSE.map((reuse) => [reuse, this.provider.countOf(reuse)]))
    await this.expire()
    const point = FAILPOINTS[failpoint]
    rmSync(`${this.control}.reached`, { force: true })
    if ('hold' in point) this.provider.hold = point.hold
    else writeFileSync(this.control, point.inside)
    const began = performance.now()
    const dying = REUSE.map((reuse) => this.exchange(reuse).catch(() => undefined))
    await eventually(() =>
      'hold' in point ? this.provider.held === REUSE.length : this.#reached(point.inside) === REUSE.length,
    )
    // On a machine that is busy with other things: a lease that has ended while we waited would be another experiment.
    const isLate = performance.now() - began > this.leaseMs * 0.8
    rmSync(this.control, { force: true })
    const killedAt = new Date()
    const killed = performance.now()
    const pid = house.kill('vault')
    if ('hold' in point) this.provider.release(point.carriedOut)
    await Promise.all(dying)
    await house.restarted('vault', pid)
    if (isLate) {
      for (const reuse of REUSE) await this.#settled(reuse)
      return this.kill(failpoint)
    }
    return new Map(
      await Promise.all(
        REUSE.map(async (reuse) => {
          const answer = await this.#settled(reuse)
          const recoveredMs = performance.now() - killed
          const events = await this.#eventsSince(reuse, positions)
          const doubt = events.find(({ type }) => type === 'RefreshInDoubt')
          const cell: Cell = {
            outcome: answer.status === 200 ? 'ok' : 'lost, detected',
            ...(doubt && { detectedMs: doubt.recorded_at.getTime() - killedAt.getTime() }),
            recoveredMs,
          }
          await this.#mustBeLoud(reuse, answer, events)
          const asked = this.provider.countOf(reuse) - (before.get(reuse) ?? 0)
          // What was stored needs no second refresh; nothing else has more than one declared repetition.
          const stored = ['FP6, stored', 'FP7', 'FP8'].includes('inside' in point ? point.inside : '')
          if (asked > (stored ? 1 : 2)) throw new Error(`${failpoint}, ${reuse}: ${asked} refreshes`)
          return [reuse, cell] as const
        }),
      ),
    )
  }

  /**
   * Pauses the vault that refreshes a grant, after the provider has rotated, until an event of the given type tells what
   * the other vault has made of it; then lets it go on and waits until it has stored its tokens or has found them late.
   */
  async pause(reuse: Reuse, until: string): Promise<void> {
    await this.expire([reuse])
    const known = (await this.types(reuse)).length
    this.provider.hold = 'after_commit'
    const exchange = this.exchange(reuse).catch(() => undefined)
    await eventually(() => this.provider.held === 1)
    const [port = 0] = this.provider.heldPorts
    const { services } = this.world.house
    const holder = services.find(({ service, pid }) => service === 'vault' && pid && ownsPort(pid, port))?.pid
    if (!holder) throw new Error('no vault refreshes')
    process.kill(holder, 'SIGSTOP')
    try {
      this.provider.release(true)
      await eventually(async () => (await this.types(reuse)).slice(known).at(-1) === until, { timeoutMs: 20_000 })
    } finally {
      process.kill(holder, 'SIGCONT')
    }
    await exchange
  }

  /** Whether a vault has said that it holds tokens that came too late. */
  get someCameTooLate(): boolean {
    return ['vault', 'vault-2'].some((name) =>
      this.world.house.logs(name).some(({ message }) => message === 'new tokens came too late and are forgotten'),
    )
  }

  /** The types of the events of one grant, oldest first. */
  async types(reuse: Reuse): Promise<string[]> {
    return (await this.#eventsSince(reuse, '0')).map(({ type }) => type)
  }

  /** As if their lives were over. */
  async expire(classes: readonly Reuse[] = REUSE): Promise<void> {
    await this.world.house
      .pool('vault')
      .query(
        `update model.oauth_grant set expires_at = clock_timestamp() - interval '1 minute' where integration_guid = any($1)`,
        [classes.map((reuse) => this.#of(reuse).integration)],
      )
  }

  async exchange(reuse: Reuse): Promise<Answer> {
    const form = {
      grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
      subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
      subject_token: this.#of(reuse).token,
    }
    const { statusCode, body } = await request(`${this.world.address}/__api__/v1/oauth/integrations/credentials`, {
      method: 'POST',
      headers: { authorization: `Key ${this.key}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
    const text = await body.text()
    return { status: statusCode, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer['body'] }
  }

  /**
   * Refreshes grants of these classes, one after the other.
   * @returns milliseconds from each answer of the provider to its acknowledged commit
   */
  async windows(classes: readonly Reuse[], count: number): Promise<number[]> {
    rmSync(`${this.control}.reached`, { force: true })
    for (let index = 0; index < count; index++) {
      const reuse = classes[index % classes.length]!
      await this.expire([reuse])
      const { status } = await this.exchange(reuse)
      if (status !== 200) throw new Error(`a refresh without a fault was answered ${status}`)
    }
    return this.#lines().flatMap((line) => (line.startsWith('W ') ? [Number(line.slice(2))] : []))
  }

  /** The first answer that is one: a token, or the word that the viewer has to consent again. */
  #settled(reuse: Reuse): Promise<Answer> {
    return eventually(
      async () => {
        const answer = await this.exchange(reuse)
        const isToken = answer.status === 200 && this.provider.isLive(answer.body.access_token)
        return (isToken || answer.body.payload?.oauth_error === 'consent_required') && answer
      },
      { timeoutMs: 20_000 },
    )
  }

  /** Never silent: what is lost has its intent, its doubt and its end in the log, is counted, and the refusal says how to mend it. */
  async #mustBeLoud(reuse: Reuse, { status, body }: Answer, events: readonly { type: string }[]): Promise<void> {
    if (status === 200) return
    const types = events.map(({ type }) => type)
    for (const type of ['RefreshBegun', 'RefreshInDoubt', 'ConsentRequired'])
      if (!types.includes(type)) throw new Error(`${reuse}: lost without ${type}: ${types.join(', ')}`)
    const { payload, code } = body
    const { integration } = this.#of(reuse)
    if (code !== 219 || payload?.reason !== 'rotation_in_doubt' || !payload.consent_url?.includes(integration))
      throw new Error(`${reuse}: lost without a way to mend it: ${JSON.stringify(body)}`)
    const metrics = await (await fetch(`${this.world.house.instance('vault').url}/metrics`)).text()
    for (const series of ['keybearer_refreshes_in_doubt_total', 'keybearer_consents_required_total'])
      if (!new RegExp(`^${series}\\{.*\\} [1-9]`, 'm').test(metrics)) throw new Error(`${series} does not count`)
  }

  async #lastPosition(): Promise<string> {
    const { rows } = await this.world.house
      .pool('vault')
      .query<{ position: string }>('select coalesce(max(position), 0)::text as position from log.event')
    return rows[0]!.position
  }

  async #eventsSince(reuse: Reuse, position: string): Promise<{ type: string; recorded_at: Date }[]> {
    const { rows } = await this.world.house.pool('vault').query<{ type: string; recorded_at: Date }>(
      `select event.type, event.recorded_at from log.event join model.oauth_grant g on stream_id = 'grant-' || g.guid
       where g.integration_guid = $1 and event.position > $2 order by event.position`,
      [this.#of(reuse).integration, position],
    )
    return rows
  }

  #reached(point: string): number {
    return this.#lines().filter((line) => line === point).length
  }

  #lines(): string[] {
    const file = `${this.control}.reached`
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  }

  #of(reuse: Reuse): Viewing {
    return this.viewings.get(reuse)!
  }
}

import { jest } from '@jest/globals'
import { jetstream } from '@nats-io/jetstream'
import type { ChangeMessage } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { callApi } from '../../demo/src/api.js'
import { brokenStreams, outboxSizes, staleCopies, wrongSubjects } from './checker.js'
import type { Account, Person } from './person.js'
import { print } from './print.js'
import { World } from './world.js'
import { insist, Writers } from './writers.js'

jest.setTimeout(120_000)

const CONVERGES_MS = 20_000

describe('R03 kill -9 of every kind of process while people write', () => {
  let world: World
  let alice: Person
  let aliceGuid: string
  let key: string
  let integration: string
  let content: string
  const writers = new Writers()
  /** Guids of content that was acknowledged. */
  const registered: string[] = []
  const associations = { content: '', last: [] as string[], acknowledged: 0 }
  let consentsLost = 0

  const call = <T>(method: string, path: string, body: unknown, idempotencyKey: string) =>
    callApi<T>(world.address, method, path, { authorization: `Key ${key}`, body, idempotencyKey })

  const countOf = async (
    database: 'identity' | 'integrations' | 'vault',
    type: string,
    stream = '%',
  ): Promise<number> => {
    const { rows } = await world.house
      .pool(database)
      .query<{ count: number }>('select count(*)::int as count from log.event where type = $1 and stream_id like $2', [
        type,
        stream,
      ])
    return rows[0]?.count ?? 0
  }

  beforeAll(async () => {
    const deadlines = { TokenRequestTimeout: '1500ms', RefreshLease: '2s', RefreshWait: '6s', RouteTimeout: '8s' }
    world = await World.start({
      settings: Object.entries(deadlines).map(([name, value]) => `Exchange.${name}=${value}`),
    })
    alice = world.person('alice')
    aliceGuid = (await alice.logIn()).guid
    key = await alice.makeKey('owner')
    integration = await world.makeIntegration(key)
    content = await world.makeContent(key, 'probe', world.probe.url, [integration])
    associations.content = await world.makeContent(key, 'associated', world.probe.url, [])
    await world.setFaults({ account: 'vera', access_token_seconds: 1 })
    await world.person('vera').consent(content)
    await world.person('victor').consent(content)
  })
  afterAll(async () => {
    await writers.stop().catch(() => undefined)
    await world?.stop()
  })

  function startWriters(): void {
    writers.add('content', async (tally, count) => {
      const body = { name: `kill-${count}` }
      const made = await insist(tally, (once) => call<{ guid: string }>('POST', '/v1/content', body, once))
      if (made) registered.push(made.guid)
    })
    writers.add('association', async (tally, count) => {
      // Each is a change, so that its events can be counted.
      const list = count % 2 === 0 ? [{ oauth_integration_guid: integration }] : []
      const path = `/v1/content/${associations.content}/oauth/integrations/associations`
      await insist(tally, (once) => call('PUT', path, list, once))
      associations.last = list.map((entry) => entry.oauth_integration_guid)
      associations.acknowledged++
    })
    writers.add('API key', async (tally, count) => {
      const path = `/v1/users/${aliceGuid}/keys`
      const body = { name: `kill-${count}` }
      // A key is shown once: whoever did not see the answer learns that it has been.
      await insist(
        tally,
        (once) => alice.api('POST', path, body, { 'idempotency-key': once }),
        ({ status }) => status === 409,
      )
    })
    writers.add('consent', async (tally) => {
      const { browser } = world.person('victor')
      const callback = `${world.address}/__oauth__/integrations/callback`
      const from = browser.history.length
      try {
        const query = new URLSearchParams({ return_to: `/content/${content}/` })
        await browser.get(`${world.address}/__oauth__/integrations/${integration}/login?${query.toString()}`)
        if (browser.page.url.origin !== world.vendorUrl) return
        await browser.submit({ decision: 'allow' }, { stopBefore: ({ pathname }) => pathname.startsWith('/content/') })
        const answered = browser.history.slice(from).find(({ url }) => `${url.origin}${url.pathname}` === callback)
        if (answered?.status === 302) tally.acknowledged++
        else tally.unknown++
      } catch {
        tally.unknown++
      }
    })
    writers.add('exchange', async (tally) => {
      const { status } = await world.exchange(key, world.probe.tokenOf('vera'))
      if (status === 200) tally.acknowledged++
      else if (status === 0 || status >= 500) tally.unknown++
      else {
        // The vendor had rotated when the vault died: that consent is lost, the server says so, and a new one mends it.
        consentsLost++
        await world
          .person('vera')
          .open(content)
          .catch(() => undefined)
      }
    })
  }

  it('goes on after each kill', async () => {
    startWriters()
    await eventually(() => writers.advancedSince({}), { timeoutMs: 10_000 })
    for (const name of ['vault', 'identity', 'integrations', 'gateway', 'nats', 'vault', 'identity', 'gateway']) {
      const tookMs = await world.house.killAndWait(name)
      const { progress } = writers
      await eventually(() => writers.advancedSince(progress, 2), { timeoutMs: 30_000 })
      print(`${name} was ready again after ${Math.round(tookMs)} ms`)
      expect(world.house.output).toContain(`${name} died (SIGKILL) and is started again`)
    }
  })

  it('R08 goes on after NATS has lost its store', async () => {
    await world.house.wipeNats()
    const { progress } = writers
    await eventually(() => writers.advancedSince(progress, 2), { timeoutMs: 30_000 })
    await writers.stop()
    await world.house.ready()
    print(JSON.stringify({ ...writers.tallies, consentsLost }))
  })

  it('V1, V2 has every acknowledged write exactly once, and nothing else', async () => {
    const { tallies } = writers
    const contents = await call<{ guid: string; name: string }[]>('GET', '/v1/content', undefined, '')
    const ours = contents.filter(({ name }) => name.startsWith('kill-'))
    expect(ours.map(({ guid }) => guid).sort()).toEqual([...registered].sort())
    expect(ours).toHaveLength(tallies.content!.acknowledged)
    expect(await countOf('integrations', 'ContentRegistered')).toBe(registered.length + 2)

    const path = `/v1/content/${associations.content}/oauth/integrations/associations`
    const listed = await call<{ oauth_integration_guid: string }[]>('GET', path, undefined, '')
    expect(listed.map((entry) => entry.oauth_integration_guid)).toEqual(associations.last)
    const stream = `content-${associations.content}`
    const changes = await Promise.all(
      ['IntegrationAssociated', 'IntegrationDissociated'].map((type) => countOf('integrations', type, stream)),
    )
    expect(changes[0]! + changes[1]!).toBe(associations.acknowledged)

    const keys = await alice.api<{ name: string }[]>('GET', `/v1/users/${aliceGuid}/keys`)
    const names = keys.map(({ name }) => name).filter((name) => name.startsWith('kill-'))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toHaveLength(tallies['API key']!.acknowledged)

    const { guid } = await world.person('victor').api<Account>('GET', '/v1/user')
    const { rows } = await world.house.pool('vault').query<{ count: number }>(
      `select count(*)::int as count from log.event e join model.oauth_grant g on e.stream_id = 'grant-' || g.guid
       where e.type = 'GrantObtained' and g.user_guid = $1`,
      [guid],
    )
    const obtained = rows[0]?.count
    // With the first one, before the killing began.
    const { acknowledged, unknown } = tallies.consent!
    expect(obtained).toBeGreaterThanOrEqual(acknowledged + 1)
    expect(obtained).toBeLessThanOrEqual(acknowledged + 1 + unknown)
  })

  it('V3 has whole streams with hash chains that hold', async () => {
    expect(await brokenStreams(world.house)).toEqual([])
  })

  it('V4, V6, R08 has told everybody: the last message of each subject is the present state, and copies follow', async () => {
    await eventually(async () => (await outboxSizes(world.house)) === 0, { timeoutMs: CONVERGES_MS })
    await eventually(
      async () => {
        expect(await wrongSubjects(world.house)).toEqual([])
        expect(await staleCopies(world.house)).toEqual([])
        return true
      },
      { timeoutMs: CONVERGES_MS },
    )
  })

  it('serves: a new viewer consents, the content gets their token', async () => {
    await world.setFaults()
    await world.person('priya').consent(content)
    expect(await world.exchange(key, world.probe.tokenOf('priya'))).toMatchObject({ status: 200 })
    const reuse = (await world.journal()).refresh_tokens_reused
    expect(reuse).toBeLessThanOrEqual(consentsLost)
  })

  it('would have noticed: a changed event and an old message are found', async () => {
    const { rows } = await world.house.pool('integrations').query<{ stream_id: string }>(`
      update log.event set data = replace(data, 'kill-1"', 'kill-!"') where data like '%"kill-1"%' returning stream_id`)
    expect(await brokenStreams(world.house)).toEqual(
      rows.map(({ stream_id: stream }) => `integrations: ${stream} at 1`),
    )
    expect(rows).toHaveLength(1)
    const connection = await world.house.nats()
    const subject = `integrations.content.${content}`
    const { data } =
      (await jetstream(connection)
        .streams.get('INTEGRATIONS')
        .then((stream) => stream.getMessage({ last_by_subj: subject }))) ?? {}
    const message = JSON.parse(Buffer.from(data ?? []).toString()) as ChangeMessage
    await jetstream(connection).publish(subject, JSON.stringify({ ...message, version: message.version - 1 }))
    expect(await wrongSubjects(world.house)).toEqual([subject])
  })
})

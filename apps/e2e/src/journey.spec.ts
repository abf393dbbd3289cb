import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { sessionCookie, XSRF_COOKIE, XSRF_HEADER } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { bootstrap } from '../../demo/src/api.js'
import type { AppAnswer } from '../../demo/src/content-app.js'
import { walkJourney, type Step } from '../../demo/src/journey.js'
import { Scanner, type Hit, type Sink } from './canary.js'
import type { Account, Person } from './person.js'
import { sinksOf } from './sinks.js'
import { World } from './world.js'

jest.setTimeout(120_000)

const CREDENTIALS_PATH = '/__api__/v1/oauth/integrations/credentials'

/** What a change has to bring about within two seconds, everywhere. */
const soon = (statement: () => Promise<void>) => eventually(() => statement().then(() => true), { timeoutMs: 2000 })

describe('the journey, in a world where nobody has been before', () => {
  let world: World
  let alice: Person
  let priya: Person
  let aliceKey: string
  let priyaKey: string
  let probeContent: string
  const integrations = {} as Record<'Confidential' | 'Public', string>
  const contents = {} as Record<'Confidential' | 'Public', string>
  /** API keys, from where they were shown once. */
  const keys: string[] = []

  const refused = (status: number, code: number) => expect.objectContaining({ status, code }) as Error
  const ask = async (person: Person, contentGuid: string): Promise<AppAnswer> =>
    JSON.parse((await person.browser.fetch(`${world.address}/content/${contentGuid}/?format=json`)).body) as AppAnswer

  beforeAll(async () => {
    world = await World.start({ recorded: true, replicas: { vault: 2 } })
    alice = world.person('alice')
    priya = world.person('priya')
  })
  afterAll(() => world?.stop())

  it('LOGIN-01 makes the first person who ever logs in an administrator, and nobody else', async () => {
    expect(await alice.logIn()).toMatchObject({ username: 'alice', user_role: 'administrator' })
    expect(await priya.logIn()).toMatchObject({ username: 'priya', user_role: 'viewer' })
    await expect(bootstrap(world.address, world.secrets.bootstrapSecretKey)).rejects.toEqual(refused(403, 165))
  })

  it('lets the administrator make somebody a publisher, with the page’s own XSRF token and not without', async () => {
    const { guid } = await priya.api<Account>('GET', '/v1/user')
    const change = { user_role: 'publisher' }
    await expect(priya.api('PUT', `/v1/users/${guid}`, change)).rejects.toMatchObject({ status: 403 })
    const without = alice.api('PUT', `/v1/users/${guid}`, change, { [XSRF_HEADER]: 'a guess' })
    await expect(without).rejects.toEqual(refused(403, 92))
    await alice.api('PUT', `/v1/users/${guid}`, change)
    await soon(async () => expect(await priya.api('GET', '/v1/user')).toMatchObject(change))
  })

  it('lets both make API keys, and only the administrator an integration', async () => {
    aliceKey = await alice.makeKey('administrator')
    priyaKey = await priya.makeKey('publisher')
    keys.push(aliceKey, priyaKey)
    await expect(world.makeIntegration(priyaKey)).rejects.toEqual(refused(403, 22))
    for (const mode of ['Confidential', 'Public'] as const)
      integrations[mode] = await world.makeIntegration(aliceKey, mode)
  })

  it('lets the publisher register content and associate it', async () => {
    world.contentKey.value = priyaKey
    for (const mode of ['Confidential', 'Public'] as const) {
      const name = `shown-${mode.toLowerCase()}`
      contents[mode] = await world.makeContent(priyaKey, name, world.contentAppUrl, [integrations[mode]])
    }
    probeContent = await world.makeContent(priyaKey, 'probe', world.probe.url, [integrations.Confidential])
  })

  it.each(['Confidential', 'Public'] as const)('shows two viewers of a %s integration two names', async (mode) => {
    for (const [username, name] of [
      ['vera', 'Vera L. of Acme'],
      ['victor', 'Victor O. of Acme'],
    ] as const) {
      const viewer = world.person(username)
      await viewer.consent(contents[mode])
      expect(await ask(viewer, contents[mode])).toMatchObject({ user: username, vendor: { name }, refusal: null })
    }
  })

  it('G01 gives content who its visitor is, and neither what a visitor claims nor anything of ours', async () => {
    const vera = world.person('vera')
    await vera.open(probeContent)
    const forged = {
      'posit-connect-user-session-token': 'forged',
      'rstudio-connect-credentials': '{"user":"mallory","groups":["administrators"]}',
      RStudio_Connect_Credentials: '{"user":"mallory"}',
      'keybearer-actor': 'forged',
      'x-forwarded-host': 'mallory.example',
    }
    const { status } = await vera.browser.fetch(`${world.address}/content/${probeContent}/`, { headers: forged })
    const withKey = { authorization: `Key ${priyaKey}` }
    await vera.browser.fetch(`${world.address}/content/${probeContent}/`, { headers: withKey })
    expect(status).toBe(200)
    const cookies = await vera.browser.jar.getCookies(world.address)
    const ours = cookies.filter(({ key }) => key === sessionCookie(new URL(world.address)).name || key === XSRF_COOKIE)
    expect(ours).toHaveLength(2)
    expect(world.probe.requests.length).toBeGreaterThanOrEqual(2)
    const [, asVera] = world.probe.requests
    expect(JSON.parse(asVera?.['rstudio-connect-credentials'] as string)).toEqual({
      user: 'vera',
      user_guid: expect.any(String) as string,
      groups: ['analysts', 'viewers'],
      group_guids: [expect.any(String) as string, expect.any(String) as string],
    })
    for (const headers of world.probe.requests) {
      const all = JSON.stringify(headers)
      for (const { value } of ours) expect(all).not.toContain(value)
      for (const wrong of [priyaKey, 'mallory', 'forged', 'keybearer']) expect(all).not.toContain(wrong)
    }
  })

  it('refreshes an expired token once for 20 exchanges at a time, over two vaults', async () => {
    const victor = world.person('victor')
    const expiring = await world.makeIntegration(aliceKey)
    const content = await world.makeContent(priyaKey, 'expiring', world.probe.url, [expiring])
    await world.setFaults({ account: 'victor', access_token_seconds: 2 })
    await victor.consent(content)
    const refreshes = async () => (await world.journal()).by_account.victor?.refresh_token ?? 0
    const before = await refreshes()
    await eventually(async () => (await world.journal()).latest_token_live.victor === false)
    await world.setFaults({ account: 'victor', delay_ms: 300 })
    const token = world.probe.tokenOf('victor')
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.exchange(priyaKey, token)))
    await world.setFaults()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => answer.token)).size).toBe(1)
    expect((await refreshes()) - before).toBe(1)
    expect((await world.journal()).refresh_tokens_reused).toBe(0)
  })

  it('C02 takes the content’s token from its owner only', async () => {
    const token = world.probe.tokenOf('vera')
    expect(await world.exchange(priyaKey, token)).toMatchObject({ status: 200 })
    expect(await world.exchange(aliceKey, token)).toMatchObject({ status: 403 })
    expect(await world.exchange(priyaKey, `${token.slice(0, -4)}AAAA`)).toMatchObject({ status: 400 })
  })

  it('refuses the exchange with code 212 as soon as the association is gone', async () => {
    const token = world.probe.tokenOf('vera')
    await world.associate(priyaKey, probeContent, [])
    await soon(async () => expect(await world.exchange(priyaKey, token)).toMatchObject({ status: 400, code: 212 }))
  })

  it('ends a visitor’s tokens with the visitor’s session', async () => {
    await world.associate(priyaKey, probeContent, [integrations.Confidential])
    const victor = world.person('victor')
    await victor.open(probeContent)
    const token = world.probe.tokenOf('victor')
    await soon(async () => expect(await world.exchange(priyaKey, token)).toMatchObject({ status: 200 }))
    await victor.browser.get(`${world.address}/__logout__`, { stopBefore: () => true })
    await soon(async () => expect((await world.exchange(priyaKey, token)).status).toBeGreaterThanOrEqual(400))
  })

  it.each(['Confidential', 'Public'] as const)('is walked by the demo’s browser, %s', async (authMode) => {
    world.contentKey.value = aliceKey
    const steps: Step[] = []
    const { address, oidcIssuer, vendorUrl, contentAppUrl } = world
    const { vendorClientSecret, bootstrapSecretKey } = world.secrets
    const places = { address, oidcIssuer, vendorUrl, contentAppUrl, contentGuid: contents.Confidential }
    const walked = { ...places, adminApiKey: aliceKey, vendorClientSecret, bootstrapSecretKey }
    await walkJourney(walked, (step) => void steps.push(step), { authMode })
    expect(steps).toHaveLength(8)
  })

  describe('canary', () => {
    const scanner = new Scanner()
    const planted = { kind: 'planted', value: `canary.${randomBytes(32).toString('base64url')}` }

    /** Answers that must carry a secret, by its kind. */
    const CARRIERS: Readonly<Record<string, RegExp>> = {
      'API key': /^POST \/__api__\/v1\/users\/[^/]+\/keys$/,
      'access token': new RegExp(`^POST ${CREDENTIALS_PATH}$`),
      'session cookie': /^GET \/__login__\/callback$/,
      state: /^GET \/(__login__|__oauth__\/integrations\/[^/]+\/login)$/,
    }
    const mustCarry = ({ secret, sink, place }: Hit): boolean =>
      sink === 'answer' && CARRIERS[secret]?.test(place) === true

    const scan = async (): Promise<Hit[]> => {
      const hits: Hit[] = []
      for await (const sink of sinksOf(world.house, world.proxy?.recorded ?? [])) hits.push(...scanner.find(sink))
      return hits
    }

    it('knows every secret of the run', () => {
      const { oidcClientSecret, vendorClientSecret, bootstrapSecretKey } = world.secrets
      for (const value of [oidcClientSecret, vendorClientSecret]) scanner.add({ kind: 'client secret', value })
      scanner.add({ kind: 'bootstrap key', value: bootstrapSecretKey })
      for (const value of keys) scanner.add({ kind: 'API key', value })
      for (const secret of world.witnessed) scanner.add(secret)
      const { name } = sessionCookie(new URL(world.address))
      const kinds = new Set<string>(world.witnessed.map(({ kind }) => kind))
      const add = (kind: string, value: string | null | undefined): void => {
        if (!value) return
        scanner.add({ kind, value })
        kinds.add(kind)
      }
      for (const { requestBody, headers } of world.proxy?.recorded ?? []) {
        for (const line of headers['set-cookie'] ?? [])
          add('session cookie', new RegExp(`^${name}=([^;]+)`).exec(line)?.[1])
        const form = new URLSearchParams(requestBody.toString('latin1'))
        const token = form.get('subject_token')
        if (token?.startsWith('eyJ')) add('user session token', token)
        const { location } = headers
        if (location?.includes('code_challenge=')) add('state', new URL(location).searchParams.get('state'))
      }
      expect([...kinds].sort()).toEqual([
        'ID token',
        'access token',
        'authorization code',
        'code verifier',
        'refresh token',
        'session cookie',
        'state',
        'user session token',
      ])
      expect(scanner.secrets).toBeGreaterThan(100)
    })

    it('LOGIN-09 LOGIN-10 E01–E06, E08, E11 finds none of them in answers, messages, tables, files or process environments', async () => {
      const hits = await scan()
      // What must be there is there: the scanner looks at the right bytes.
      const carried = new Set(hits.filter(mustCarry).map(({ secret }) => secret))
      expect([...carried].sort()).toEqual(Object.keys(CARRIERS).sort())
      expect(hits.filter((hit) => !mustCarry(hit))).toEqual([])
      for (const kind of ['file', 'table', 'message', 'answer', 'process'] satisfies Sink['kind'][]) {
        expect(scanner.scanned.get(kind)).toBeGreaterThan(1000)
      }
    })

    it('E20 finds one that is planted in a log, a table, a message and an answer', async () => {
      scanner.add(planted)
      const secret = planted.value
      await world.house.pool('vault').query('create table public.planted (note text)')
      await world.house
        .pool('vault')
        .query('insert into public.planted values ($1)', [Buffer.from(`::${secret}`).toString('base64')])
      const connection = await world.house.nats()
      const manager = await jetstreamManager(connection)
      await manager.streams.add({ name: 'PLANTED', subjects: ['planted'] })
      await jetstream(connection).publish('planted', Buffer.from(secret).toString('hex'))
      world.probe.body = `<p>${secret}</p>`
      await world.person('vera').open(probeContent)
      appendFileSync(world.house.instance('vault').log, `{"msg":"a leak: ${secret.slice(0, 30)}"}\n`)

      const found = (await scan()).filter((hit) => hit.secret === 'planted')
      const places = found.map(({ sink, place }) => `${sink} ${place}`)
      expect(places).toEqual(
        expect.arrayContaining([
          'file log/vault.log',
          'table vault.public.planted',
          'message planted',
          `answer GET /content/${probeContent}/`,
        ]),
      )
    })
  })
})

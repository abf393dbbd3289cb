import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { UnsecuredJWT } from 'jose'
import { Logger } from '@nestjs/common'
import type { Actor } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { grantStream } from '../grant/grant.stream.js'
import { CONSENT_URL, FakeProvider, newHouse, World } from '../house.fixture.js'
import type { Answer } from './consent.js'
import { MissingConsents } from './missing-consents.js'

const house = await newHouse()
afterAll(() => house.close())

const { provider } = house
const vault = house.process()
let world: World
let viewer: Extract<Actor, { type: 'user' }>
beforeEach(async () => {
  world = house.world()
  viewer = { type: 'user', guid: world.viewerGuid, role: 'viewer', sid: randomUUID() }
  provider.calls.length = 0
  provider.fault = undefined
  provider.expiresIn = 3600
  provider.more = {}
  vault.ask = () => Promise.resolve(undefined)
  await vault.tellAll(world)
})

const begin = async (returnTo = `/content/${world.contentGuid}/`, who = viewer): Promise<URL> => {
  const answer = await vault.consent.begin(who, world.integrationGuid, { returnTo })
  if (!('redirect' in answer)) throw new Error(answer.page.title)
  return new URL(answer.redirect)
}

const beginning = (returnTo?: string, who = viewer): Promise<Answer> =>
  vault.consent.begin(who, world.integrationGuid, { returnTo })

const begun = async (): Promise<number> =>
  (await vault.pool.query('select from consent_request where user_guid = $1', [viewer.guid])).rowCount ?? 0

/** What the provider sends back after its user has agreed. */
const agree = (url: URL, more: Record<string, string> = {}): URLSearchParams => {
  const value = `code-${randomUUID()}`
  provider.code = { value, challenge: url.searchParams.get('code_challenge') ?? '' }
  return new URLSearchParams({ state: url.searchParams.get('state') ?? '', code: value, ...more })
}

const groupGuid = randomUUID()
const goneGuid = randomUUID()
const mayView = (principal_type: 'group', principal_guid: string) =>
  ({ principal_type, principal_guid, role: 'viewer' }) as const

const statusOf = (answer: Answer): number => ('page' in answer ? answer.page.status : 302)
const titleOf = (answer: Answer): string => ('page' in answer ? answer.page.title : answer.redirect)

describe('beginning to consent', () => {
  it('sends the browser to the provider with PKCE S256 and a state', async () => {
    const url = await begin()
    expect(`${url.origin}${url.pathname}`).toBe(`${provider.url}/authorize`)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'keybearer',
      redirect_uri: 'https://kb.example/__oauth__/integrations/callback',
      scope: 'profile',
      code_challenge_method: 'S256',
    })
  })

  it('keeps what the provider wants beside that, which stands in its endpoint', async () => {
    const { authorization_server: server } = world.integration()
    const authorization_endpoint = `${provider.url}/authorize?access_type=offline&prompt=consent`
    const changed = world.integration({ authorization_server: { ...server!, authorization_endpoint } })
    await vault.tell('integration', world.integrationGuid, changed, 2)
    const { searchParams } = await begin()
    expect(Object.fromEntries(searchParams)).toMatchObject({
      access_type: 'offline',
      prompt: 'consent',
      scope: 'profile',
    })
  })

  it('keeps hashes only, and the code verifier in the safe', async () => {
    const url = await begin()
    const { rows } = await vault.pool.query('select * from consent_request where sid = $1', [viewer.sid])
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(url.searchParams.get('state'))
    expect(JSON.stringify(rows)).not.toContain(url.searchParams.get('code_challenge'))
  })

  it('B18: keeps ten requests a session at most, and their verifiers', async () => {
    const urls: URL[] = []
    for (let count = 0; count < 12; count++) urls.push(await begin())
    const { rows } = await vault.pool.query<{ guid: string }>('select guid from consent_request where sid = $1', [
      viewer.sid,
    ])
    expect(rows).toHaveLength(10)
    const kept = await vault.pool.query(`select from safe where place like 'consent_request/%' and place = any($1)`, [
      rows.map(({ guid }) => `consent_request/${guid}/code_verifier`),
    ])
    expect(kept.rowCount).toBe(10)
    expect(statusOf(await vault.consent.finish(viewer, agree(urls[0]!)))).toBe(400)
    expect(statusOf(await vault.consent.finish(viewer, agree(urls[11]!)))).toBe(302)
  })

  it('B01: knows nothing to consent to at a service account, or at what does not exist', async () => {
    await vault.tell('integration', world.integrationGuid, world.integration({ auth_type: 'Service Account' }), 2)
    expect(titleOf(await beginning())).toBe('Nothing to consent to')
    const own = world.integration({ auth_type: 'Visitor API Key', authorization_server: null, client: null })
    await vault.tell('integration', world.integrationGuid, own, 3)
    expect(titleOf(await beginning())).toBe('Nothing to consent to')
    expect(titleOf(await vault.consent.begin(viewer, randomUUID()))).toBe('Nothing to consent to')
    expect(await begun()).toBe(0)
  })

  it.each<[string, number, () => object | null]>([
    ['that the viewer may see', 302, () => ({})],
    [
      'that a group of the viewer may see',
      302,
      () => ({ access_type: 'acl', permissions: [mayView('group', groupGuid)] }),
    ],
    ['that the viewer may not see', 404, () => ({ access_type: 'acl' })],
    [
      'that only a group that is gone may see',
      404,
      () => ({ access_type: 'acl', permissions: [mayView('group', goneGuid)] }),
    ],
    ['that is locked', 404, () => ({ locked: true })],
    ['that does not exist', 404, () => null],
    [
      'with other integrations only',
      404,
      () => ({ associations: [{ oauth_integration_guid: randomUUID(), auth_type: 'Viewer' }] }),
    ],
    ['that is rendered', 409, () => ({ kind: 'rendered' })],
    ['that is static', 409, () => ({ kind: 'static' })],
    ['that is open to everybody', 409, () => ({ access_type: 'all' })],
  ])('B01: at content %s is answered with %s', async (_, status, changes) => {
    await vault.tell('group', groupGuid, { guid: groupGuid, name: 'g' })
    await vault.tell('group', goneGuid, null)
    await vault.tell('user', viewer.guid, world.user(viewer.guid, { group_guids: [groupGuid, goneGuid] }), 2)
    const changed = changes()
    await vault.tell('content', world.contentGuid, changed && { ...world.content(), ...changed }, 2)
    const answer = await beginning(`/content/${world.contentGuid}/`)
    expect(statusOf(answer)).toBe(status)
    expect(await begun()).toBe(status === 302 ? 1 : 0)
  })

  it('B01: does not begin for somebody who is locked', async () => {
    await vault.tell('user', viewer.guid, world.user(viewer.guid, { locked: true }), 2)
    for (const from of [undefined, `/content/${world.contentGuid}/`]) expect(statusOf(await beginning(from))).toBe(404)
    expect(await begun()).toBe(0)
  })

  it('asks the owner before it says no, and says nothing when the owner is down', async () => {
    await vault.tell('content', world.contentGuid, world.content({ associations: [] }), 2)
    vault.ask = ({ type, category }) =>
      Promise.resolve({
        ...{ type, schema_version: 1, revision: 9, version: 3, cause: [] },
        state: category === 'content' ? world.content() : world.user(viewer.guid),
      })
    expect(statusOf(await beginning(`/content/${world.contentGuid}/`))).toBe(302)
    await vault.tell('content', world.contentGuid, world.content({ associations: [] }), 4)
    vault.ask = () => Promise.reject(new Error('down'))
    await expect(beginning(`/content/${world.contentGuid}/`)).rejects.toMatchObject({ code: 'replica.stale' })
  })

  it('FLOW-10 B01: begins without content for viewers of content that has it, and for publishers who may use it', async () => {
    const publisher = { ...viewer, role: 'publisher' } as const
    const administrator = { ...viewer, role: 'administrator' } as const
    const may = async (who: typeof viewer) => statusOf(await beginning(undefined, who)) === 302
    expect([await may(viewer), await may(publisher)]).toEqual([true, true])
    await vault.tell('content', world.contentGuid, world.content({ access_type: 'acl' }), 2)
    expect([await may(viewer), await may(publisher)]).toEqual([false, true])
    const only = (access: object, version: number) =>
      vault.tell('integration', world.integrationGuid, { ...world.integration(), access }, version)
    await only({ user_guids: [randomUUID()], group_guids: [] }, 2)
    expect(await may(publisher)).toBe(false)
    await only({ user_guids: [viewer.guid], group_guids: [] }, 3)
    expect([await may(viewer), await may(publisher)]).toEqual([false, true])
    await only({ user_guids: [], group_guids: [groupGuid] }, 4)
    expect(await may(publisher)).toBe(false)
    await vault.tell('group', groupGuid, { guid: groupGuid, name: 'g' })
    await vault.tell('user', viewer.guid, world.user(viewer.guid, { group_guids: [groupGuid] }), 2)
    expect(await may(publisher)).toBe(true)
    await vault.tell('user', viewer.guid, world.user(viewer.guid, { user_role: 'administrator' }), 3)
    expect(await may(administrator)).toBe(true)
    expect(await may(viewer)).toBe(false)
  })
})

describe('coming back from the provider', () => {
  it('keeps the tokens and returns to the content', async () => {
    const answer = await vault.consent.finish(viewer, agree(await begin()))
    expect(answer).toEqual({ redirect: `https://kb.example/content/${world.contentGuid}/` })
    await vault.tell('user', viewer.guid, world.user(viewer.guid), 2)
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-/)
    expect(provider.calls).toHaveLength(1)
    expect(provider.calls[0]?.get('redirect_uri')).toBe('https://kb.example/__oauth__/integrations/callback')
  })

  it('R16 keeps the tokens although the safe cannot take them at once', async () => {
    const url = await begin()
    const release = provider.hold()
    const answer = vault.consent.finish(viewer, agree(url))
    await eventually(() => provider.calls.length === 1)
    Object.assign(vault.keys, { away: 1, missed: 0 })
    release()
    await eventually(() => vault.keys.missed > 0)
    vault.keys.away = undefined
    expect(statusOf(await answer)).toBe(302)
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-/)
    expect(provider.calls).toHaveLength(1)
  })

  it('begins a new generation when it happens again', async () => {
    await vault.consent.finish(viewer, agree(await begin()))
    await vault.consent.finish(viewer, agree(await begin()))
    const { rows } = await vault.pool.query('select generation from oauth_grant where guid = $1', [world.grantGuid])
    const safe = await vault.pool.query('select generation from safe where place like $1', [
      `grant/${world.grantGuid}/%`,
    ])
    expect(rows).toEqual([{ generation: 2 }])
    expect(safe.rows).toEqual([{ generation: 2 }, { generation: 2 }])
  })

  it('B03, B04, B05: is refused in any other session, and the code is not redeemed', async () => {
    const query = agree(await begin())
    const others: Actor[] = [{ type: 'anonymous' }, { ...viewer, guid: randomUUID() }, { ...viewer, sid: randomUUID() }]
    const answers = []
    for (const other of others) answers.push(await vault.consent.finish(other, query))
    expect(answers.map(statusOf)).toEqual([401, 400, 400])
    expect(answers.map(titleOf)).toEqual([
      'You are not logged in here',
      'Somebody else has begun this consent',
      'You have logged in again meanwhile',
    ])
    // One click begins again where the former session was.
    expect(answers[2]).toMatchObject({
      page: { link: { href: CONSENT_URL(world.integrationGuid, world.contentGuid) } },
    })
    expect(provider.calls).toHaveLength(0)
    expect(statusOf(await vault.consent.finish(viewer, query))).toBe(302)
  })

  it('B04: tells the log who came back with whose consent', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn')
    const other = { ...viewer, guid: randomUUID() }
    await vault.consent.finish(other, agree(await begin()))
    expect(warned).toHaveBeenCalledWith(
      { security: 'consent.another_user', user: other.guid, begun_by: viewer.guid },
      expect.any(String),
    )
    warned.mockRestore()
  })

  it('B06: redeems one of fifty that come at once', async () => {
    const query = agree(await begin())
    const answers = await Promise.all(Array.from({ length: 50 }, () => vault.consent.finish(viewer, query)))
    expect(answers.map(statusOf).filter((status) => status === 302)).toHaveLength(1)
    expect(answers.map(statusOf).filter((status) => status === 400)).toHaveLength(49)
    expect(provider.calls).toHaveLength(1)
    expect(answers.map(titleOf)).toContain('This consent is done already')
    expect(titleOf(await vault.consent.finish(viewer, query))).toBe('This consent is done already')
  })

  it('B07: is refused before the code is redeemed when another issuer answers', async () => {
    const query = agree(await begin(), { iss: 'https://honest.example' })
    expect(titleOf(await vault.consent.finish(viewer, query))).toBe('The provider refuses this integration')
    expect(provider.calls).toHaveLength(0)
  })

  it('B07: goes on when the right issuer answers', async () => {
    expect(statusOf(await vault.consent.finish(viewer, agree(await begin(), { iss: provider.url })))).toBe(302)
    expect(provider.calls).toHaveLength(1)
  })

  it('B08: with a callback path of its own an answer that arrives elsewhere is refused, and its code is not redeemed', async () => {
    const own = world.integration({ client: { ...world.integration().client!, own_callback: true } })
    await vault.tell('integration', world.integrationGuid, own, 2)
    const path = `https://kb.example/__oauth__/integrations/callback/${world.integrationGuid}`
    for (const at of [undefined, randomUUID()]) {
      const url = await begin()
      expect(url.searchParams.get('redirect_uri')).toBe(path)
      const answer = await vault.consent.finish(viewer, agree(url), at)
      expect([statusOf(answer), titleOf(answer)]).toEqual([400, 'The answer came from another provider'])
    }
    expect(provider.calls).toHaveLength(0)
    expect(statusOf(await vault.consent.finish(viewer, agree(await begin()), world.integrationGuid))).toBe(302)
    expect(provider.calls[0]?.get('redirect_uri')).toBe(path)
  })

  it('B08: an answer to an integration without a path of its own is refused on the path of another', async () => {
    const answer = await vault.consent.finish(viewer, agree(await begin()), randomUUID())
    expect(titleOf(answer)).toBe('The answer came from another provider')
    expect(provider.calls).toHaveLength(0)
  })

  it('B08: on the path that all share, the code goes only to the provider that the state is of', async () => {
    const other = await new FakeProvider().start()
    try {
      const there = new World(other)
      await vault.tell('integration', there.integrationGuid, there.integration())
      const associations = [world, there].flatMap((one) => one.content().associations)
      await vault.tell('content', world.contentGuid, world.content({ associations }), 2)
      const here = await begin()
      const returnTo = `/content/${world.contentGuid}/`
      const begun = await vault.consent.begin(viewer, there.integrationGuid, { returnTo })
      const { searchParams } = new URL('redirect' in begun ? begun.redirect : '')
      const challenge = searchParams.get('code_challenge') ?? ''
      // Who mixes them up gets a code of the one to the other: with the state of the one, it is the one that is asked.
      other.code = { value: 'theirs', challenge }
      const mixed = new URLSearchParams({ state: here.searchParams.get('state') ?? '', code: 'theirs' })
      expect(statusOf(await vault.consent.finish(viewer, mixed))).toBe(400)
      expect([provider.calls.length, other.calls.length]).toEqual([1, 0])
      const good = new URLSearchParams({ state: searchParams.get('state') ?? '', code: 'theirs' })
      expect(statusOf(await vault.consent.finish(viewer, good))).toBe(302)
      expect([provider.calls.length, other.calls.length]).toEqual([1, 1])
    } finally {
      await other.stop()
    }
  })

  it('B09: is refused without an issuer where one is promised', async () => {
    const server = {
      ...world.integration().authorization_server!,
      authorization_response_iss_parameter_supported: true,
    }
    await vault.tell('integration', world.integrationGuid, world.integration({ authorization_server: server }), 2)
    expect(titleOf(await vault.consent.finish(viewer, agree(await begin())))).toBe(
      'The provider refuses this integration',
    )
    expect(provider.calls).toHaveLength(0)
    expect(statusOf(await vault.consent.finish(viewer, agree(await begin(), { iss: provider.url })))).toBe(302)
  })

  it('B10: is refused when the integration has changed meanwhile', async () => {
    const query = agree(await begin())
    await vault.tell('integration', world.integrationGuid, world.integration(), 2)
    expect(titleOf(await vault.consent.finish(viewer, query))).toBe('The integration has changed meanwhile')
    expect(provider.calls).toHaveLength(0)
  })

  it('B11: knows no state but its own', async () => {
    const query = agree(await begin())
    query.set('state', `${query.get('state')?.slice(0, -1)}_`)
    expect(statusOf(await vault.consent.finish(viewer, query))).toBe(400)
    query.set('state', 'x'.repeat(4097))
    expect(statusOf(await vault.consent.finish(viewer, query))).toBe(400)
  })

  it('FLOW-08 says who can mend it, and offers to try again', async () => {
    const denied = async (error: string) => {
      const url = await begin()
      return await vault.consent.finish(
        viewer,
        new URLSearchParams({ state: url.searchParams.get('state') ?? '', error }),
      )
    }
    const link = {
      href: CONSENT_URL(world.integrationGuid, world.contentGuid),
      label: expect.any(String) as string,
    }
    expect(await denied('access_denied')).toMatchObject({ page: { title: 'You have not consented', link } })
    expect(await denied('invalid_scope')).toMatchObject({ page: { title: 'The provider refuses this integration' } })
    expect(await denied('<script>')).toMatchObject({ page: { title: 'The provider refuses this integration' } })
    provider.fault = { status: 500, body: {} }
    const answer = await vault.consent.finish(viewer, agree(await begin()))
    expect(answer).toMatchObject({ page: { title: 'The provider does not answer as it should' } })
  })

  it.each(['//evil.example/', '/content/x/\r\nlocation: //evil.example', '/__logout__', 'https://evil.example'])(
    'B19: does not go to %j afterwards',
    async (returnTo) => {
      const answer = await vault.consent.finish(viewer, agree(await begin(returnTo)))
      expect(answer).toEqual({ redirect: 'https://kb.example/' })
    },
  )

  it('takes an answer ten minutes long, and says so afterwards', async () => {
    const query = agree(await begin())
    await vault.pool.query('update consent_request set expires_at = clock_timestamp() where sid = $1', [viewer.sid])
    const answer = await vault.consent.finish(viewer, query)
    expect([titleOf(answer), provider.calls.length]).toEqual(['That took too long', 0])
    expect(titleOf(await vault.consent.finish(viewer, query))).toBe('This consent is done already')
  })
})

describe('what the provider gives', () => {
  const grantRow = async () =>
    (
      await vault.pool.query<{ scope: string | null; expires_at: Date | null; has_refresh_token: boolean }>(
        'select scope, expires_at, has_refresh_token from oauth_grant where guid = $1',
        [world.grantGuid],
      )
    ).rows[0]
  const consented = async (): Promise<Answer> => await vault.consent.finish(viewer, agree(await begin()))

  it.each([
    ['narrower', 'profile', 'profile'],
    ['broader', 'profile email admin', 'profile email admin'],
    ['missing', undefined, null],
  ])('B12: its scope is kept as granted, and told to content: %s', async (_, scope, kept) => {
    provider.more = { scope }
    await consented()
    expect(await grantRow()).toMatchObject({ scope: kept })
    await vault.tell('user', viewer.guid, world.user(viewer.guid), 2)
    expect((await vault.exchanged(world)).scope).toBe(kept ?? undefined)
  })

  it('B13: without a refresh token it is good until it ends, and then asked for again', async () => {
    provider.more = { refresh_token: undefined }
    await consented()
    expect(await grantRow()).toMatchObject({ has_refresh_token: false })
    await vault.tell('user', viewer.guid, world.user(viewer.guid), 2)
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-/)
    await vault.pool.query('update oauth_grant set expires_at = clock_timestamp() where guid = $1', [world.grantGuid])
    const refused = await vault.refused(world)
    expect(refused).toMatchObject({ code: 'grant.no_refresh_token', payload: { oauth_error: 'consent_required' } })
  })

  it.each([
    ['absent', undefined, null],
    ['text', '3600', 3600],
    ['a number beyond reason', 1e99, 31_536_000],
    ['0', 0, 3600],
    ['−1', -1, 3600],
    ['no number', 'NaN', 3600],
  ])('B14: expires_in that is %s', async (_, expires_in, seconds) => {
    provider.more = { expires_in }
    const before = Date.now()
    await consented()
    const { expires_at } = (await grantRow())!
    if (seconds === null) expect(expires_at).toBeNull()
    else expect(Math.abs(expires_at!.getTime() - before - seconds * 1000)).toBeLessThan(10_000)
  })

  const idToken = (sub: string) => new UnsecuredJWT({ iss: provider.url, sub }).encode()
  const tokens = async () =>
    (
      await vault.pool.query<{ place: string }>(`select place from safe where place like $1 order by place`, [
        `grant/${world.grantGuid}/%`,
      ])
    ).rows.map(({ place }) => place.split('/')[2])

  it('B15: another account does not silently take the place of the former one', async () => {
    provider.more = { id_token: idToken('alice') }
    await consented()
    const former = await vault.streams.load(grantStream, world.grantGuid)
    expect(statusOf(await consented())).toBe(302)
    provider.more = { id_token: idToken('mallory') }
    const answer = await consented()
    expect([statusOf(answer), titleOf(answer)]).toEqual([400, 'That was another account'])
    expect(await tokens()).toEqual(['access_token', 'refresh_token', 'subject'])
    expect((await vault.streams.load(grantStream, world.grantGuid)).version).toBe(former.version + 1)
    // The tokens of the other account live at the provider: it is told to end them.
    const { rows } = await vault.pool.query(
      `select from todo where kind = 'revoke_upstream' and data ->> 'integration_guid' = $1`,
      [world.integrationGuid],
    )
    expect(rows).toHaveLength(1)
  })

  it('B15: takes another account when its user says so, in so many words', async () => {
    provider.more = { id_token: idToken('alice') }
    await consented()
    provider.more = { id_token: idToken('bob') }
    const refused = await consented()
    const again = 'page' in refused ? refused.page.other?.href : undefined
    expect(new URL(again!).searchParams.get('relink')).toBe('yes')
    const returnTo = `/content/${world.contentGuid}/`
    const begun = await vault.consent.begin(viewer, world.integrationGuid, { returnTo, relink: true })
    const url = new URL('redirect' in begun ? begun.redirect : '')
    expect(statusOf(await vault.consent.finish(viewer, agree(url)))).toBe(302)
    const { rows } = await vault.pool.query<{ type: string; data: string }>(
      `select type, data from event where stream_id = $1 order by version`,
      [`grant-${world.grantGuid}`],
    )
    expect(rows.map(({ type }) => type)).toEqual(['GrantObtained', 'GrantRevoked', 'GrantObtained'])
    expect(rows.map(({ data }) => data).join()).toContain('relinked')
    expect(rows.map(({ data }) => data).join()).not.toContain('bob')
    expect(statusOf(await consented())).toBe(302)
  })

  it('B15 R16: nobody takes the place while it is not known whose it is', async () => {
    provider.more = { id_token: idToken('alice') }
    await consented()
    provider.more = { id_token: idToken('mallory') }
    const { routeTimeoutMs } = vault.settings
    Object.assign(vault.keys, { active: 2, away: 1 })
    vault.settings.routeTimeoutMs = 2_500
    try {
      await expect(consented()).rejects.toMatchObject({ kind: 'unavailable', code: 'safe.key_missing' })
    } finally {
      vault.settings.routeTimeoutMs = routeTimeoutMs
      Object.assign(vault.keys, { active: 1, away: undefined })
    }
    expect(titleOf(await consented())).toBe('That was another account')
  })

  it('B15 E17: whoever tampers with whose it is makes the vault ask, and is not taken at their word', async () => {
    provider.more = { id_token: idToken('alice') }
    await consented()
    await vault.pool.query(
      'update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1) where place = $1',
      [`grant/${world.grantGuid}/subject`],
    )
    expect(titleOf(await consented())).toBe('That was another account')
  })

  it.each<[string, number, string, string | Buffer]>([
    ['an HTML page', 200, 'text/html', '<html>{"access_token":"a"}</html>'],
    ['a redirect', 302, 'application/json', '{"access_token":"a"}'],
    ['50 MB', 200, 'application/json', Buffer.alloc(50_000_000, ' ')],
    ['a bomb', 200, 'application/json; gzip', gzipSync(Buffer.alloc(50_000_000, ' '))],
    ['an error', 500, 'application/json', '{}'],
  ])('B16: %s instead of tokens is the provider’s fault, and nothing is kept', async (_, status, type, body) => {
    const sick = createServer((request, response) => {
      request.resume()
      const [contentType, gzip] = type.split('; ')
      response.writeHead(status, {
        'content-type': contentType,
        location: `${provider.url}/token`,
        ...(gzip && { 'content-encoding': 'gzip' }),
      })
      response.end(body)
    })
    await new Promise<void>((resolve) => sick.listen(0, '127.0.0.1', resolve))
    const token_endpoint = `http://127.0.0.1:${(sick.address() as AddressInfo).port}/token`
    const authorization_server = { ...world.integration().authorization_server!, token_endpoint }
    await vault.tell('integration', world.integrationGuid, world.integration({ authorization_server }), 2)
    const answer = await consented()
    expect([400, 503]).toContain(statusOf(answer))
    expect(titleOf(answer)).toMatch(/^The provider /)
    expect(await grantRow()).toBeUndefined()
    expect(provider.calls).toHaveLength(0)
    sick.closeAllConnections()
    await new Promise((resolve) => sick.close(resolve))
  })
})

describe('the flow of a viewer', () => {
  const consent = async (who: typeof viewer, at = world) => {
    const begun = await vault.consent.begin(who, at.integrationGuid, { returnTo: `/content/${at.contentGuid}/` })
    return await vault.consent.finish(who, agree(new URL('redirect' in begun ? begun.redirect : 'none:')))
  }

  it('FLOW-01 FLOW-02 FLOW-06 FLOW-12 has no token before the consent, and both kinds of tokens after it', async () => {
    const url = await begin()
    expect(url.href.startsWith(`${provider.url}/authorize?`)).toBe(true)
    expect([await begun(), provider.calls.length]).toEqual([1, 0])
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    expect(await vault.consent.finish(viewer, agree(url))).toEqual({
      redirect: `https://kb.example/content/${world.contentGuid}/`,
    })
    expect(provider.calls.map((call) => call.get('grant_type'))).toEqual(['authorization_code'])
    const { rows } = await vault.pool.query<{ place: string }>('select place from safe where place like $1', [
      `grant/${world.grantGuid}/%`,
    ])
    expect(rows.map(({ place }) => place.split('/')[2]).sort()).toEqual(['access_token', 'refresh_token'])
  })

  it('FLOW-08 declining gives no token, and a page that lets the viewer try again', async () => {
    const state = (await begin()).searchParams.get('state') ?? ''
    const answer = await vault.consent.finish(viewer, new URLSearchParams({ state, error: 'access_denied' }))
    expect(answer).toMatchObject({ page: { status: 403, link: { label: 'Ask me again' } } })
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    expect(provider.calls).toHaveLength(0)
  })

  it('FLOW-11 VAULT-06 VAULT-07 two viewers and two integrations make four grants, and nobody gets another’s', async () => {
    const second = new World(provider)
    await vault.tell('integration', second.integrationGuid, second.integration())
    const both = [world.integrationGuid, second.integrationGuid]
    const associations = both.map((guid) => ({ oauth_integration_guid: guid, auth_type: 'Viewer' as const }))
    await vault.tell('content', world.contentGuid, world.content({ associations }), 2)
    const other = { ...viewer, guid: randomUUID(), sid: randomUUID() }
    await vault.tell('user', other.guid, { ...world.user(other.guid) })
    const token = async (guid: string, audience: string) =>
      (
        await vault.exchanged(world, { audience, subject_token: await world.subjectToken({ sub: guid }) })
      ).accessToken.reveal()

    await consent(viewer)
    expect(
      await vault.refused(world, { audience: both[0]!, subject_token: await world.subjectToken({ sub: other.guid }) }),
    ).toMatchObject({ code: 'grant.none' })
    for (const who of [viewer, other])
      for (const integrationGuid of both)
        await consent(who, Object.assign(Object.create(world) as World, { integrationGuid }))
    const all = []
    for (const { guid } of [viewer, other]) for (const audience of both) all.push(await token(guid, audience))
    expect(new Set(all).size).toBe(4)
    const { rowCount } = await vault.pool.query('select from oauth_grant where user_guid = any($1)', [
      [viewer.guid, other.guid],
    ])
    expect(rowCount).toBe(4)
  })
})

describe('what the gateway asks before it lets somebody in', () => {
  /** @param version that the gateway has of the content; the copy here has the first */
  const missing = (version = 1): Promise<string[]> =>
    new MissingConsents(vault.pool, vault.replicas).of(world.viewerGuid, world.contentGuid, version)
  const owners = (content: object): void => {
    vault.ask = ({ category, type }) =>
      Promise.resolve({
        type,
        schema_version: 1,
        revision: 1,
        version: 2,
        cause: [],
        state: category === 'content' ? content : world.integration(),
      })
  }
  beforeEach(() => owners(world.content()))

  it('names the viewer integrations without a usable grant', async () => {
    expect(await missing()).toEqual([world.integrationGuid])
    await vault.grant(world, -1)
    expect(await missing()).toEqual([])
  })

  it('names one again whose token has run out for good', async () => {
    await vault.grant(world, -1, null)
    expect(await missing()).toEqual([world.integrationGuid])
  })

  it('names one again whose grant is of another client than it is now, or of one that nobody noted', async () => {
    await vault.grant(world, 600)
    await vault.pool.query('update oauth_grant set client = null where guid = $1', [world.grantGuid])
    expect([await missing(), await vault.refused(world)]).toEqual([
      [world.integrationGuid],
      expect.objectContaining({ code: 'grant.none' }),
    ])
    await vault.grant(world, 600)
    expect(await missing()).toEqual([])
    const client = { ...world.integration().client!, client_id: 'another' }
    await vault.tell('integration', world.integrationGuid, world.integration({ client }), 2)
    expect([await missing(), await vault.refused(world)]).toEqual([
      [world.integrationGuid],
      expect.objectContaining({ code: 'grant.none' }),
    ])
  })

  it('names none for content that has nobody’s token', async () => {
    for (const content of [{ kind: 'static' }, { kind: 'rendered' }, { access_type: 'all' }] as const) {
      await vault.tell('content', world.contentGuid, world.content(content))
      expect(await missing()).toEqual([])
      const answer = await beginning()
      expect('redirect' in answer).toBe(false)
    }
  })

  it('leaves service accounts alone', async () => {
    await vault.tell('integration', world.integrationGuid, world.integration({ auth_type: 'Service Account' }), 2)
    expect(await missing()).toEqual([])
  })

  it('knows of an association and an integration that were made a moment ago', async () => {
    const fresh = randomUUID()
    await vault.grant(world, 600)
    const associations = [world.integrationGuid, fresh].map((guid) => ({
      oauth_integration_guid: guid,
      auth_type: 'Viewer' as const,
    }))
    owners(world.content({ associations }))
    expect(await missing(2)).toEqual([fresh])
  })

  it('asks nobody about content that it knows as well as the gateway does', async () => {
    await vault.grant(world, 600)
    vault.ask = () => Promise.reject(new Error('down'))
    expect(await missing()).toEqual([])
  })

  it('does not say that nothing is missing when it cannot know', async () => {
    await vault.grant(world, 600)
    vault.ask = () => Promise.reject(new Error('down'))
    await expect(missing(2)).rejects.toMatchObject({ code: 'replica.stale' })
  })
})

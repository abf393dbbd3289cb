import { randomUUID } from 'node:crypto'
import type { Actor } from '#libs/contracts'
import { CONSENT_URL, newHouse, type World } from '../house.fixture.js'
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
  await vault.tellAll(world)
})

const begin = async (returnTo = `/content/${world.contentGuid}/`, who = viewer): Promise<URL> => {
  const answer = await vault.consent.begin(who, world.integrationGuid, returnTo)
  if (!('redirect' in answer)) throw new Error(answer.page.title)
  return new URL(answer.redirect)
}

/** What the provider sends back after its user has agreed. */
const agree = (url: URL, more: Record<string, string> = {}): URLSearchParams => {
  const value = `code-${randomUUID()}`
  provider.code = { value, challenge: url.searchParams.get('code_challenge') ?? '' }
  return new URLSearchParams({ state: url.searchParams.get('state') ?? '', code: value, ...more })
}

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
    expect(titleOf(await vault.consent.begin(viewer, world.integrationGuid, '/'))).toBe('Nothing to consent to')
    const own = world.integration({ auth_type: 'Visitor API Key', authorization_server: null, client: null })
    await vault.tell('integration', world.integrationGuid, own, 3)
    expect(titleOf(await vault.consent.begin(viewer, world.integrationGuid, '/'))).toBe('Nothing to consent to')
    vault.ask = () => Promise.resolve(undefined)
    expect(titleOf(await vault.consent.begin(viewer, randomUUID(), '/'))).toBe('Nothing to consent to')
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
    const others: Actor[] = [{ type: 'anonymous' }, { ...viewer, sid: randomUUID() }, { ...viewer, guid: randomUUID() }]
    const statuses = []
    for (const other of others) statuses.push(statusOf(await vault.consent.finish(other, query)))
    expect(statuses).toEqual([401, 400, 400])
    expect(provider.calls).toHaveLength(0)
    expect(statusOf(await vault.consent.finish(viewer, query))).toBe(302)
  })

  it('B06: redeems one of fifty that come at once', async () => {
    const query = agree(await begin())
    const answers = await Promise.all(Array.from({ length: 50 }, () => vault.consent.finish(viewer, query)))
    expect(answers.map(statusOf).filter((status) => status === 302)).toHaveLength(1)
    expect(answers.map(statusOf).filter((status) => status === 400)).toHaveLength(49)
    expect(provider.calls).toHaveLength(1)
  })

  it('B07: is refused before the code is redeemed when another issuer answers', async () => {
    const query = agree(await begin(), { iss: 'https://honest.example' })
    expect(titleOf(await vault.consent.finish(viewer, query))).toBe('The provider refuses this integration')
    expect(provider.calls).toHaveLength(0)
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

  it('says who can mend it, and offers to try again', async () => {
    const denied = async (error: string) => {
      const url = await begin('/content/a/')
      return await vault.consent.finish(
        viewer,
        new URLSearchParams({ state: url.searchParams.get('state') ?? '', error }),
      )
    }
    const link = {
      href: `${CONSENT_URL(world.integrationGuid)}?return_to=%2Fcontent%2Fa%2F`,
      label: expect.any(String) as string,
    }
    expect(await denied('access_denied')).toMatchObject({ page: { title: 'You have not consented', link } })
    expect(await denied('invalid_scope')).toMatchObject({ page: { title: 'The provider refuses this integration' } })
    expect(await denied('<script>')).toMatchObject({ page: { title: 'The provider refuses this integration' } })
    provider.fault = { status: 500, body: {} }
    const answer = await vault.consent.finish(viewer, agree(await begin()))
    expect(answer).toMatchObject({ page: { title: 'The provider does not answer as it should' } })
  })

  it('B19: does not go to another origin afterwards', async () => {
    const answer = await vault.consent.finish(viewer, agree(await begin('//evil.example/')))
    expect(answer).toEqual({ redirect: 'https://kb.example/' })
  })
})

describe('what the gateway asks before it lets somebody in', () => {
  const missing = (): Promise<string[]> =>
    new MissingConsents(vault.pool, vault.replicas).of(world.viewerGuid, world.contentGuid)
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
    expect(await missing()).toEqual([fresh])
  })

  it('does not say that nothing is missing when it cannot know', async () => {
    await vault.grant(world, 600)
    vault.ask = () => Promise.reject(new Error('down'))
    await expect(missing()).rejects.toMatchObject({ code: 'replica.stale' })
  })
})

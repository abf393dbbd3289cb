import { changeSubject, contentContract, type ChangeMessage } from '#libs/contracts'
import { brokenAt } from '#libs/event-sourcing'
import { newHouse, type World } from '../house.fixture.js'

const house = await newHouse()
afterAll(() => house.close())

const process = house.process()
let world: World
beforeEach(async () => {
  world = house.world()
  await process.tellAll(world)
  process.statements.length = 0
})

describe('the exchange of a valid token', () => {
  it('gives the stored token as it is', async () => {
    await process.grant(world, 600)
    const { accessToken, expiresIn } = await process.exchanged(world)
    expect(accessToken.reveal()).toBe('access-0')
    expect(expiresIn).toBeGreaterThan(590)
    expect(expiresIn).toBeLessThanOrEqual(600)
    expect(house.provider.calls).toHaveLength(0)
  })

  it('R16 is put off while the keys are away, which is no fault of the viewer or the integration', async () => {
    await process.grant(world, 600)
    process.keys.away = 1
    expect(await process.refused(world)).toEqual({
      code: 'safe.key_missing',
      payload: { oauth_error: 'temporarily_unavailable' },
    })
    process.keys.away = undefined
    expect((await process.exchanged(world)).accessToken.reveal()).toBe('access-0')
  })

  it('B14 renews in time what nobody says the end of, at any provider, and invents no end', async () => {
    await process.grant(world, null)
    house.provider.expiresIn = undefined
    expect(await process.exchanged(world)).toMatchObject({ expiresIn: undefined })
    expect(house.provider.calls).toHaveLength(0)
    await process.pool.query(
      `update oauth_grant set token_since = token_since - interval '11 minutes' where guid = $1`,
      [world.grantGuid],
    )
    const { accessToken, expiresIn } = await process.exchanged(world)
    expect(accessToken.reveal()).toMatch(/^access-[1-9]/)
    expect(expiresIn).toBeUndefined()
    house.provider.expiresIn = 3600
    house.provider.calls.length = 0
  })

  it('takes one statement for all facts and one for the audit', async () => {
    await process.grant(world, 600)
    await process.exchanged(world)
    expect(process.statements.map((text) => text.trim().split(/\s+/)[0])).toEqual(['select', 'insert'])
  })

  it('shares both between concurrent requests', async () => {
    await process.grant(world, 600)
    await Promise.all(Array.from({ length: 64 }, () => process.exchanged(world)))
    for (const kind of ['select', 'insert']) {
      expect(process.statements.filter((text) => text.trim().startsWith(kind)).length).toBeLessThan(32)
    }
    expect(process.statements.length).toBeLessThan(64)
  })

  it('P3: leaves one chained row for each, which the serving role cannot change', async () => {
    await process.grant(world, 600)
    await process.exchanged(world)
    await process.exchanged(world)
    const { rows } = await process.pool.query<{ stream_id: string; count: number }>(
      `select stream_id, count(*)::int as count from issue where data::json ->> 'grantGuid' = $1 group by 1`,
      [world.grantGuid],
    )
    expect(rows).toEqual([{ stream_id: expect.stringMatching(/^issue-vault-/) as string, count: 2 }])
    const stream = await process.pool.query(
      `select stream_id as "streamId", version, type, schema_version as "schemaVersion", data, meta, hash
       from issue where stream_id = $1 order by version`,
      [rows[0]?.stream_id],
    )
    expect(brokenAt(stream.rows as never)).toBeUndefined()
    expect(JSON.stringify(stream.rows)).not.toContain('access-0')
    await expect(process.pool.query('update issue set data = data')).rejects.toThrow('permission denied')
    await expect(process.pool.query('delete from issue')).rejects.toThrow('permission denied')
  })

  it('C09: takes no token of another kind, issuer, audience or key', async () => {
    await process.grant(world, 600)
    const codes = await Promise.all(
      [{ typ: 'keybearer-actor+jwt' }, { iss: 'https://evil.example' }, { aud: 'identity' }, { sub: 'nobody' }].map(
        async (claims) => (await process.refused(world, { subject_token: await world.subjectToken(claims) })).code,
      ),
    )
    expect(codes).toEqual([
      'exchange.subject_token',
      'exchange.subject_token_issuer',
      'exchange.subject_token',
      'exchange.subject_token_subject',
    ])
    const [header, payload] = (await world.subjectToken()).split('.')
    expect(await process.refused(world, { subject_token: `${header}.${payload}.AAAA` })).toMatchObject({
      code: 'exchange.subject_token',
    })
  })

  it('GRP-12 CFG-39 asks who may see the content by groups that live, and not at all where groups are off', async () => {
    const group = '99999999-9999-4999-8999-999999999999'
    await process.grant(world, 600)
    await process.tell('user', world.viewerGuid, world.user(world.viewerGuid, { group_guids: [group] }), 2)
    const permissions = [{ principal_guid: group, principal_type: 'group', role: 'viewer' } as const]
    await process.tell('content', world.contentGuid, world.content({ access_type: 'acl', permissions }), 2)
    process.ask = () => Promise.resolve(undefined)
    await process.tell('group', group, null, 2)
    expect(await process.refused(world)).toMatchObject({ code: 'content.access_denied' })
    await process.tell('group', group, { guid: group, name: 'analysts' }, 3)
    expect((await process.exchanged(world)).accessToken.reveal()).toBe('access-0')
    process.authorization.userGroups = false
    expect(await process.refused(world)).toMatchObject({ code: 'content.access_denied' })
    process.authorization.userGroups = true
    // Deleted for good: the list and the membership are as they were.
    await process.tell('group', group, null, 4)
    expect(await process.refused(world)).toMatchObject({ code: 'content.access_denied' })
  })
})

describe('a copy that is behind', () => {
  const message = (version: number, state: object | null): ChangeMessage => ({
    type: contentContract.type,
    schema_version: 1,
    revision: contentContract.revision,
    version,
    cause: [],
    state,
  })

  it('is confirmed with its owner before a missing association is spoken of', async () => {
    await process.grant(world, 600)
    await process.tell('content', world.contentGuid, world.content({ associations: [] }), 1)
    const asked: string[] = []
    process.ask = (contract, guid) => {
      asked.push(changeSubject(contract, guid))
      return Promise.resolve(message(2, world.content()))
    }
    expect((await process.exchanged(world)).accessToken.reveal()).toBe('access-0')
    expect(asked).toEqual([`integrations.content.${world.contentGuid}`])
  })

  it('leads to the refusal that the owner confirms', async () => {
    await process.grant(world, 600)
    await process.tell('content', world.contentGuid, world.content({ associations: [] }), 1)
    process.ask = () => Promise.resolve(message(1, world.content({ associations: [] })))
    expect(await process.refused(world)).toEqual({
      code: 'association.none',
      payload: { oauth_error: 'invalid_target' },
    })
  })

  it('R07: leads to 503 when it is old and its owner does not answer', async () => {
    const silent = house.process()
    await silent.grant(world, 600)
    silent.freshness.heard('identity', 2, {
      type: 'Heartbeat',
      complete_until: new Date(Date.now() - 31_000).toISOString(),
      sent_at: new Date().toISOString(),
    })
    expect(await silent.refused(world)).toEqual({
      code: 'replica.stale',
      payload: { oauth_error: 'temporarily_unavailable' },
    })
  })
})

describe('a viewer who has not consented', () => {
  it('is told where to', async () => {
    expect(await process.refused(world)).toMatchObject({
      code: 'grant.none',
      payload: {
        oauth_error: 'consent_required',
        consent_url: expect.stringContaining(world.integrationGuid) as string,
      },
    })
  })
})

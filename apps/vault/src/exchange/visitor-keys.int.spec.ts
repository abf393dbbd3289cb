import { REQUESTED_TOKEN_TYPE } from '#libs/contracts'
import { newHouse } from '../house.fixture.js'

const house = await newHouse()
afterAll(() => house.close())

it('gives content a short-lived key of its visitor, of the lower role, and writes that down', async () => {
  const vault = house.process()
  const world = house.world()
  await vault.tellAll(world)
  const issues = { type: REQUESTED_TOKEN_TYPE.apiKey, max_role: 'viewer' } as const
  const state = world.integration({ auth_type: 'Visitor API Key', authorization_server: null, client: null, issues })
  await vault.tell('integration', world.integrationGuid, state, 2)
  const form = { requested_token_type: REQUESTED_TOKEN_TYPE.apiKey }
  const { accessToken, expiresIn, type } = await vault.exchanged(world, form)
  expect([accessToken.reveal(), expiresIn, type]).toEqual(['kb_of_visitor', 3600, REQUESTED_TOKEN_TYPE.apiKey])
  expect(vault.visitorKeys).toEqual([[world.viewerGuid, 'viewer', world.contentGuid]])
  const { rows } = await vault.pool.query<{ data: string }>(`select data from issue where type = 'VisitorKeyIssued'`)
  expect(rows.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
    {
      userGuid: world.viewerGuid,
      contentGuid: world.contentGuid,
      integrationGuid: world.integrationGuid,
      role: 'viewer',
    },
  ])
  expect(JSON.stringify(rows)).not.toContain('kb_of_visitor')
  expect(await vault.refused(world)).toMatchObject({ code: 'exchange.requested_token_type' })
})

it.each([
  ['the content is taken away from them', 'content.access_denied'],
  ['their session ends', 'exchange.subject_token'],
  ['the integration gives no keys any more', 'exchange.auth_type_mismatch'],
])('C20 keeps a key back when, while it is made, %s', async (what, code) => {
  const vault = house.process()
  const world = house.world()
  await vault.tellAll(world)
  const issues = { type: REQUESTED_TOKEN_TYPE.apiKey, max_role: 'viewer' } as const
  const state = world.integration({ auth_type: 'Visitor API Key', authorization_server: null, client: null, issues })
  await vault.tell('integration', world.integrationGuid, state, 2)
  vault.ask = () => Promise.resolve(undefined)
  vault.whileKeyIsMade = async () => {
    if (what.startsWith('the content'))
      await vault.tell('content', world.contentGuid, world.content({ access_type: 'acl' }), 2)
    else if (what.startsWith('their session'))
      await vault.tell('user', world.viewerGuid, world.user(world.viewerGuid, { sessions: [] }), 2)
    else await vault.tell('integration', world.integrationGuid, { ...state, auth_type: 'Service Account' }, 3)
  }
  expect(await vault.refused(world, { requested_token_type: REQUESTED_TOKEN_TYPE.apiKey })).toMatchObject({ code })
  const { rowCount } = await vault.pool.query(
    `select from issue where type = 'VisitorKeyIssued' and data::json ->> 'contentGuid' = $1`,
    [world.contentGuid],
  )
  expect([vault.visitorKeys.length, rowCount]).toEqual([1, 0])
})

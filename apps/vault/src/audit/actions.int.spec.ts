import { AuditReader } from '#libs/event-sourcing'
import { newHouse } from '../house.fixture.js'
import { audited } from './actions.js'

const house = await newHouse()
afterAll(() => house.close())

describe('the logs of the vault', () => {
  it('tell who authorized what, and who got a token for what through which content, and nothing of the token', async () => {
    const vault = house.process()
    const world = house.world()
    await vault.tellAll(world)
    await vault.grant(world, 3600)
    await vault.exchanged(world)
    const { viewerGuid, contentGuid, integrationGuid, grantGuid } = world
    const reader = new AuditReader(vault.pool, audited)
    const { entries } = await reader.answer({ limit: 10, order: 'ascending' })
    expect(entries).toMatchObject([
      {
        source: 2,
        action: 'add_oauth_session',
        user_guid: null,
        process: 'Service vault',
        event_description: `A person authorized an OAuth integration: grant_guid=${grantGuid}, user_guid=${viewerGuid}, integration_guid=${integrationGuid}`,
      },
      {
        source: 3,
        action: 'issue_oauth_token',
        user_guid: viewerGuid,
        process: null,
        event_description: `An OAuth access token was handed to a content item: content_guid=${contentGuid}, integration_guid=${integrationGuid}`,
      },
    ])
    expect(JSON.stringify(entries)).not.toContain('access-0')
    const issued = async (guid: string) =>
      (await reader.answer({ limit: 10, order: 'ascending', conditions: [{ things: [guid] }] })).entries.length
    expect([await issued(contentGuid), await issued(integrationGuid), await issued(viewerGuid)]).toEqual([1, 2, 1])
  })
})

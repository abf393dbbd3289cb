import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'

const GUID = '00000000-0000-4000-8000-000000000002'
const [viewer, publisher, administrator] = [
  keyOf(GUID, 'viewer'),
  keyOf(GUID, 'publisher'),
  keyOf(GUID, 'administrator'),
]
const CLIENT = 'ClientId = keybearer\nClientSecret = secret'
const OPEN_ID = `${CLIENT}\nOpenIDConnectIssuer = http://127.0.0.1:9`

let database: FreshDatabase
let service: IdentityUnderTest

const start = async (oauth2: string, sections = ''): Promise<void> => {
  service = await identityUnderTest(database, oauth2, { sections })
}
beforeAll(async () => {
  database = await freshDatabase('identity')
})
afterEach(() => service.close())
afterAll(() => database.drop())

interface Settings {
  authentication: Record<string, unknown>
  prohibited_usernames: string[]
  [name: string]: unknown
}
const settings = async (): Promise<Settings> => (await service.get('/__api__/server_settings', viewer)).json<Settings>()

describe('the server’s settings', () => {
  it('tell somebody unknown what a login page needs and no more', async () => {
    await start(`${OPEN_ID}\nRegisterOnFirstLogin = false`)
    const answer = await service.request({ path: '/__api__/server_settings' })
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        version: null,
        system_display_name: 'Keybearer',
        authentication: {
          name: 'OAuth2',
          handles_credentials: false,
          handles_login: true,
          challenge_response_enabled: false,
          notice: '',
          warning_delay: 0,
        },
        dashboard_path: '/',
        logout_url: '__logout__',
        self_registration: false,
      },
    ])
  })

  it('tell the version that clients compare, and all members that they read', async () => {
    await start(OPEN_ID)
    expect(await settings()).toMatchObject({
      version: expect.stringMatching(/^\d{4}\.\d{2}\.\d+$/) as string,
      hostname: 'localhost:3939',
      about: expect.stringContaining('2025.09.1') as string,
      license: { 'oauth-integrations': true },
      oauth_integrations_enabled: true,
      viewers_can_only_see_themselves: false,
      self_registration: true,
      runtimes: [],
      git_enabled: false,
      locked_content_enabled: true,
    })
  })

  it('tell another version where the operator says so', async () => {
    await start(OPEN_ID, '[Server]\nApiVersion = 2025.01.0\n')
    expect(await settings()).toMatchObject({
      version: '2025.01.0',
      about: expect.stringContaining('2025.01.0') as string,
    })
  })

  it('ID-08 name the prohibited usernames in the order of the guides', async () => {
    await start(OPEN_ID)
    expect((await settings()).prohibited_usernames.join(' ')).toBe(
      'connect apps users groups setpassword user-completion confirm recent reports plots unpublished settings ' +
        'metrics tokens help login welcome register resetpassword content',
    )
  })

  it('ID-11 ID-21 ROLE-13 DISC-06 DISC-07 say of an OpenID provider that profiles are its own and nobody is searched there', async () => {
    await start(OPEN_ID)
    expect((await settings()).authentication).toMatchObject({
      username_editable_by: 'provider',
      name_editable_by: 'provider',
      email_editable_by: 'provider',
      role_editable_by: 'admin',
      unique_usernames: false,
      external_user_data: true,
      external_user_search: false,
      external_user_id: true,
      groups_enabled: true,
      external_group_members: true,
      external_group_id: false,
      external_group_owner: false,
      external_group_search: false,
      API_key_auth: true,
    })
  })

  it('ID-02 DISC-01 say of Google that usernames are the users’ and people are searched there', async () => {
    await start(CLIENT)
    expect((await settings()).authentication).toMatchObject({
      username_editable_by: 'adminandself',
      name_editable_by: 'provider',
      unique_usernames: true,
      external_user_search: true,
      external_user_id: false,
      external_group_members: false,
    })
  })

  it('ID-22 ID-27 ROLE-12 follow blank claims, the editors and the mapping', async () => {
    await start(
      `${OPEN_ID}
UsernameClaim = ""
FirstNameClaim = ""
RoleClaim = role
GroupsByUniqueId = true`,
      '[Authorization]\nUserInfoEditableBy = Admin\nUserRoleMapping = true\nViewersCanOnlySeeThemselves = true',
    )
    expect(await settings()).toMatchObject({
      viewers_can_only_see_themselves: true,
      authentication: {
        username_editable_by: 'admin',
        first_name_editable_by: 'admin',
        last_name_editable_by: 'provider',
        name_editable_by: 'provider',
        role_editable_by: 'provider',
        unique_usernames: true,
        external_group_id: true,
        external_group_owner: false,
      },
    })
  })

  it('say of runtimes, schedulers and processes that there are none', async () => {
    await start(OPEN_ID)
    for (const runtime of ['r', 'python', 'quarto', 'tensorflow', 'nodejs']) {
      const path = `/__api__/v1/server_settings/${runtime}`
      expect((await service.get(path, publisher)).json()).toEqual({ installations: [], api_enabled: false })
      expect((await service.get(path, viewer)).json().code).toBe(22)
    }
    expect((await service.get('/__api__/v1/server_settings/perl', publisher)).status).toBe(404)
    for (const path of ['scheduler', 'scheduler/shiny']) {
      expect((await service.get(`/__api__/server_settings/${path}`, viewer)).json()).toEqual({})
    }
    expect((await service.get('/__api__/server_settings/applications', viewer)).json()).toEqual({
      access_types: ['all', 'logged_in', 'acl'],
    })
    expect((await service.get('/__api__/metrics/procs', administrator)).json()).toEqual({})
    expect((await service.get('/__api__/metrics/procs', publisher)).json().code).toBe(22)
    expect((await service.request({ path: '/__api__/v1/timezones' })).json().code).toBe(24)
  })

  it('list time zones with their offsets', async () => {
    await start(OPEN_ID)
    const zones = (await service.get('/__api__/v1/timezones', viewer)).json<{ timezone: string; offset: string }[]>()
    expect(zones.find(({ timezone }) => timezone === 'Asia/Tokyo')).toEqual({
      timezone: 'Asia/Tokyo',
      offset: '+09:00',
    })
    expect(zones.find(({ timezone }) => timezone === 'Africa/Abidjan')).toEqual({
      timezone: 'Africa/Abidjan',
      offset: '+00:00',
    })
    for (const { offset } of zones) expect(offset).toMatch(/^[+-]\d\d:\d\d$/)
  })
})

import { Street } from '../door/street.conformance.js'

describe('a visit where sessions end that are not used', () => {
  const street = new Street()
  beforeAll(() => street.open({ settings: '[Authentication]\nInactivity = 30m' }))
  afterAll(() => street.close())
  beforeEach(() => street.refresh())

  const asked = (): number => street.calls(street.identity, '/internal/actor-assertions').length
  const visit = async (guid: string, cookie: string): Promise<number> =>
    (await street.get(`/content/${guid}/`, { cookie })).status

  it('D18 tells identity of the use, but not each time', async () => {
    const { guid } = await street.content()
    const { header } = await street.login()
    const before = asked()
    expect(await visit(guid, header)).toBe(200)
    const once = asked()
    expect(once).toBeGreaterThan(before)
    expect(await visit(guid, header)).toBe(200)
    expect(asked()).toBe(once)
  })

  it('D18 leads to the login when identity ends the session for that, although the copy does not know yet', async () => {
    const { guid } = await street.content()
    const { cookie, header } = await street.login()
    street.actors.delete(cookie)
    expect(await visit(guid, header)).toBe(302)
  })

  it('is let in as far as the copy knows while identity cannot be asked', async () => {
    const { guid } = await street.content({ access_type: 'all' })
    const { header } = await street.login()
    const { behave } = street.identity
    street.identity.behave = (request, response) =>
      request.url === '/internal/actor-assertions'
        ? void response.writeHead(500).end()
        : behave(request, response, street.identity.last)
    try {
      const answer = await street.get('/', { cookie: header })
      expect(answer.text).toContain('Vera Lindqvist')
      expect(guid).toBeDefined()
    } finally {
      street.identity.behave = behave
    }
  })
})

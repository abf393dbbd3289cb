import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { contentContract, SHARE_LINK_PARAMETER, type ContentState } from '#libs/contracts'
import { newCookie, sidOf, Street } from '../door/street.conformance.js'

const UST = 'posit-connect-user-session-token'
const CREDENTIALS = 'rstudio-connect-credentials'

describe('a share link', () => {
  let street: Street

  beforeEach(async () => {
    street = new Street()
    await street.open()
  })
  afterEach(() => street.close())

  const link = (token: string, expiresAt: Date | null = null) => ({
    guid: randomUUID(),
    token_hash: sidOf(token),
    expires_at: expiresAt && expiresAt.toISOString(),
  })
  const shared = async (changes: Partial<ContentState> = {}): Promise<{ token: string; content: ContentState }> => {
    const token = newCookie()
    return { token, content: await street.content({ access_type: 'acl', share_links: [link(token)], ...changes }) }
  }
  const follow = (guid: string, token: string, rest = '/', more = '') =>
    street.get(`/content/${guid}${rest}?${SHARE_LINK_PARAMETER}=${token}${more}`)
  const cookieOf = (answer: { headers: { 'set-cookie'?: string[] } }): string =>
    answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''

  it('CONTENT-10 lets anybody in, by a cookie for this content alone and an address without the token', async () => {
    const { token, content } = await shared()
    const answer = await follow(content.guid, token, '/sub/page', '&a=1')
    expect(answer.status).toBe(302)
    expect(answer.headers.location).toBe(`/content/${content.guid}/sub/page?a=1`)
    expect(answer.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    expect(answer.headers['set-cookie']).toEqual([
      `keybearer_share=${token}; Path=/content/${content.guid}/; Max-Age=43200; HttpOnly; SameSite=Lax`,
    ])
    expect(street.app.seen).toHaveLength(0)

    const visit = await street.get(`/content/${content.guid}/sub/page?a=1`, { cookie: cookieOf(answer) })
    expect(visit.status).toBe(200)
    expect(street.app.last.url).toBe('/sub/page?a=1')
    const other = await street.content({ access_type: 'acl' })
    expect((await street.get(`/content/${other.guid}/`, { cookie: cookieOf(answer) })).status).toBe(302)
  })

  it('CONTENT-08 tells the app of nobody, also when whoever follows it has logged in', async () => {
    const { token, content } = await shared()
    const { header } = await street.login()
    const cookie = `${header}; keybearer_share=${token}`
    expect((await street.get(`/content/${content.guid}/`, { cookie })).status).toBe(200)
    for (const name of [UST, CREDENTIALS, 'cookie']) expect(street.app.last.headers).not.toHaveProperty(name)
    expect(street.calls(street.identity, '/internal/user-session-tokens')).toHaveLength(0)
  })

  it('changes nothing for somebody whom the list admits anyway', async () => {
    const { user, header } = await street.login()
    const { token, content } = await shared({ owner_guid: user.guid })
    await street.get(`/content/${content.guid}/`, { cookie: `${header}; keybearer_share=${token}` })
    expect(JSON.parse(String(street.app.last.headers[CREDENTIALS]))).toMatchObject({ user: user.username })
  })

  it('lets nobody in once it is revoked or has ended, nor by another’s token', async () => {
    const { token, content } = await shared()
    const visit = async (cookie = token) =>
      (await street.get(`/content/${content.guid}/`, { cookie: `keybearer_share=${cookie}` })).status
    expect(await visit()).toBe(200)
    expect(await visit(newCookie())).toBe(302)
    await street.tell(contentContract, content.guid, { ...content, share_links: [] })
    expect(await visit()).toBe(302)
    const ended = link(token, new Date(Date.now() - 1_000))
    await street.tell(contentContract, content.guid, { ...content, share_links: [ended] })
    expect(await visit()).toBe(302)
    const answer = await follow(content.guid, token)
    expect([answer.status, answer.headers.location]).toEqual([302, `/content/${content.guid}/`])
    expect(answer.headers).not.toHaveProperty('set-cookie')
  })

  it('ends its cookie when it ends itself', async () => {
    const token = newCookie()
    const { guid } = await street.content({ share_links: [link(token, new Date(Date.now() + 60_500))] })
    expect((await follow(guid, token)).headers['set-cookie']?.[0]).toMatch(/Max-Age=60;/)
  })

  it('that the copy does not know yet is asked for at its owner', async () => {
    const { token, content } = await shared()
    await street.tell(contentContract, content.guid, { ...content, share_links: [] })
    street.owned.set(content.guid, { contract: contentContract, state: content })
    expect((await follow(content.guid, token)).headers).toHaveProperty('set-cookie')
  })

  it('opens nothing that is locked, and the message says why', async () => {
    const { token, content } = await shared({ locked: true, locked_message: 'Back on <Monday>' })
    const answer = await street.get(`/content/${content.guid}/`, { cookie: `keybearer_share=${token}` })
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('Back on &#60;Monday&#62;')
  })

  it('never reaches the app, however it is sent', async () => {
    const { token, content } = await shared({ access_type: 'all' })
    await street.send('POST', `/content/${content.guid}/form?${SHARE_LINK_PARAMETER}=${token}&a=1`)
    expect(street.app.last.url).toBe('/form?a=1')
    expect(JSON.stringify(street.app.seen)).not.toContain(token)
  })

  it('opens a WebSocket, which is closed when it is revoked', async () => {
    const { token, content } = await shared()
    const { status, socket } = await street.upgrade(`/content/${content.guid}/ws`, {
      cookie: `keybearer_share=${token}`,
    })
    expect(status).toBe(101)
    const closed = once(socket!, 'close')
    socket!.resume()
    await street.tell(contentContract, content.guid, { ...content, share_links: [] })
    await closed
  })

  it('CONTENT-09 is not needed for content that is open to everybody: nobody is introduced to the app', async () => {
    const { guid } = await street.content({ access_type: 'all' })
    expect((await street.get(`/content/${guid}/`)).status).toBe(200)
    for (const name of [UST, CREDENTIALS]) expect(street.app.last.headers).not.toHaveProperty(name)
  })
})

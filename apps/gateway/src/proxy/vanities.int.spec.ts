import { randomUUID } from 'node:crypto'
import { contentContract } from '#libs/contracts'
import { Street } from '../door/street.conformance.js'

let street: Street

beforeEach(async () => {
  street = new Street()
  await street.open({ prefix: '/kb' })
})
afterEach(() => street.close())

const locationOf = async (path: string, method = 'GET') => (await street.send(method, `/kb${path}`)).headers.location

describe('the vanity path of content', () => {
  it.each([
    ['/sales', '/'],
    ['/sales/', '/'],
    ['/Sales/', '/'],
    ['/sales/a/b?x=1&y', '/a/b?x=1&y'],
    ['/sales//a', '//a'],
    ['/sales/%2e%2e/a%2fb;c', '/%2e%2e/a%2fb;c'],
  ])('leads from %s to the content’s own', async (path, rest) => {
    const { guid } = await street.content({ vanity_path: '/sales/' })
    const answer = await street.get(`/kb${path}`)
    expect(answer).toMatchObject({
      status: 307,
      headers: { location: `/kb/content/${guid}${rest}`, 'cache-control': 'no-store' },
    })
  })

  it('leads there with whatever method, which comes along', async () => {
    const { guid } = await street.content({ vanity_path: '/team/api/' })
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
      expect(await locationOf('/team/api/run', method)).toBe(`/kb/content/${guid}/run`)
    }
    const posted = await street.send('POST', '/kb/team/api', { 'content-type': 'text/plain' }, 'x'.repeat(10_000))
    expect([posted.status, posted.headers.location]).toEqual([307, `/kb/content/${guid}/`])
  })

  it('leads nowhere beside it, and not behind what is the server’s own', async () => {
    await street.content({ vanity_path: '/team/sales/' })
    await street.content({ vanity_path: '/__api__/v1/' })
    await street.content({ vanity_path: '/content/x/' })
    for (const path of ['/team', '/team/', '/team/sales2', '/team/sale', '/x/team/sales/', '//team/sales', '/']) {
      expect(await locationOf(path)).toBeUndefined()
    }
    expect((await street.get('/kb/__api__/v1/nothing')).text).toBe('404 page not found')
    expect(await locationOf('/content/x/')).toBeUndefined()
    expect((await street.upgrade('/kb/team/sales/')).status).toBe(404)
  })

  it('is obeyed as it changes hands, in whatever order that is heard', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    await street.content({ guid: one, vanity_path: '/sales/' })
    await street.content({ guid: other, vanity_path: '/sales/' })
    await street.content({ guid: one, vanity_path: null })
    expect(await locationOf('/sales')).toBe(`/kb/content/${other}/`)
    await street.content({ guid: other, vanity_path: '/sold/' })
    expect(await locationOf('/sales')).toBeUndefined()
    expect(await locationOf('/sold')).toBe(`/kb/content/${other}/`)
    await street.tell(contentContract, other, null)
    expect(await locationOf('/sold')).toBeUndefined()
  })

  it('says nothing of whether one may enter: that is asked at the content’s own', async () => {
    const { guid } = await street.content({ vanity_path: '/sales/', access_type: 'acl' })
    const { header } = await street.login()
    const location = await locationOf('/sales')
    expect((await street.get(location!, { cookie: header })).status).toBe(403)
    expect(location).toBe(`/kb/content/${guid}/`)
  })
})

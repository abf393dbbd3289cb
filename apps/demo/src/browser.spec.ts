import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Browser, formsOf } from './browser.js'

describe('the scripted browser', () => {
  const servers: Server[] = []
  const browser = new Browser()

  /** A server that answers with its routes' `[status, headers, body]`, and `/echo` with what it was sent. */
  async function site(routes: Record<string, [number, Record<string, string | string[]>, string?]>): Promise<string> {
    const server = createServer((request, response) => {
      const route = routes[(request.url ?? '').split('?')[0] ?? '']
      if (route) return void response.writeHead(route[0], route[1]).end(route[2])
      request.setEncoding('utf8').once('data', () => undefined)
      let body = ''
      request.on('data', (chunk: string) => (body += chunk))
      request.on('end', () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body })))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://localhost:${(server.address() as AddressInfo).port}`
  }

  afterAll(async () => {
    await browser.close()
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  })

  it('sends the cookies of localhost to every port of it, and those of a path below that path only', async () => {
    const one = await site({ '/set': [200, { 'set-cookie': ['a=1; Path=/; HttpOnly', 'b=2; Path=/deep'] }] })
    const other = await site({})
    await browser.get(`${one}/set`)
    expect(JSON.parse((await browser.get(`${other}/echo`)).body)).toMatchObject({ headers: { cookie: 'a=1' } })
    const deep = JSON.parse((await browser.get(`${other}/deep/echo`)).body) as { headers: { cookie: string } }
    expect(deep.headers.cookie.split('; ').sort()).toEqual(['a=1', 'b=2'])
    expect(await browser.cookie(`${other}/`, 'a')).toBe('1')
  })

  it('follows redirects across servers, keeps their cookies and remembers every response', async () => {
    const end = await site({})
    const start = await site({ '/go': [302, { location: `${end}/echo`, 'set-cookie': 'way=1; Path=/' }] })
    const page = await browser.get(`${start}/go`)
    expect(page.url.href).toBe(`${end}/echo`)
    expect(browser.history.slice(-2).map(({ status }) => status)).toEqual([302, 200])
    expect(await browser.cookie(end, 'way')).toBe('1')
  })

  it('turns a POST into a GET after 303 but repeats it after 307', async () => {
    const form = (action: string) => `<form method="post" action="${action}"><input name="x"></form>`
    const start = await site({
      '/form': [200, {}, form('/303') + form('/307').replace('"x"', '"y"')],
      '/303': [303, { location: '/echo' }],
      '/307': [307, { location: '/echo' }],
    })
    await browser.get(`${start}/form`)
    expect(JSON.parse((await browser.submit({ x: '1' })).body)).toMatchObject({ method: 'GET', body: '' })
    await browser.get(`${start}/form`)
    expect(JSON.parse((await browser.submit({ y: '2' })).body)).toMatchObject({ method: 'POST', body: 'y=2' })
  })

  it('stops before an address when asked to, and gives up on a circle', async () => {
    const start = await site({ '/circle': [302, { location: '/circle' }] })
    const page = await browser.get(`${start}/circle`, { stopBefore: ({ pathname }) => pathname === '/circle' })
    expect(page.status).toBe(302)
    await expect(browser.get(`${start}/circle`)).rejects.toThrow('too many redirects')
  })

  it('says which form it misses', async () => {
    const start = await site({ '/form': [200, {}, '<form><button name="decision" value="allow">'] })
    await browser.get(`${start}/form?secret`)
    await expect(browser.submit({ decision: 'deny' })).rejects.toThrow(
      `no form with the fields decision on ${start}/form`,
    )
  })
})

describe('reading forms', () => {
  it('takes hidden values decoded, leaves unchecked boxes out and knows buttons by their value', () => {
    const [form] = formsOf(`<form method=POST action='/go?a=1&amp;b=2'>
      <input type="hidden" name="request" value="x&#61;1&amp;y"><input type=checkbox name=box value=on>
      <button name="go" value="1">One</button><button name="go" value="2">Two</button></form>`)
    expect(form).toEqual({
      method: 'POST',
      action: '/go?a=1&b=2',
      values: { request: 'x=1&y' },
      fillable: new Set(['request', 'box']),
      buttons: new Map([['go', new Set(['1', '2'])]]),
    })
  })
})

import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'undici'
import { type AppAnswer, startContentApp } from './content-app.js'

describe('the demo’s content app', () => {
  /** Stands for Keybearer's exchange and for the vendor. */
  let house: Server
  let app: Awaited<ReturnType<typeof startContentApp>>
  let asked: { headers: IncomingHttpHeaders; form: Record<string, string> }
  let exchange: [number, object]
  const visitor = {
    'posit-connect-user-session-token': 'the.session.token',
    'rstudio-connect-credentials': '{"user":"vera","groups":["viewers"]}',
  }

  beforeAll(async () => {
    house = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        if (request.url === '/api/me') {
          const good = request.headers.authorization === 'Bearer vendor-token'
          return response.writeHead(good ? 200 : 401).end(JSON.stringify({ id: 'vera', name: 'Vera <L.>' }))
        }
        asked = { headers: request.headers, form: Object.fromEntries(new URLSearchParams(body)) }
        return response.writeHead(exchange[0]).end(JSON.stringify(exchange[1]))
      })
    })
    await new Promise<void>((resolve) => house.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(house.address() as AddressInfo).port}`
    app = await startContentApp({ port: 0, connectServer: url, vendorUrl: url, apiKey: () => 'kb_key', silent: true })
  })
  beforeEach(() => {
    exchange = [200, { access_token: 'vendor-token', token_type: 'Bearer', expires_in: 42 }]
  })
  afterAll(async () => {
    await app.close()
    house.closeAllConnections()
    await new Promise((resolve) => house.close(resolve))
  })

  const ask = async (headers: Record<string, string>) =>
    (await (await fetch(`${app.url}/?format=json`, { headers })).json()) as AppAnswer

  it('exchanges its viewer’s token with its own key and says who the vendor says the viewer is', async () => {
    expect(await ask(visitor)).toEqual({
      user: 'vera',
      groups: ['viewers'],
      vendor: { id: 'vera', name: 'Vera <L.>' },
      expires_in: 42,
      refusal: null,
    })
    expect(asked.headers.authorization).toBe('Key kb_key')
    expect(asked.form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:posit:connect:user-session-token',
      subject_token: 'the.session.token',
    })
  })

  it('shows the same as a page, with foreign text made harmless', async () => {
    const page = await (await fetch(app.url, { headers: visitor })).text()
    expect(page).toContain('Vera &#60;L.&#62;')
    expect(page).not.toContain('vendor-token')
  })

  it('shows the server’s sentence and the way to consent when the exchange is refused', async () => {
    const payload = { oauth_error: 'consent_required', consent_url: 'http://localhost:3939/__oauth__/x/login' }
    exchange = [404, { code: 220, error: 'Connect your account first.', payload }]
    const refusal = { status: 404, code: 220, error: 'Connect your account first.', payload }
    expect(await ask(visitor)).toMatchObject({ vendor: null, refusal })
    const page = await (await fetch(app.url, { headers: visitor })).text()
    expect(page).toContain('Connect your account first.')
    expect(page).toContain('<a href="http://localhost:3939/__oauth__/x/login">')
  })

  it('says so when the vendor does not take the token, and when nobody is logged in', async () => {
    exchange = [200, { access_token: 'stale' }]
    expect(await ask(visitor)).toMatchObject({ vendor: null, refusal: { status: 401 } })
    expect(await ask({})).toMatchObject({ user: null, refusal: { status: 0 } })
  })

  it('lists the headers that it received, but not the token', async () => {
    const headers = (await (await fetch(`${app.url}/headers`, { headers: visitor })).json()) as Record<string, string>
    expect(headers).toMatchObject({ ...visitor, 'posit-connect-user-session-token': '[present]' })
  })

  it('sends WebSocket messages back', async () => {
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws`)
    const messages = ['short', 'long'.repeat(1000)]
    const received = await new Promise<unknown[]>((resolve, reject) => {
      const seen: unknown[] = []
      socket.addEventListener('open', () => messages.forEach((message) => socket.send(message)))
      socket.addEventListener('error', () => reject(new Error('the socket failed')))
      socket.addEventListener('message', ({ data }) => {
        if (seen.push(data) === messages.length) resolve(seen)
      })
    })
    expect(received).toEqual(messages)
    const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    socket.close(1000)
    expect(await closed).toBe(1000)
  })
})

import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { jest } from '@jest/globals'
import { apiKeyContract, DIRECTORY_HEADER } from '#libs/contracts'
import { newCookie, Street } from './street.conformance.js'

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

describe('a request to a service', () => {
  let street: Street

  beforeEach(async () => {
    street = new Street()
    await street.open()
  })
  afterEach(() => street.close())

  const credentials = '/__api__/v1/oauth/integrations/credentials'

  it('goes to the service that owns the path, with proof of who calls and who acts, and its body unread', async () => {
    const { key } = await street.apiKey(await street.user())
    const answer = await street.send(
      'POST',
      `${credentials}?x=1`,
      { authorization: `Key ${key}`, 'content-type': 'application/x-www-form-urlencoded', cookie: 'a=b' },
      'grant_type=x',
    )

    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(answer.text)).toEqual({ service: 'vault', actor: 'key-for-vault', body: 'grant_type=x' })
    const seen = street.vault.seen.at(-1) ?? street.vault2.last
    expect(seen.url).toBe(`${credentials}?x=1`)
    expect(seen.headers.authorization).toMatch(/^Bearer eyJ/)
    expect(seen.headers.cookie).toBeUndefined()
    expect(JSON.stringify(seen)).not.toContain(key)
  })

  it('is anonymous without a credential', async () => {
    const answer = await street.get('/__api__/v1/user')
    expect(JSON.parse(answer.text)).toMatchObject({ service: 'identity', actor: null })
  })

  it.each(['Bearer eyJ', 'Basic YTpi', 'Key', 'Key ', 'Key unknown', 'Connect-Bootstrap eyJ', 'nonsense'])(
    'is refused with `Authorization: %s`',
    async (authorization) => {
      const answer = await street.get('/__api__/v1/user', { authorization })
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 30, payload: null })
      expect(answer.headers['www-authenticate']).toBe('Key')
      expect(street.calls(street.identity, '/__api__/v1/user')).toHaveLength(0)
    },
  )

  it('asks for the server’s settings without a credential, but not with one that is no good', async () => {
    const path = '/__api__/server_settings'
    expect(JSON.parse((await street.get(path)).text)).toMatchObject({ service: 'identity', actor: null })
    const answer = await street.get(path, { authorization: 'Key unknown' })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([401, { code: 30 }])
  })

  it('is told the way to authenticate when the service wants somebody known', async () => {
    street.identity.behave = (_, response) => void response.writeHead(401).end('{}')
    expect((await street.get('/__api__/v1/user')).headers['www-authenticate']).toBe('Key')
  })

  it('takes a bootstrap token to identity on the bootstrap routes', async () => {
    for (const path of ['/__api__/v1/experimental/bootstrap', '/__api__/v1/bootstrap']) {
      await street.send('POST', path, { authorization: 'Connect-Bootstrap eyJ.a.b', 'keybearer-bootstrap': 'forged' })
      expect(street.identity.last.headers['keybearer-bootstrap']).toBe('eyJ.a.b')
      expect(street.identity.last.headers.authorization).toMatch(/^Bearer /)
    }
  })

  it('G03 cannot carry what only we say', async () => {
    await street.get('/__api__/v1/user', {
      'keybearer-actor': 'forged',
      Keybearer_Actor: 'forged',
      'keybearer-bootstrap': 'forged',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.example.org',
      forwarded: 'for=6.6.6.6',
    })
    const { headers } = street.identity.last
    expect(JSON.stringify(headers)).not.toMatch(/forged|6\.6\.6\.6|evil/)
    expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  })

  it('forgives double and trailing slashes, without a redirect', async () => {
    const answer = await street.get('//__api__//v1/content/')
    expect(answer.status).toBe(200)
    expect(street.integrations.last.url).toBe('/__api__/v1/content')
  })

  it.each([
    '/__api__/v1/nothing',
    '/__api__/v1/../v1/user',
    '/__api__/v1/%2e%2e/user',
    '/__api__/v1/users/..%2fuser',
    '/internal/published/user/x',
    '/metrics',
    '/readyz',
    '/livez',
    '/__API__/v1/user',
  ])('D14 knows no %s', async (path) => {
    const answer = await street.get(path)
    expect(answer).toMatchObject({ status: 404, text: '404 page not found' })
    expect(answer.headers['content-type']).toMatch('text/plain')
  })

  it('echoes a correlation id, or makes one', async () => {
    await street.get('/__api__/v1/user', { 'x-correlation-id': 'mine-1' })
    expect(street.identity.last.headers['x-correlation-id']).toBe('mine-1')
    expect((await street.get('/nowhere', { 'x-correlation-id': 'mine-2' })).headers['x-correlation-id']).toBe('mine-2')
    expect((await street.get('/nowhere')).headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('hears whether the provider’s directory was asked', async () => {
    street.identity.behave = (_, response) => void response.setHeader(DIRECTORY_HEADER, 'login_needed').end('{}')
    const answer = await street.get('/__api__/v1/users/remote?prefix=a')
    expect(answer.headers[DIRECTORY_HEADER]).toBe('login_needed')
  })

  it('drops hop-by-hop headers both ways', async () => {
    street.identity.behave = (_, response) => {
      response.writeHead(200, {
        connection: 'x-secret',
        'x-secret': '1',
        'keep-alive': 'timeout=9',
        'x-kept': '2',
        'keybearer-error': 'x',
      })
      response.end('{}')
    }
    const answer = await street.get('/__api__/v1/user', { connection: 'close, accept', accept: 'a/b', te: 'trailers' })
    expect(answer.headers).toMatchObject({ 'x-kept': '2' })
    expect(answer.headers).not.toHaveProperty('x-secret')
    expect(answer.headers).not.toHaveProperty('keybearer-error')
    expect(street.identity.last.headers).not.toHaveProperty('te')
  })

  describe('with a session', () => {
    const xsrf = (cookie: string): string => createHmac('sha256', cookie).update('xsrf').digest('base64url')

    it('D21 needs the XSRF header and a page of ours for what changes something', async () => {
      const { cookie, header } = await street.login()
      const post = (headers: Record<string, string>) =>
        street.send('POST', '/__api__/v1/content', { cookie: header, ...headers }, '{}')

      for (const headers of <Record<string, string>[]>[
        {},
        { 'x-rsc-xsrf': 'wrong' },
        { 'x-rsc-xsrf': xsrf(cookie), origin: 'https://evil.example.org' },
        { 'x-rsc-xsrf': xsrf(cookie), origin: 'null' },
        { 'x-rsc-xsrf': xsrf(cookie), 'sec-fetch-site': 'cross-site' },
      ]) {
        const answer = await post(headers)
        expect(answer.status).toBe(403)
        expect(JSON.parse(answer.text)).toMatchObject({ code: 92 })
      }
      const answer = await post({
        'x-rsc-xsrf': xsrf(cookie),
        origin: street.address.origin,
        'sec-fetch-site': 'same-origin',
      })
      expect(JSON.parse(answer.text)).toMatchObject({ actor: 'user-for-integrations' })
      expect((await street.get('/__api__/v1/content', { cookie: header })).status).toBe(200)
    })

    it('D21 needs them for every method that changes something, every service and every kind of body', async () => {
      const { cookie, header } = await street.login()
      const kinds = [
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=b',
      ]
      const paths = ['/__api__/v1/content', '/__api__/v1/users/x/keys', '/__api__/v1/groups', credentials]
      // Said, since Node's client frames no body of a DELETE.
      const sent = { cookie: header, 'content-length': '7' }
      const services = [street.identity, street.integrations, street.vault, street.vault2]
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        for (const path of paths) {
          for (const type of kinds) {
            const headers = { ...sent, 'content-type': type, origin: street.address.origin }
            const answer = await street.send(method, path, headers, '{"a":1}')
            expect([answer.status, (JSON.parse(answer.text) as { code: number }).code]).toEqual([403, 92])
          }
          const headers = { ...sent, 'x-rsc-xsrf': xsrf(cookie), 'content-type': 'application/json' }
          const before = services.flatMap(({ seen }) => seen).length
          expect((await street.send(method, path, headers, '{"a":1}')).status).toBe(200)
          expect(services.flatMap(({ seen }) => seen).length).toBeGreaterThan(before)
        }
      }
      const forwarded = services.flatMap(({ seen }) => seen).filter(({ url }) => url.startsWith('/__api__'))
      expect(forwarded).toHaveLength(16)
    })

    it('D21 is not helped by the token of another session', async () => {
      const [{ header }, { cookie }] = [await street.login(), await street.login()]
      const answer = await street.send(
        'POST',
        '/__api__/v1/content',
        { cookie: header, 'x-rsc-xsrf': xsrf(cookie) },
        '{}',
      )
      expect(answer.status).toBe(403)
    })

    it('D12 keeps its method, whatever other headers say', async () => {
      const { header } = await street.login()
      const overriding = {
        'x-http-method-override': 'DELETE',
        'x-http-method': 'DELETE',
        'x-method-override': 'DELETE',
      }
      expect((await street.get('/__api__/v1/content', { cookie: header, ...overriding })).status).toBe(200)
      expect(street.integrations.last.method).toBe('GET')
      for (const name of Object.keys(overriding)) expect(street.integrations.last.headers).not.toHaveProperty(name)
    })

    it('D23 is answered to no page of another origin', async () => {
      const { header } = await street.login()
      for (const origin of ['https://evil.test', 'null', `${street.address.origin}.evil.test`, street.address.origin]) {
        for (const [method, path] of [
          ['GET', '/__api__/v1/user'],
          ['OPTIONS', '/__api__/v1/content'],
          ['GET', '/'],
          ['GET', '/__login__'],
        ] as const) {
          const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-rsc-xsrf' }
          const { headers } = await street.send(method, path, { cookie: header, origin, ...preflight })
          expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
        }
      }
    })

    it('D22 needs none with an API key, and then the cookie counts for nothing', async () => {
      const { header } = await street.login()
      const { key } = await street.apiKey(await street.user())
      const answer = await street.send(
        'POST',
        '/__api__/v1/content',
        { cookie: header, authorization: `Key ${key}` },
        '{}',
      )
      expect(JSON.parse(answer.text)).toMatchObject({ actor: 'key-for-integrations' })
    })

    it('can log out from a page of ours only, and takes its cookies to identity', async () => {
      const { header } = await street.login()
      const foreign = await street.send('POST', '/__logout__', { cookie: header, origin: 'https://evil.example.org' })
      expect(foreign.status).toBe(403)
      expect(foreign.headers['content-type']).toMatch('text/html')
      const own = await street.send('POST', '/__logout__', { cookie: header, origin: street.address.origin })
      expect(own.status).toBe(200)
      expect(street.identity.last.headers.cookie).toBe(header)
    })

    it('A37 lets the login provider end sessions, by a form and without cookies', async () => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      await street.send('POST', '/__logout__/backchannel', headers, 'logout_token=x.y.z')
      expect(street.identity.last).toMatchObject({
        url: '/__logout__/backchannel',
        body: 'logout_token=x.y.z',
        headers: expect.objectContaining(headers) as object,
      })
      const { header } = await street.login()
      const forged = await street.send(
        'POST',
        '/__logout__/backchannel',
        { ...headers, cookie: header },
        'logout_token=x',
      )
      expect(forged.status).toBe(403)
    })

    it('that has run out is anonymous, so that one can log in again', async () => {
      const answer = await street.get('/__login__?return_to=%2F', { cookie: 'keybearer_session=gone' })
      expect(JSON.parse(answer.text)).toMatchObject({ service: 'identity', actor: null })
      expect(street.identity.last.url).toBe('/__login__?return_to=%2F')
    })
  })

  describe('and what identity said about its credential', () => {
    const asked = () => street.calls(street.identity, '/internal/actor-assertions').length
    const use = (key: string, path = credentials) => street.send('POST', path, { authorization: `Key ${key}` }, 'x')

    it('is remembered for each service', async () => {
      const { key } = await street.apiKey(await street.user())
      await Promise.all([use(key), use(key), use(key)])
      await use(key)
      expect(asked()).toBe(1)
      await use(key, '/__api__/v1/content')
      expect(asked()).toBe(2)
    })

    it('is forgotten when the key or its owner changes', async () => {
      const user = await street.user()
      const { key, guid } = await street.apiKey(user)
      await use(key)
      await street.user({ ...user, user_role: 'publisher' })
      await use(key)
      expect(asked()).toBe(2)

      street.actors.delete(key)
      await street.tell(apiKeyContract, guid, null)
      expect((await use(key)).status).toBe(401)
    })

    it('is not asked again for an unknown key within a second', async () => {
      await Promise.all([use('unknown'), use('unknown'), use('unknown')])
      await use('unknown')
      expect(asked()).toBe(1)
    })

    describe('while somebody guesses', () => {
      const guess = () => Promise.all(Array.from({ length: 120 }, (_, at) => use(`guess-${at}`)))
      // Time alone gives an address new tries.
      beforeEach(() => void jest.spyOn(performance, 'now').mockReturnValue(performance.now()))
      afterEach(() => void jest.restoreAllMocks())

      it('H19 is limited for one address, and told for how long', async () => {
        const answers = await guess()
        expect(answers.filter(({ status }) => status === 401)).toHaveLength(50)
        const limited = answers.filter(({ status }) => status === 429)
        expect(limited).toHaveLength(70)
        for (const { headers, text } of limited) {
          expect(headers['retry-after']).toMatch(/^[1-9]$/)
          expect(JSON.parse(text)).toMatchObject({ code: 277 })
        }
        expect(asked()).toBe(50)
      })

      it('H19 lets those in at their address who are known', async () => {
        const user = await street.user()
        const [session, { key }, gone] = [await street.login(), await street.apiKey(user), await street.apiKey(user)]
        await street.tell(apiKeyContract, gone.guid, null)
        await guess()
        expect((await use(key)).status).toBe(200)
        expect((await street.get('/__api__/v1/user', { cookie: session.header })).status).toBe(200)
        expect((await use(gone.key)).status).toBe(429)
        expect((await use(`${key}x`)).status).toBe(429)
      })

      it('lets those who have an old cookie see what is open to everybody, and log in', async () => {
        const { guid } = await street.content({ access_type: 'all' })
        const cookie = `keybearer_session=${newCookie()}`
        await guess()
        for (const path of ['/', `/content/${guid}/`, '/__login__']) {
          expect((await street.get(path, { cookie })).status).toBe(200)
        }
        expect(asked()).toBe(50)
      })
    })
  })

  describe('and the replicas of its service', () => {
    it('R08 goes to the next when one cannot be reached', async () => {
      await street.vault.close()
      const { key } = await street.apiKey(await street.user())
      for (let time = 0; time < 4; time++) {
        const answer = await street.send('POST', credentials, { authorization: `Key ${key}` }, 'the body')
        expect(JSON.parse(answer.text)).toMatchObject({ service: 'vault', body: 'the body' })
      }
    })

    it('answers 503 in the API’s shape when none can be reached', async () => {
      await street.integrations.close()
      const answer = await street.get('/__api__/v1/content', { 'x-correlation-id': 'abc' })
      expect(answer.status).toBe(503)
      expect(JSON.parse(answer.text)).toMatchObject({
        code: 1,
        error: expect.any(String),
        payload: { correlation_id: 'abc' },
      })
    })

    it('answers 504 when the service is silent, and sends nothing twice', async () => {
      street.integrations.behave = () => undefined
      const answer = await street.send('POST', '/__api__/v1/content', {}, '{}')
      expect(answer.status).toBe(504)
      expect(street.calls(street.integrations, '/__api__/v1/content')).toHaveLength(1)
    })

    it('never makes half an answer look whole', async () => {
      street.integrations.behave = (_, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half', () => response.destroy())
      }
      await expect(street.get('/__api__/v1/content')).rejects.toThrow()
    })
  })

  it('is answered in the parts in which the answer comes', async () => {
    let say!: (text: string) => void
    street.integrations.behave = (_, response) => {
      say = (text) => void response.write(text)
      say('first')
    }
    const socket = street.connect()
    socket.write(`GET /__api__/v1/content HTTP/1.1\r\nHost: ${street.address.host}\r\n\r\n`)
    expect(String((await once(socket, 'data'))[0])).toContain('first')
    say('last')
    expect(String((await once(socket, 'data'))[0])).toContain('last')
    socket.destroy()
  })

  it('gives the connection of its service back when the client does not read the answer', async () => {
    const over = Promise.withResolvers<void>()
    street.integrations.behave = (_, response) => {
      response.once('close', over.resolve)
      const fill = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', fill)
      }
      fill()
    }
    const socket = street.connect()
    socket.write(`GET /__api__/v1/content HTTP/1.1\r\nHost: ${street.address.host}\r\n\r\n`)
    await over.promise
    await once(socket.resume(), 'close')
  })

  describe('and its body', () => {
    const head = (line: string, length = 10) =>
      `${line} HTTP/1.1\r\nHost: ${street.address.host}\r\nContent-Length: ${length}\r\n`

    it.each([
      ['GET /__api__/v1/content', 'integrations'],
      ['HEAD /__api__/v1/content', 'integrations'],
      ['GET /__login__', 'identity'],
      ['POST /__logout__', 'identity'],
      ['GET /__oauth__/integrations/callback?state=x', 'vault'],
    ] as const)('is not waited for where it means nothing: %s', async (line, service) => {
      expect(await street.raw(`${head(line)}Connection: close\r\n\r\nabc`)).toMatch(/^HTTP\/1\.1 200 /)
      const seen = [...street[service].seen, ...(service === 'vault' ? street.vault2.seen : [])].at(-1)!
      expect(seen.body).toBe('')
      expect(['0', undefined]).toContain(seen.headers['content-length'])
    })

    it('must come in the time that a request has, and occupies no service until it is there', async () => {
      const slow = Array.from({ length: 100 }, () => street.raw(`${head('POST /__api__/v1/content')}\r\na`))
      expect((await street.send('POST', '/__api__/v1/content', {}, '{}')).status).toBe(200)
      for (const answer of await Promise.all(slow)) {
        expect(answer).toMatch(/^HTTP\/1\.1 408 /)
        expect(answer).toMatch(/connection: close/i)
      }
      expect(street.calls(street.integrations, '/__api__/v1/content')).toHaveLength(1)
    })

    it('H01 may not be larger than the services take', async () => {
      const over = 1024 * 1024 + 1
      const whole = await street.raw(`${head('POST /__api__/v1/content', over)}\r\n`)
      const chunks = await street.raw(
        `POST /__api__/v1/content HTTP/1.1\r\nHost: ${street.address.host}\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `${over.toString(16)}\r\n${'x'.repeat(over)}`,
      )
      for (const answer of [whole, chunks]) expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"code":87/)
      expect(street.integrations.seen).toHaveLength(0)
    })

    it('is nothing when it is cut short', async () => {
      const socket = street.connect()
      const gone = new Promise((resolve) => socket.once('close', resolve))
      socket.write(`${head('POST /__api__/v1/content')}\r\na`, () => socket.destroy())
      await gone
      expect((await street.send('POST', '/__api__/v1/content', {}, '{}')).status).toBe(200)
      expect(street.integrations.seen).toHaveLength(1)
    })

    it('goes in chunks as well', async () => {
      const answer = await street.send('POST', '/__api__/v1/content', { 'transfer-encoding': 'chunked' }, 'in chunks')
      expect(JSON.parse(answer.text)).toMatchObject({ body: 'in chunks' })
    })
  })

  it.each([
    ['G14 with two Host headers', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['G14 with a target of the absolute form', 'GET http://evil.example.org/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['G15 with two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'G15 with a length and chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['G15 with a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n'],
    [
      'with two credentials',
      'GET /__api__/v1/user HTTP/1.1\r\nHost: a\r\nAuthorization: Key a\r\nAuthorization: Key b\r\n\r\n',
    ],
    ['with a backslash in its path', 'GET /\\evil.example.org HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('is refused with 400 %s', async (_, bytes) => {
    const socket = connect(Number(street.address.port), '127.0.0.1')
    socket.write(bytes)
    const [data] = (await once(socket, 'data')) as [Buffer]
    expect(data.toString()).toMatch(/^HTTP\/1\.1 400 /)
    socket.destroy()
  })

  describe('to another host', () => {
    const status = (path: string, host: string) => street.get(path, { host }).then((answer) => answer.status)
    const { guid } = { guid: '00000000-0000-4000-8000-000000000000' }

    it.each(['evil.example.org', 'localhost.example.org', '127.0.0.1.example.org', 'a@localhost', 'localhost/x'])(
      'G14 is refused: %j',
      async (host) => {
        for (const path of ['/', '/__api__/v1/user', `/content/${guid}/`, '/__login__']) {
          expect(await status(path, host)).toBe(400)
        }
        expect(street.identity.seen).toHaveLength(0)
        expect(await street.raw(`GET /content/${guid}/ HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}\r\n`)).toMatch(
          /^HTTP\/1\.1 400 /,
        )
      },
    )

    it('is answered when it is a ping, for load balancers', async () => {
      expect(await status('/__ping__', 'evil.example.org')).toBe(200)
    })

    it('is answered while developing, when that is this machine by another name', async () => {
      const { port } = street.address
      for (const host of [`LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, `app.localhost:${port}`]) {
        expect(await status('/', host)).toBe(200)
      }
    })
  })

  it('G15 is refused with 431 when its headers are larger than 16 KiB', async () => {
    expect((await street.get('/', { 'x-long': 'x'.repeat(17_000) })).status).toBe(431)
  })

  it('G17 is served in the ordinary way when it asks for another protocol', async () => {
    const answer = await street.get('/__api__/v1/user', {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABk',
    })
    expect(answer.status).toBe(200)
    expect((await street.upgrade('/__api__/v1/user')).status).toBe(404)
  })
})

describe('on https', () => {
  const street = new Street()
  beforeAll(() => street.open({ scheme: 'https' }))
  afterAll(() => street.close())

  it('D20 only the cookie that no other host and no plain http can set is a session', async () => {
    const { cookie } = await street.login()
    const actorBy = async (name: string): Promise<unknown> => {
      const { text } = await street.get('/__api__/v1/user', { cookie: `${name}=${cookie}` })
      return (JSON.parse(text) as { actor: unknown }).actor
    }
    expect(await actorBy('__Host-keybearer_session')).toBe('user-for-identity')
    for (const name of ['keybearer_session', '__Secure-keybearer_session', '__host-keybearer_session'])
      expect(await actorBy(name)).toBeNull()
  })

  it.each(['/', '/__login__', '/__api__/v1/user', '/content/x/', '/nowhere', '/__docs__'])(
    'D24 is insisted on for the next time, at %s',
    async (path) => {
      const { headers } = await street.get(path)
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
    },
  )

  it.each(['/', '/content/x/', '/__docs__'])(
    'D24 pages say what may run in them and around them, at %s',
    async (path) => {
      const { headers } = await street.get(path, { accept: 'text/html' })
      expect(headers['content-security-policy']).toMatch(/object-src 'none'/)
      expect(headers['content-security-policy']).toMatch(/base-uri 'none'/)
      expect(headers['content-security-policy']).toMatch(/frame-ancestors 'none'/)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' })
    },
  )
})

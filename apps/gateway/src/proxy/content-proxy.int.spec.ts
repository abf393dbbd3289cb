import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { eventually } from '#libs/testing'
import { Street } from '../door/street.conformance.js'

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
/** What an attacker would have the app take for a request of the gateway. */
const SMUGGLED = 'GET /admin HTTP/1.1\r\nHost: x\r\nRStudio-Connect-Credentials: {"user":"alice"}\r\n\r\n'

describe('between a visitor and an app', () => {
  let street: Street
  let guid: string

  beforeEach(async () => {
    street = new Street()
    await street.open()
    guid = (await street.content({ access_type: 'all' })).guid
  })
  afterEach(() => street.close())

  const send = (line: string, headers: string, body = ''): Promise<string> =>
    street.raw(`${line} HTTP/1.1\r\nHost: ${street.address.host}\r\n${headers}\r\n${body}`)
  const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
  const lines = (): string[] => street.app.seen.map(({ method, url }) => `${method} ${url}`)

  describe('where a body ends is what we say', () => {
    it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
      'G15 so that a body of %s in chunks is no second request',
      async (method) => {
        const answer = await send(
          `${method} /content/${guid}/x`,
          'Transfer-Encoding: chunked\r\nConnection: close\r\n',
          chunked(SMUGGLED),
        )
        expect(answer).toMatch(/^HTTP\/1\.1 200 /)
        await street.get(`/content/${guid}/after`)
        expect(lines()).toEqual([`${method} /x`, 'GET /after'])
        expect(street.app.seen[0]).toMatchObject({ body: SMUGGLED, headers: { 'transfer-encoding': 'chunked' } })
        expect(street.app.seen[0]!.headers).not.toHaveProperty('content-length')
      },
    )

    it.each(['POST', 'DELETE', 'OPTIONS'])('and a body of %s with a length has that length', async (method) => {
      await send(
        `${method} /content/${guid}/x`,
        `Content-Length: ${SMUGGLED.length}\r\nConnection: close\r\n`,
        SMUGGLED,
      )
      await street.get(`/content/${guid}/after`)
      expect(lines()).toEqual([`${method} /x`, 'GET /after'])
      expect(street.app.seen[0]).toMatchObject({ body: SMUGGLED })
    })

    it('G15 and other codings of a body than chunks are refused', async () => {
      for (const coding of ['gzip, chunked', 'chunked, chunked', 'chunked\r\nTransfer-Encoding: chunked']) {
        const headers = `Transfer-Encoding: ${coding}\r\nConnection: close\r\n`
        expect(await send(`POST /content/${guid}/x`, headers, chunked('a'))).toMatch(/^HTTP\/1\.1 400 /)
      }
      expect(lines()).toEqual([])
    })
  })

  describe('a WebSocket', () => {
    it.each([
      ['a length', 'GET', 'Content-Length: 4000\r\n', ''],
      ['chunks', 'GET', 'Transfer-Encoding: chunked\r\n', chunked(SMUGGLED)],
      ['another method', 'POST', '', ''],
    ])('G15 is refused with %s', async (_, method, framing, body) => {
      const answer = await send(`${method} /content/${guid}/ws`, UPGRADE + framing, body)
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(lines()).toEqual([])
    })

    it('has a connection of its own, which nobody had before and nobody gets after', async () => {
      const ports: Record<string, number | undefined> = {}
      street.app.server.on('request', ({ url, socket }) => (ports[url!] = socket.remotePort))
      street.app.server.removeAllListeners('upgrade')
      await street.get(`/content/${guid}/before`)
      // Served in the ordinary way, so that the connection could be used again.
      expect((await street.upgrade(`/content/${guid}/ws`)).status).toBe(200)
      await street.get(`/content/${guid}/after`)
      expect(ports['/before']).toBe(ports['/after'])
      expect(ports['/ws']).not.toBe(ports['/before'])
    })

    it('that the app refuses with a large answer gets all of it', async () => {
      street.app.server.removeAllListeners('upgrade')
      const page = 'x'.repeat(8_000_000)
      street.app.behave = (_, response) => void response.end(page)
      const answer = await send(`GET /content/${guid}/ws`, UPGRADE)
      expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(page.length)
    })

    it('is ended with what the app still had to say when the app ends it', async () => {
      const { socket } = await street.upgrade(`/content/${guid}/ws`)
      const received: string[] = []
      socket!.on('data', (chunk: Buffer) => received.push(chunk.toString()))
      await eventually(() => street.app.sockets.length === 1)
      street.app.sockets[0]!.end('goodbye')
      await once(socket!, 'close')
      expect(received.join('')).toBe('goodbye')
    })

    it('is ended at the app when the visitor goes', async () => {
      const { socket } = await street.upgrade(`/content/${guid}/ws`)
      await eventually(() => street.app.sockets.length === 1)
      const closed = once(street.app.sockets[0]!, 'close')
      socket!.destroy()
      await closed
    })
  })

  describe('an app that answers strangely', () => {
    let app: Server
    let answers: string

    beforeEach(async () => {
      app = createServer((socket: Socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.end(answers, 'latin1'))
      }).listen(0, '127.0.0.1')
      await once(app, 'listening')
      const { port } = app.address() as AddressInfo
      guid = (await street.content({ access_type: 'all', upstream_url: `http://127.0.0.1:${port}` })).guid
    })
    afterEach(() => app.close())

    it.each([
      ['a status of no class', 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok'],
      ['a status below all classes', 'HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok'],
      ['a status above all classes', 'HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nok'],
      ['a switch to a protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n'],
      ['a switch to nothing', 'HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\nok'],
      ['no HTTP', 'ok'],
    ])('G20 with %s does not answer', async (_, strange) => {
      answers = strange
      expect((await street.get(`/content/${guid}/`)).status).toBe(502)
      expect((await street.upgrade(`/content/${guid}/`)).status).toBe(502)
      answers = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      expect(await street.get(`/content/${guid}/`)).toMatchObject({ status: 200, text: 'ok' })
    })

    it('is heard without its own words for the status', async () => {
      answers = 'HTTP/1.1 201 O\x01K\xff\r\nContent-Length: 2\r\n\r\nok'
      const get = (headers: string) => send(`GET /content/${guid}/`, headers)
      expect(await get('Connection: close\r\n')).toMatch(/^HTTP\/1\.1 201 Created\r\n[^]*ok$/)
      expect(await get(UPGRADE)).toMatch(/^HTTP\/1\.1 201 Created\r\n[^]*ok$/)
    })

    it('is heard after what it says first', async () => {
      answers = 'HTTP/1.1 150 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      expect(await street.get(`/content/${guid}/`)).toMatchObject({ status: 200, text: 'ok' })
    })
  })

  it('an upload that the app has answered early does not keep its connection', async () => {
    street.app.server.keepAliveTimeout = 0
    const closed: Promise<unknown>[] = []
    street.app.server.on('connection', (socket: Socket) => {
      closed.push(new Promise((resolve) => socket.once('close', resolve)))
    })
    const client = street.connect()
    client.write(
      `POST /content/${guid}/x HTTP/1.1\r\nHost: ${street.address.host}\r\nContent-Length: 1000000\r\n\r\nabc`,
    )
    expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
    client.destroy()
    expect(closed).toHaveLength(1)
    await Promise.all(closed)
  })
})

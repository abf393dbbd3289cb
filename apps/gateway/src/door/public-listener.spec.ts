import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { Histogram } from 'prom-client'
import { pino } from 'pino'
import { PublicListener } from './public-listener.js'

describe('the listener to the world', () => {
  let listener: PublicListener
  let port: number
  let sockets: Socket[]
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown

  beforeEach(async () => {
    answer = (_, response) => response.end('ok')
    const seconds = new Histogram({
      name: 'seconds',
      help: 'x',
      labelNames: ['method', 'route', 'status'],
      registers: [],
    })
    const door = {
      request: (request: IncomingMessage, response: ServerResponse) => Promise.resolve(void answer(request, response)),
      socket: (_: unknown, socket: Socket) => Promise.resolve(void socket.end('a WebSocket')),
    }
    listener = new PublicListener(door, { pino: pino({ level: 'silent' }), seconds }, { headersMs: 800, restMs: 50 })
    port = (await listener.listen(0, '127.0.0.1')).port
    sockets = []
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await listener.stop(0)
  })

  const client = (): Socket => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    return socket
  }
  const heard = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])
  const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`
  const upgrade = get('/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')

  it('does not wait for ever for the rest of a body that nobody wanted', async () => {
    const [waiting, going] = [client(), client()]
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na'
    for (const socket of [waiting, going]) socket.write(post)
    await Promise.all([heard(waiting), heard(going)])
    going.write('bc')
    await once(waiting.resume(), 'close')
    going.write(`${post}bc`)
    expect(await heard(going)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('H16 closes 500 connections whose headers come byte by byte, and serves others meanwhile', async () => {
    const slow = Array.from({ length: 500 }, client)
    // A byte may be on its way to what is closed already.
    const ends = slow.map((socket) => textOf(socket).catch(() => 'reset'))
    let left = slow.length
    for (const socket of slow) socket.once('close', () => left--).write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
    const drip = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('a')), 100)
    while (left > 0) {
      const other = client()
      other.write(get('/'))
      expect(await heard(other)).toMatch(/^HTTP\/1\.1 200 /)
      other.destroy()
    }
    clearInterval(drip)
    for (const end of await Promise.all(ends)) expect(end).toMatch(/^(HTTP\/1\.1 408 |reset$)/)
  })

  it('opens a WebSocket on a connection whose requests are answered', async () => {
    const socket = client()
    socket.write(get('/'))
    expect(await heard(socket)).toMatch(/ok$/)
    socket.write(upgrade)
    expect(await heard(socket)).toBe('a WebSocket')
  })

  it('opens none before that, so that no request loses its end', async () => {
    const arrived: string[] = []
    const both = Promise.withResolvers<void>()
    answer = ({ url }) => void (arrived.push(url!) === 2 && both.resolve())
    const socket = client()
    socket.write(get('/slow') + upgrade)
    await both.promise
    expect(arrived).toEqual(['/slow', '/ws'])
    socket.destroy()
    const began = performance.now()
    await listener.stop(4_000)
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})

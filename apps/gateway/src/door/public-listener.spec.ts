import { once } from 'node:events'
import { connect } from 'node:net'
import { Histogram } from 'prom-client'
import { pino } from 'pino'
import { PublicListener } from './public-listener.js'

describe('the listener to the world', () => {
  it('does not wait for ever for the rest of a body that nobody wanted', async () => {
    const seconds = new Histogram({
      name: 'seconds',
      help: 'x',
      labelNames: ['method', 'route', 'status'],
      registers: [],
    })
    const door = {
      request: (_: unknown, response: { end: (text: string) => void }) => Promise.resolve(response.end('ok')),
      socket: () => Promise.resolve(),
    }
    const listener = new PublicListener(door, { pino: pino({ level: 'silent' }), seconds }, 50)
    const { port } = await listener.listen(0, '127.0.0.1')
    const [waiting, going] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    try {
      const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na'
      for (const socket of [waiting, going]) socket.write(post)
      await Promise.all([once(waiting, 'data'), once(going, 'data')])
      going.write('bc')
      await once(waiting.resume(), 'close')
      going.write(`${post}bc`)
      expect(String((await once(going, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
    } finally {
      for (const socket of [waiting, going]) socket.destroy()
      await listener.stop(0)
    }
  })
})

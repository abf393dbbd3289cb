import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { type AddressInfo, connect, createServer as createApp, type Server, type Socket } from 'node:net'
import { ContentProxy } from './content-proxy.js'

const portOf = (server: Server): number => (server.address() as AddressInfo).port

describe('a request to an app', () => {
  it('that answers without reading it is over with the answer', async () => {
    const app = createApp((socket: Socket) => {
      socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }).listen(0, '127.0.0.1')
    await once(app, 'listening')
    let toApp!: Socket
    const http = Object.assign(new Agent({ keepAlive: true }), {
      createConnection: () => {
        // As when the app's end is full: what is written stays here.
        const stuck = { _write: () => undefined, _writev: () => undefined }
        toApp = Object.assign(connect(portOf(app), '127.0.0.1'), stuck)
        return toApp
      },
    })
    const pair = { http, https: new HttpsAgent() }
    const proxy = new ContentProxy({ ...pair, single: pair, destroy: () => undefined })
    const gateway = createServer((request, response) => {
      void proxy.web(request, response, '/x', {
        upstream: new URL(`http://127.0.0.1:${portOf(app)}`),
        address: new URL('http://localhost'),
        base: '/content/x',
        peer: '127.0.0.1',
        correlationId: 'x',
      })
    }).listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    try {
      const url = `http://127.0.0.1:${portOf(gateway)}/`
      const answer = await fetch(url, { method: 'POST', body: 'abc', headers: { connection: 'close' } })
      expect(await answer.text()).toBe('ok')
      if (!toApp.closed) await once(toApp, 'close')
    } finally {
      toApp.destroy()
      gateway.close()
      app.close()
    }
  })
})

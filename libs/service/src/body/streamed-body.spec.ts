import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { DomainError } from '#libs/contracts'
import { streamedBody, type StreamLimits } from './streamed-body.js'

let server: Server
let limits: StreamLimits
/** How slowly the server takes what comes. */
let take: (part: Buffer) => Promise<void>

beforeEach(async () => {
  limits = { most: 1_000_000, tooLarge: 'too large' }
  take = () => Promise.resolve()
  server = createServer((incoming, response) => void answer(incoming, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  let length = 0
  try {
    for await (const part of streamedBody(Object.assign(incoming, { res: response }), limits)) {
      length += part.length
      await take(part)
    }
    response.end(String(length))
  } catch (error) {
    response.end(error instanceof DomainError ? error.code : 'failed')
  }
}

const post = (headers = {}) =>
  request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method: 'POST', headers })
async function answerTo(outgoing: ReturnType<typeof post>): Promise<{ text: string; connection: string | undefined }> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  outgoing.on('error', () => undefined).destroy()
  return { text, connection: incoming.headers.connection }
}

describe('a body that is streamed', () => {
  it('comes as a whole, however slowly it is taken', async () => {
    take = () => new Promise(setImmediate)
    const outgoing = post()
    outgoing.end('x'.repeat(900_000))
    expect(await answerTo(outgoing)).toMatchObject({ text: '900000' })
  })

  it('may be empty', async () => {
    const outgoing = post()
    outgoing.end()
    expect(await answerTo(outgoing)).toMatchObject({ text: '0' })
  })

  it('H01 is refused when it is too large, said before or not, and its connection ends', async () => {
    const declared = post({ 'content-length': 1_000_001 })
    declared.flushHeaders()
    expect(await answerTo(declared)).toEqual({ text: 'request.body_too_large', connection: 'close' })
    const grown = post()
    grown.write('x'.repeat(1_000_001))
    expect(await answerTo(grown)).toEqual({ text: 'request.body_too_large', connection: 'close' })
  })

  it('H16 is refused when nothing comes for long, or all takes too long', async () => {
    limits = { ...limits, idleMs: 20 }
    const silent = post()
    silent.write('x')
    expect(await answerTo(silent)).toEqual({ text: 'request.body_too_slow', connection: 'close' })
    limits = { ...limits, idleMs: 1_000, wholeMs: 60 }
    const slow = post()
    const drip = setInterval(() => slow.write('x'), 10)
    expect(await answerTo(slow)).toMatchObject({ text: 'request.body_too_slow' })
    clearInterval(drip)
  })

  it('H11 is not unpacked', async () => {
    const outgoing = post({ 'content-encoding': 'gzip' })
    outgoing.end('x')
    expect(await answerTo(outgoing)).toMatchObject({ text: 'request.body_encoded' })
  })

  it('is nothing when it breaks off', async () => {
    const taken: number[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    take = (part) => {
      taken.push(part.length)
      resolve()
      return Promise.resolve()
    }
    const outgoing = post({ 'content-length': 100 })
    outgoing.on('error', () => undefined).write('x')
    await promise
    const closed = once(server, 'connection').catch(() => undefined)
    outgoing.destroy()
    const next = post()
    next.end()
    await closed
    expect(await answerTo(next)).toMatchObject({ text: '0' })
    expect(taken).toEqual([1])
  })
})

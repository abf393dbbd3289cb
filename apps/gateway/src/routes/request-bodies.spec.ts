import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { RequestBodies } from './request-bodies.js'

describe('the body of a request', () => {
  const limits = { wholeMs: 60_000, idleMs: 60_000, mostHeld: 100 }
  const request = (): IncomingMessage & PassThrough =>
    Object.assign(new PassThrough(), { headers: {} }) as unknown as IncomingMessage & PassThrough
  const response = (): ServerResponse => Object.assign(new EventEmitter(), { destroyed: false }) as ServerResponse

  it('is read to its end', async () => {
    const sent = request()
    const read = new RequestBodies(limits).read(sent, response())
    sent.write('one ')
    sent.end('two')
    expect(String(await read)).toBe('one two')
  })

  it.each(['wholeMs', 'idleMs'])('is given up when it takes longer than %s', async (limit) => {
    const sent = request()
    const bodies = new RequestBodies({ ...limits, [limit]: 10 })
    sent.write('one')
    await expect(bodies.read(sent, response())).rejects.toMatchObject({ code: 'request.timeout' })
  })

  it('is refused while the bodies of others fill what there is for them', async () => {
    const bodies = new RequestBodies(limits)
    const [first, second, third] = [request(), request(), request()]
    const answer = response()
    first.end('x'.repeat(60))
    await bodies.read(first, answer)
    second.end('x'.repeat(60))
    await expect(bodies.read(second, response())).rejects.toMatchObject({ code: 'service.unavailable' })
    answer.emit('close')
    third.end('x'.repeat(60))
    expect(await bodies.read(third, response())).toHaveLength(60)
  })
})

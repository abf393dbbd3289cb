import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { OpenSockets } from './open-sockets.js'

describe('an open WebSocket', () => {
  let now: number
  let sockets: OpenSockets
  let socket: PassThrough
  let mayStay: () => Promise<boolean>

  beforeEach(() => {
    now = 0
    sockets = new OpenSockets(
      () => true,
      () => now,
    )
    socket = new PassThrough()
    mayStay = () => Promise.resolve(true)
    sockets.add({ socket, restsOn: ['content', 'person', undefined], mayStay: () => mayStay() })
  })
  afterEach(() => sockets.closeAll())

  it('stays while its visitor may', async () => {
    now = 1_000_000
    await sockets.sweep()
    expect(socket.destroyed).toBe(false)
    expect(sockets.size).toBe(1)
  })

  it('is closed once its visitor may not, and forgotten', async () => {
    mayStay = () => Promise.resolve(false)
    const closed = once(socket, 'close')
    await sockets.sweep()
    await closed
    expect(sockets.size).toBe(0)
  })

  it('outlives half a minute in which nobody can say, and no more', async () => {
    mayStay = () => Promise.reject(new Error('nobody knows'))
    now = 29_999
    await sockets.sweep()
    expect(socket.destroyed).toBe(false)
    mayStay = () => Promise.resolve(true)
    await sockets.sweep()

    mayStay = () => Promise.reject(new Error('nobody knows'))
    now += 29_999
    await sockets.sweep()
    expect(socket.destroyed).toBe(false)
    now += 1
    await sockets.sweep()
    expect(socket.destroyed).toBe(true)
  })

  it('D18 is use of its session while something comes from the visitor, and not when it is only open', async () => {
    let [received, used] = [10, 0]
    sockets.add({
      socket: new PassThrough(),
      restsOn: [],
      mayStay,
      received: () => received,
      use: async () => void used++,
    })
    await sockets.sweep()
    expect(used).toBe(0)
    received = 11
    await sockets.sweep()
    await sockets.sweep()
    expect(used).toBe(1)
  })

  it('is asked about when something that it rests on changes', () => {
    let asked = 0
    mayStay = () => {
      asked += 1
      return Promise.resolve(true)
    }
    for (const guid of ['content', 'person', 'somebody else']) sockets.changed(guid)
    expect(asked).toBe(2)
  })
})

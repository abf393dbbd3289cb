import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AddressGuard, type GuardRules } from './address-guard.js'
import { guardedAgents } from './guarded-agents.js'
import { UpstreamList } from '#libs/service'

const guard = (rules: Partial<GuardRules> = {}, lines: readonly string[] = []): AddressGuard =>
  new AddressGuard({ permitted: new UpstreamList(lines), loopback: false, own: [], ...rules })

describe('the addresses where content may be', () => {
  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    '0.0.0.0',
    '::',
    '255.255.255.255',
    '224.0.0.1',
    'ff02::1',
    '240.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'not-an-address',
  ])('F02 are never %s, not even when the list says so', async (address) => {
    const listed = guard({ loopback: true }, ['0.0.0.0/0', '[::/0]', 'app.example.org'])
    expect(await listed.refusal('app.example.org', address, 80)).toEqual(expect.any(String))
  })

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])(
    'are on loopback (%s) in development only',
    async (address) => {
      expect(await guard().refusal('localhost', address, 8080)).toMatch('loopback')
      expect(await guard({ loopback: true }).refusal('localhost', address, 8080)).toBeUndefined()
    },
  )

  it('are anywhere else when there is no list', async () => {
    expect(await guard().refusal('app.example.org', '8.8.8.8', 443)).toBeUndefined()
    expect(await guard().refusal('app', '10.1.2.3', 8080)).toBeUndefined()
  })

  it('are in the list when there is one: by the name that was asked for, or by the address that was found', async () => {
    const listed = guard({}, ['*.apps.example.org:8080', 'One.example.org', '10.0.0.0/8:3000', '[fd12::/16]:3000'])
    const may = async (host: string, address: string, port: number) =>
      (await listed.refusal(host, address, port)) === undefined
    expect(await may('a.apps.example.org', '8.8.8.8', 8080)).toBe(true)
    expect(await may('a.b.APPS.example.org', '8.8.8.8', 8080)).toBe(true)
    expect(await may('apps.example.org', '8.8.8.8', 8080)).toBe(false)
    expect(await may('evil-apps.example.org', '8.8.8.8', 8080)).toBe(false)
    expect(await may('a.apps.example.org.evil.test', '8.8.8.8', 8080)).toBe(false)
    expect(await may('a.apps.example.org', '8.8.8.8', 8081)).toBe(false)
    expect(await may('one.example.org', '8.8.8.8', 9)).toBe(true)
    expect(await may('anything', '10.200.0.1', 3000)).toBe(true)
    expect(await may('anything', '10.200.0.1', 3001)).toBe(false)
    expect(await may('anything', '11.0.0.1', 3000)).toBe(false)
    expect(await may('anything', 'fd12:1::1', 3000)).toBe(true)
    expect(await may('anything', 'fd13::1', 3000)).toBe(false)
  })

  it('are never those of our own processes, under any name', async () => {
    const own = [
      { host: 'localhost', port: 4001 },
      { host: 'identity.keybearer', port: 4000 },
      { host: '0.0.0.0', port: 3939 },
    ]
    const guarded = guard({ loopback: true, own })
    for (const address of ['127.0.0.1', '::1', '127.1.2.3']) {
      expect(await guarded.refusal('rebound.example.org', address, 4001)).toMatch('own')
      expect(await guarded.refusal('rebound.example.org', address, 3939)).toMatch('own')
      expect(await guarded.refusal('rebound.example.org', address, 4002)).toBeUndefined()
    }
    expect(await guarded.refusal('Identity.keybearer', '10.0.0.9', 4000)).toMatch('own')
    expect(await guarded.refusal('other', '10.0.0.9', 4000)).toBeUndefined()
  })

  it.each(['', 'http://app', 'app:0', 'app:99999', 'a b', '10.0.0.0/8/8', '[app]:80', 'app/8', '*app'])(
    'cannot be listed as %j',
    (line) => {
      expect(() => new UpstreamList([line])).toThrow('[Content] Upstream')
    },
  )
})

describe('the connections to content', () => {
  it('are judged by the address that a name leads to, each time one is made', async () => {
    const server = createServer((_, response) => void response.end('ok'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ask = async (host: string, loopback: boolean): Promise<unknown> => {
      const agents = guardedAgents(guard({ loopback }))
      const outgoing = request({ host, port, agent: agents.http })
      outgoing.end()
      try {
        const [answer] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
        answer.resume()
        await once(answer, 'end')
        return answer.statusCode
      } catch (error) {
        return (error as { code: string }).code
      } finally {
        agents.destroy()
      }
    }
    expect(await ask('localhost', true)).toBe(200)
    expect(await ask('127.0.0.1', true)).toBe(200)
    expect(await ask('localhost', false)).toBe('UPSTREAM_REFUSED')
    expect(await ask('127.0.0.1', false)).toBe('UPSTREAM_REFUSED')
    server.closeAllConnections()
    server.close()
  })
})

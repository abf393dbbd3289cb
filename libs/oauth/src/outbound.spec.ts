import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { EnvHttpProxyAgent, request } from 'undici'
import type { Resolve } from './name-lookups.js'
import { Outbound, OutboundError, type OutboundOptions, type OutboundRequest } from './outbound.js'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')

const running: (TcpServer | Outbound)[] = []
const sockets = new Set<Socket>()

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await Promise.all(
    running.splice(0).map((one) => (one instanceof Outbound ? one.close() : new Promise((done) => one.close(done)))),
  )
})

async function listening<S extends TcpServer>(server: S): Promise<{ server: S; port: number }> {
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  running.push(server)
  return { server, port: (server.address() as AddressInfo).port }
}

/** A local server; `journal` holds the paths that were asked for. */
async function serve(
  listener: RequestListener,
): Promise<{ url: string; port: number; journal: string[]; server: Server }> {
  const journal: string[] = []
  const { server, port } = await listening(
    createServer((request, response) => {
      journal.push(`${request.method} ${request.url}`)
      listener(request, response)
    }),
  )
  return { url: `http://127.0.0.1:${port}`, port, journal, server }
}

function outbound(options: OutboundOptions = {}): Outbound {
  const made = new Outbound(options)
  running.push(made)
  return made
}

const local = (options: OutboundOptions = {}) => outbound({ loopback: true, ...options })

async function failure(attempt: Promise<unknown>): Promise<{ reason: string; sent: boolean }> {
  const error = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof OutboundError)) throw new Error('no OutboundError', { cause: error })
  return { reason: error.reason, sent: error.sent }
}

const refusal = (client: Outbound, url: string): string => {
  try {
    client.check(url)
    return 'permitted'
  } catch (error) {
    return error instanceof OutboundError ? error.reason : 'failed'
  }
}

const answering =
  (...addresses: string[]): Resolve =>
  (_hostname, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

describe('a URL', () => {
  it.each([
    'https://login.example.com/token',
    'https://login.example.com:443/token?a=b',
    'https://8.8.8.8/token',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/token',
  ])('F01 is permitted: %s', (url) => {
    expect(refusal(outbound(), url)).toBe('permitted')
  })

  it.each([
    ['F01', 'http://login.example.com/token'],
    ['F01', 'http://127.0.0.1/token'],
    ['F08', 'https://login.example.com@evil.test/token'],
    ['F08', 'https://user:password@login.example.com/token'],
    ['F08', 'https://login.example.com\\@evil.test/token'],
    ['F08', 'https:\\\\login.example.com/token'],
    ['F08', 'https://login.example.com./token'],
    ['F10', 'https://login.example.com/token#fragment'],
    ['F10', 'https://login.example.com/token#'],
    ['F10', 'https://login.example.com/to\r\nken'],
    ['F10', 'https://login.example.com/to ken'],
    ['F10', ' https://login.example.com/token'],
    ['F10', 'https://login.example.com/\u0000'],
    ['F10', `https://login.example.com/${'a'.repeat(8192)}`],
    ['F17', 'file:///etc/passwd'],
    ['F17', 'gopher://login.example.com/'],
    ['F17', 'data:text/plain,token'],
    ['F17', 'unix:/run/docker.sock'],
    ['F17', 'login.example.com/token'],
    ['F17', ''],
  ])('%s is refused: %j', (_check, url) => {
    expect(refusal(outbound(), url)).toBe('url_forbidden')
  })

  it.each([
    ['F02', 'https://0x7f.1/'],
    ['F02', 'https://2130706433/'],
    ['F02', 'https://127.1/'],
    ['F02', 'https://0177.0.0.1/'],
    ['F02', 'https://①②⑦.0.0.1/'],
    ['F02', 'https://127%2e0%2e0%2e1/'],
    ['F03', 'https://[::1]/'],
    ['F03', 'https://[::]/'],
    ['F03', 'https://[::ffff:127.0.0.1]/'],
    ['F03', 'https://[64:ff9b::7f00:1]/'],
    ['F03', 'https://[2002:7f00:1::]/'],
    ['F03', 'https://0.0.0.0/'],
    ['F04', 'https://169.254.169.254/latest/meta-data/'],
    ['F04', 'https://[fd00:ec2::254]/'],
    ['F04', 'https://100.64.0.1/'],
    ['F04', 'https://10.0.0.1/'],
    ['F04', 'https://172.16.0.1/'],
    ['F04', 'https://192.168.0.1/'],
    ['F04', 'https://[fc00::1]/'],
    ['F04', 'https://[fe80::1]/'],
    ['F09', 'https://8.8.8.8:22/'],
    ['F09', 'https://8.8.8.8:5432/'],
    ['F09', 'https://8.8.8.8:8443/'],
  ])('%s is refused for its address: %s', async (_check, url) => {
    const client = outbound()
    expect(refusal(client, url)).toBe('address_forbidden')
    expect(await failure(client.request({ url }))).toEqual({ reason: 'address_forbidden', sent: false })
  })

  it('F09 may have a port that is configured', () => {
    expect(refusal(outbound({ ports: [8443] }), 'https://8.8.8.8:8443/')).toBe('permitted')
  })

  it.each([
    ['https://login%2eexample.com/token', 'login.example.com'],
    ['https://LOGIN。example.com/token', 'login.example.com'],
    ['https://lоgin.example.com/token', 'xn--lgin-55d.example.com'],
  ])('F08 is the host that the parser makes of it, for whoever compares or shows it: %s', (url, host) => {
    expect(outbound().check(url).host).toBe(host)
  })

  it('F14 may not be our own', () => {
    const client = outbound({ ownOrigins: ['https://keybearer.example.com'] })
    expect(refusal(client, 'https://KEYBEARER.example.com/__oauth__')).toBe('url_forbidden')
    expect(refusal(client, 'https://other.example.com/__oauth__')).toBe('permitted')
  })

  it.each([
    ['http://127.0.0.1:8080/', 'permitted'],
    ['http://localhost:8080/', 'permitted'],
    ['https://[::1]:8080/', 'permitted'],
    ['https://8.8.8.8/', 'permitted'],
    ['http://8.8.8.8/', 'address_forbidden'],
    ['http://169.254.169.254/', 'address_forbidden'],
    ['https://192.168.0.1/', 'address_forbidden'],
    ['http://user@127.0.0.1/', 'url_forbidden'],
    ['ftp://127.0.0.1/', 'url_forbidden'],
  ])('with loopback, %s is %s', (url, result) => {
    expect(refusal(local(), url)).toBe(result)
  })
})

describe('a name', () => {
  it.each([
    ['F05 resolves to a private address', ['10.0.0.1']],
    ['F05 has a public and a private address', ['93.184.216.34', '10.0.0.1']],
    ['F05 resolves to a mapped loopback address', ['::ffff:127.0.0.1']],
    ['F05 resolves to nothing', []],
    ['F04 resolves to the metadata service', ['169.254.169.254']],
  ])('is refused when it %s', async (_case, addresses) => {
    const client = outbound({ resolve: answering(...addresses) })
    expect(await failure(client.request({ url: 'https://login.example.com/' }))).toEqual({
      reason: 'address_forbidden',
      sent: false,
    })
  })

  it('F06 is refused inside the connection’s own lookup, so that a rebound name never reaches us', async () => {
    const connections: unknown[] = []
    const { server, port } = await listening(createTcpServer())
    server.on('connection', (socket) => connections.push(socket))
    const client = outbound({ ports: [port], resolve: answering('127.0.0.1') })
    const url = `https://login.example.com:${port}/`
    expect(client.check(url).port).toBe(String(port))
    expect((await failure(client.request({ url }))).reason).toBe('address_forbidden')
    expect(connections).toEqual([])
  })

  it('F06 is resolved once for a connection, and the address that was checked is the one that is used', async () => {
    const asked: string[] = []
    const { port } = await serve((_request, response) => response.end('here'))
    const client = local({
      resolve: (hostname, done) => {
        asked.push(hostname)
        answering(asked.length === 1 ? '127.0.0.1' : '10.0.0.1')(hostname, done)
      },
    })
    const url = `http://provider.test:${port}/`
    expect((await client.request({ url })).body.toString()).toBe('here')
    // A second request is a second connection: a name that has moved meanwhile is found out.
    expect((await failure(client.request({ url }))).reason).toBe('address_forbidden')
    expect(asked).toEqual(['provider.test', 'provider.test'])
  })

  it('F01 of a public address is refused over plain http with loopback, too', async () => {
    const client = local({ resolve: answering('93.184.216.34') })
    expect((await failure(client.request({ url: 'http://login.example.com/' }))).reason).toBe('address_forbidden')
  })

  it('that nobody knows was not sent to', async () => {
    const client = outbound({
      resolve: (_hostname, done) => done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []),
    })
    expect(await failure(client.request({ url: 'https://login.example.com/' }))).toEqual({
      reason: 'name_unknown',
      sent: false,
    })
  })

  it('that is never answered is given up at the deadline, unsent', async () => {
    const client = outbound({ deadlineMs: 100, resolve: () => undefined })
    expect(await failure(client.request({ url: 'https://login.example.com/' }))).toEqual({
      reason: 'timed_out',
      sent: false,
    })
  })
})

describe('a request', () => {
  it('brings status, headers and body, and asks for no compression', async () => {
    const { url } = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        response.writeHead(418, {
          'content-type': 'text/plain',
          'x-encoding': request.headers['accept-encoding'] ?? '',
        })
        response.end(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`)
      })
    })
    const request: OutboundRequest = {
      method: 'POST',
      url: `${url}/a?b=c`,
      headers: { 'content-type': 'x/y' },
      body: 'z',
    }
    const { status, headers, body } = await local().request(request)
    expect([status, headers.get('x-encoding'), body.toString()]).toEqual([418, 'identity', 'POST /a?b=c x/y z'])
  })

  it('can be made in the shape of fetch', async () => {
    const { url, journal } = await serve((_request, response) => response.writeHead(201).end('{"a":1}'))
    const response = await local().fetch(`${url}/f`, { method: 'POST', body: new URLSearchParams({ x: 'y' }) })
    expect([response.status, await response.json()]).toEqual([201, { a: 1 }])
    expect(journal).toEqual(['POST /f'])
  })

  it.each([301, 302, 303, 307, 308])('F07 is not repeated elsewhere after %i', async (status) => {
    const { url, journal } = await serve((_request, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    )
    expect(await failure(local().request({ method: 'POST', url: `${url}/token`, body: 'secret' }))).toEqual({
      reason: 'redirected',
      sent: true,
    })
    expect(journal).toEqual(['POST /token'])
  })

  it('uses a connection of its own', async () => {
    const { url, server } = await serve((_request, response) => response.end())
    let connections = 0
    server.on('connection', () => connections++)
    const client = local()
    for (let round = 0; round < 3; round++) await client.request({ url })
    expect(connections).toBe(3)
  })

  it('R10 was not sent when nobody listens', async () => {
    const { url, server } = await serve((_request, response) => response.end())
    await new Promise((done) => server.close(done))
    expect(await failure(local().request({ url }))).toEqual({ reason: 'not_connected', sent: false })
  })

  it.each<[string, RequestListener, string]>([
    ['the server never answers', () => undefined, 'timed_out'],
    [
      'the server stops after its headers',
      (_request, response) => void response.writeHead(200).write('a'),
      'timed_out',
    ],
    ['the server hangs up', (request) => void request.socket.destroy(), 'cut_off'],
    [
      'the answer is truncated',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('ten bytes.', () => response.destroy())
      },
      'cut_off',
    ],
    ['the answer says that it is too large', (_request, response) => void response.end(Buffer.alloc(1e7)), 'too_large'],
    [
      'the answer never ends',
      (_request, response) => {
        const more = () => {
          if (!response.destroyed) response.write(Buffer.alloc(65536), more)
        }
        more()
      },
      'too_large',
    ],
    [
      'the answer drips',
      (_request, response) => {
        const timer = setInterval(() => response.write('.'), 10)
        response.on('close', () => clearInterval(timer))
      },
      'timed_out',
    ],
    [
      'the answer is compressed',
      (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('bomb'),
      'encoded',
    ],
    [
      'the answer has a thousand headers',
      (_request, response) => {
        for (let index = 0; index < 1000; index++) response.setHeader(`x-${index}`, 'a'.repeat(100))
        response.end()
      },
      'cut_off',
    ],
    ['the answer is no HTTP', (request) => void request.socket.end('hello\r\n\r\n'), 'cut_off'],
  ])('F13 fails, sent, when %s', async (_case, listener, reason) => {
    const { url } = await serve(listener)
    const client = local({ deadlineMs: 400 })
    expect(await failure(client.request({ url, method: 'POST', body: 'secret' }))).toEqual({ reason, sent: true })
  })

  it('F13 reads little more of an answer without end than it may have', async () => {
    let written = 0
    const { url, server } = await serve((_request, response) => {
      const more = () => {
        if (!response.destroyed) response.write(Buffer.alloc(65536), more)
      }
      more()
    })
    server.on('connection', (socket: Socket) => socket.on('close', () => (written += socket.bytesWritten)))
    const client = local()
    for (let round = 0; round < 3; round++) expect((await failure(client.request({ url }))).reason).toBe('too_large')
    await new Promise((done) => server.close(done))
    expect(written).toBeGreaterThan(3 * 256 * 1024)
    expect(written).toBeLessThan(3 * 16 * 1024 * 1024)
  })

  it('F16 goes past the proxies that the environment names', async () => {
    const proxy = await serve((_request, response) => response.end('from the proxy'))
    const connects: string[] = []
    proxy.server.on('connect', (request, socket) => {
      connects.push(request.url ?? '')
      socket.destroy()
    })
    const { url } = await serve((_request, response) => response.end('directly'))
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
    const former = { ...process.env }
    for (const name of names) process.env[name] = proxy.url
    Object.assign(process.env, { NODE_USE_ENV_PROXY: '1', NO_PROXY: '', no_proxy: '' })
    try {
      expect((await local().request({ url })).body.toString()).toBe('directly')
      expect([...proxy.journal, ...connects]).toEqual([])
      // Who heeds them does get there.
      const heeding = new EnvHttpProxyAgent()
      await request(url, { dispatcher: heeding }).catch(() => undefined)
      await heeding.close()
      expect([...proxy.journal, ...connects]).not.toEqual([])
    } finally {
      for (const name of [...names, 'NODE_USE_ENV_PROXY', 'NO_PROXY', 'no_proxy']) delete process.env[name]
      Object.assign(process.env, former)
    }
  })

  it('takes an answer of 256 KiB', async () => {
    const { url } = await serve((_request, response) => response.end(Buffer.alloc(256 * 1024)))
    expect((await local().request({ url })).body).toHaveLength(256 * 1024)
  })

  it('can be aborted before and after it was sent', async () => {
    const { url, server } = await serve(() => undefined)
    expect(await failure(local().request({ url, signal: AbortSignal.abort() }))).toEqual({
      reason: 'aborted',
      sent: false,
    })
    const controller = new AbortController()
    server.on('request', () => controller.abort())
    expect(await failure(local().request({ url, signal: controller.signal }))).toEqual({
      reason: 'aborted',
      sent: true,
    })
  })

  it('leaves nothing of itself in its error', async () => {
    const { url } = await serve((request) => void request.socket.destroy())
    const error: unknown = await local()
      .request({ url: `${url}/?code=canary`, method: 'POST', headers: { authorization: 'canary' }, body: 'canary' })
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OutboundError)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary')
  })
})

describe('TLS', () => {
  const secured = async () => {
    const options = { key: fixture('localhost.key.pem'), cert: fixture('localhost.crt.pem') }
    const { port } = await listening(createTlsServer(options, (_request, response) => response.end('secured')))
    return port
  }

  it('is spoken with a certificate that is trusted and names the host', async () => {
    const client = local({ ca: fixture('localhost.crt.pem') })
    const { body } = await client.request({ url: `https://localhost:${await secured()}/` })
    expect(body.toString()).toBe('secured')
  })

  it('CFG-14 F12 refuses a self-signed certificate, unsent', async () => {
    expect(await failure(local().request({ url: `https://localhost:${await secured()}/` }))).toEqual({
      reason: 'tls_failed',
      sent: false,
    })
  })

  it('F12 refuses a certificate for another name, unsent', async () => {
    const client = local({ ca: fixture('localhost.crt.pem') })
    expect(await failure(client.request({ url: `https://127.0.0.1:${await secured()}/` }))).toEqual({
      reason: 'tls_failed',
      sent: false,
    })
  })

  it('F12 refuses a certificate that has expired, unsent', async () => {
    const options = { key: fixture('localhost.key.pem'), cert: fixture('expired.crt.pem') }
    const { port } = await listening(createTlsServer(options))
    const client = local({ ca: fixture('expired.crt.pem') })
    expect(await failure(client.request({ url: `https://localhost:${port}/` }))).toEqual({
      reason: 'tls_failed',
      sent: false,
    })
  })

  it.each([
    ['TLSv1.1', 'tls_failed'],
    ['TLSv1.2', 'secured'],
    ['TLSv1.3', 'secured'],
  ] as const)('F12 CFG-14 speaks no version that is out of use: %s', async (version, expected) => {
    const certificate = { key: fixture('localhost.key.pem'), cert: fixture('localhost.crt.pem') }
    const versions = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
    const { port } = await listening(
      createTlsServer({ ...certificate, ...versions }, (_request, response) => response.end('secured')),
    )
    const answer = local({ ca: fixture('localhost.crt.pem') }).request({ url: `https://localhost:${port}/` })
    if (expected === 'tls_failed') expect(await failure(answer)).toEqual({ reason: 'tls_failed', sent: false })
    else expect((await answer).body.toString()).toBe(expected)
  })

  it('F12 refuses it although the environment says that anything goes', async () => {
    const former = process.env.NODE_TLS_REJECT_UNAUTHORIZED
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      const { reason } = await failure(local().request({ url: `https://localhost:${await secured()}/` }))
      expect(reason).toBe('tls_failed')
    } finally {
      if (former === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = former
    }
  })

  it('refuses a server that speaks none', async () => {
    const { port } = await serve((_request, response) => response.end())
    expect(await failure(local().request({ url: `https://localhost:${port}/` }))).toEqual({
      reason: 'tls_failed',
      sent: false,
    })
  })

  it('R10 gives up a handshake that is never answered, unsent', async () => {
    const { port } = await listening(createTcpServer())
    const client = local({ deadlineMs: 300 })
    expect(await failure(client.request({ url: `https://localhost:${port}/` }))).toEqual({
      reason: 'timed_out',
      sent: false,
    })
  })
})

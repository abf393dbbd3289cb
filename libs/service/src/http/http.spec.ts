import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DomainError } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { enterRequest } from '../request-context.js'
import { Deployment } from '../settings/deployment.js'
import { makeHouse } from '../trust/house.fixture.js'
import { ServiceTokens } from '../trust/service-tokens.js'
import { InternalHttp } from './internal-http.js'
import { ReplicaPools } from './replica-pools.js'

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** A replica of the vault; its address and the requests that it got. */
async function replica(answer: Answer): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = []
  const server: Server = createServer((request, response) => {
    paths.push(`${request.method} ${request.url}`)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

/** An address where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

async function gateway(
  ...vault: string[]
): Promise<{ http: InternalHttp; pools: ReplicaPools; vaultTokens: ServiceTokens }> {
  const house = await makeHouse()
  const deployment = new Deployment({ service: 'gateway', urls: { vault } })
  const pools = new ReplicaPools(deployment)
  open.push(pools)
  return {
    http: new InternalHttp(deployment, pools, new ServiceTokens(await house.keysOf('gateway'))),
    pools,
    vaultTokens: new ServiceTokens(await house.keysOf('vault')),
  }
}

const json = (response: ServerResponse, status: number, body: object, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

describe('a call to another service', () => {
  it('carries the service token, the assertion, the correlation id and the query', async () => {
    const seen: IncomingMessage[] = []
    const { url, paths } = await replica((request, response) => {
      seen.push(request)
      json(response, 200, { missing: [] })
    })
    const { http, vaultTokens } = await gateway(url)
    const answer = await new Promise((resolve, reject) => {
      enterRequest({ headers: { 'x-correlation-id': 'c-1' } } as never, () => {
        http.call('missingConsents', { query: { content_guid: 'a&b' }, assertion: 'assertion' }).then(resolve, reject)
      })
    })
    expect(answer).toEqual({ missing: [] })
    expect(paths).toEqual(['GET /internal/missing-consents?content_guid=a%26b'])
    const { headers } = seen[0]!
    expect(headers).toMatchObject({ 'keybearer-actor': 'assertion', 'x-correlation-id': 'c-1' })
    expect(await vaultTokens.verify(headers.authorization!.replace('Bearer ', ''))).toBe('gateway')
  })

  it('is refused here when the table does not permit it', async () => {
    const { http } = await gateway('http://127.0.0.1:1')
    await expect(http.call('putClientSecret', { params: { reference: 'r' } })).rejects.toThrow('may not call')
  })

  it('gives back the refusal of the callee as it was thrown', async () => {
    const { url } = await replica((_, response) =>
      json(response, 404, { code: 220, error: 'none', payload: { a: 1 } }, { 'keybearer-error': 'grant.none' }),
    )
    const { http } = await gateway(url)
    await expect(http.call('missingConsents')).rejects.toMatchObject({
      kind: 'not_found',
      code: 'grant.none',
      message: 'none',
      payload: { a: 1 },
    })
  })

  it.each([
    ['it failed', 500, {}],
    ['it is not ready', 503, {}],
    ['it does not know the path', 404, {}],
    ['it does not know us', 401, { 'keybearer-error': 'service.token_invalid' }],
  ])('says that the service is not available when %s', async (_, status, headers) => {
    const { url } = await replica((_request, response) => json(response, status, { code: 1, error: 'inner' }, headers))
    const { http } = await gateway(url)
    const refused = http.call('missingConsents')
    await expect(refused).rejects.toMatchObject({ kind: 'unavailable', code: 'service.unavailable' })
    await expect(refused).rejects.not.toThrow('inner')
  })

  it('goes to the next replica when one cannot be reached, and then leaves that one out', async () => {
    const { url, paths } = await replica((_, response) => json(response, 200, {}))
    const { http } = await gateway(await nobody(), url, await nobody())
    for (let n = 0; n < 6; n++) await http.call('missingConsents')
    expect(paths).toHaveLength(6)
  })

  it('takes replicas in turn', async () => {
    const [one, two] = [
      await replica((_, response) => json(response, 200, {})),
      await replica((_, response) => json(response, 200, {})),
    ]
    const { http } = await gateway(one.url, two.url)
    for (let n = 0; n < 4; n++) await http.call('missingConsents')
    expect([one.paths.length, two.paths.length]).toEqual([2, 2])
  })

  it('is unavailable when no replica can be reached', async () => {
    const { http } = await gateway(await nobody(), await nobody())
    await expect(http.call('missingConsents')).rejects.toMatchObject({ code: 'service.unavailable' })
  })

  it('ends after its time', async () => {
    const { url } = await replica(() => undefined)
    const { http } = await gateway(url)
    const refused = await http.call('missingConsents', { timeoutMs: 50 }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(DomainError)
    expect(refused).toMatchObject({ code: 'service.unavailable', cause: { name: 'TimeoutError' } })
  })

  it('H07: has connections of its own, however many forwarded requests wait for their answers', async () => {
    const { url, paths } = await replica((request, response) => {
      if (request.url !== '/hang') json(response, 200, {})
    })
    const { http, pools } = await gateway(url)
    const [forwarding] = pools.pools('vault')
    const ended = new AbortController()
    const hanging = Array.from({ length: 1100 }, () =>
      forwarding!.request({ method: 'GET', path: '/hang', signal: ended.signal }).catch(() => undefined),
    )
    await eventually(() => paths.length === 1024)
    expect(await http.call('missingConsents', { timeoutMs: 1_000 })).toEqual({})
    ended.abort()
    await Promise.all(hanging)
  })

  it('is made again when a GET breaks off, but a POST may have been done', async () => {
    let broken = 0
    const breaking = await replica((request) => {
      broken++
      request.socket.destroy()
    })
    const { url, paths } = await replica((_, response) => json(response, 200, {}))
    const { http } = await gateway(breaking.url, url)
    await http.call('missingConsents')
    expect([broken, paths.length]).toEqual([1, 1])
  })

  it('does not step out of its path by a parameter', async () => {
    const house = await makeHouse()
    const { url, paths } = await replica((_, response) => response.writeHead(204).end())
    const deployment = new Deployment({ service: 'integrations', urls: { vault: [url] } })
    const pools = new ReplicaPools(deployment)
    open.push(pools)
    const http = new InternalHttp(deployment, pools, new ServiceTokens(await house.keysOf('integrations')))
    expect(await http.call('putClientSecret', { params: { reference: '../x?y#z' }, body: {} })).toBeUndefined()
    expect(paths).toEqual(['PUT /internal/client-secrets/..%2Fx%3Fy%23z'])
    await expect(http.call('putClientSecret', { params: { reference: '..' } })).rejects.toThrow('needs the parameter')
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { HttpOperator } from './operator.js'

const folder = mkdtempSync(path.join(tmpdir(), 'keybearer-operator-'))
const keyFile = path.join(folder, 'operator.json')
const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
writeFileSync(keyFile, JSON.stringify({ keys: [{ ...jwk, kid: 'operator' }] }), { mode: 0o600 })

let server: Server
let url: string
let asked: { request: IncomingMessage; body: string }[]
let answer: { status: number; headers?: Record<string, string>; body?: string }

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      asked.push({ request, body })
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  asked = []
  answer = { status: 204 }
})

const operator = (identity = [url]) => HttpOperator.open({ urls: { identity, vault: [] }, keyFile }, 'ada')

describe('asking identity', () => {
  it('CLI-07 says who asks, in a token of the operator’s key', async () => {
    answer = { status: 200, body: '{"users":[],"next":null}' }
    const query = { username: 'é&x', after: undefined }
    expect(await (await operator()).call('operatorListsUsers', { query })).toEqual({ users: [], next: null })
    const [{ request }] = asked as [(typeof asked)[0]]
    expect([request.method, request.url]).toEqual(['GET', '/internal/operator/users?username=%C3%A9%26x'])
    const token = request.headers.authorization!.replace('Bearer ', '')
    expect(decodeProtectedHeader(token)).toMatchObject({ kid: 'operator' })
    expect(decodeJwt(token)).toMatchObject({ iss: 'operator', aud: 'identity', sub: 'ada' })
  })

  it('sends a change with a key of its own, so that it happens once', async () => {
    await (await operator()).call('operatorAltersUser', { params: { guid: 'a/b' }, body: { locked: true } })
    const [{ request, body }] = asked as [(typeof asked)[0]]
    expect([request.method, request.url]).toEqual(['PATCH', '/internal/operator/users/a%2Fb'])
    expect(request.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
    expect(body).toBe('{"locked":true}')
  })

  it('goes to the next replica when one does not answer', async () => {
    await (await operator(['http://127.0.0.1:1', url])).call('operatorDeletesUser', { params: { guid: 'g' } })
    expect(asked).toHaveLength(1)
  })

  it.each([
    [{ status: 409, body: '{"error":"vera owns content."}' }, 'vera owns content.'],
    [
      { status: 401, headers: { 'keybearer-error': 'service.token_invalid' }, body: '{}' },
      'does not know the operator’s key',
    ],
    [{ status: 503, body: '{"error":"The service is not available."}' }, 'repeat the command'],
    [{ status: 500, body: '{"error":"Internal failure"}' }, 'a fault of Keybearer'],
    [{ status: 404, body: '404 page not found' }, 'answered 404 without a reason'],
  ])('tells a refusal in words: %j', async (given, message) => {
    answer = given
    const refused = (await operator()).call('operatorDeletesUser', { params: { guid: 'g' } })
    await expect(refused).rejects.toThrow(message)
  })

  it('says so when nobody answers', async () => {
    const refused = (await operator(['http://127.0.0.1:1'])).call('operatorListsUsers')
    await expect(refused).rejects.toThrow('does not answer at http://127.0.0.1:1: is Keybearer running?')
  })

  it('misses only the service that is wanted', async () => {
    const some = await operator()
    await expect(some.call('operatorListsSafeKeys')).rejects.toThrow('Nobody says where the vault is')
    await some.call('operatorListsUsers')
  })

  it('needs a key that is there, private and whole', async () => {
    const open = (file: string) => HttpOperator.open({ urls: { identity: [url], vault: [] }, keyFile: file }, 'ada')
    await expect(open(path.join(folder, 'none'))).rejects.toThrow('restart Keybearer, which makes one')
    const broken = path.join(folder, 'broken.json')
    writeFileSync(broken, '{"keys":[{"d":"hush"}]}', { mode: 0o600 })
    await expect(open(broken)).rejects.toThrow('cannot be used')
    await expect(open(broken)).rejects.not.toThrow('hush')
    chmodSync(broken, 0o644)
    await expect(open(broken)).rejects.toThrow('its mode must be 0600')
  })
})

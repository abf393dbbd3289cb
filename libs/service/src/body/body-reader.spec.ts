import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import type { Request, Response as Answer } from 'express'
import { DomainError, errorNumber } from '#libs/contracts'
import { enterRequest } from '../request-context.js'
import { BodyReader } from './body-reader.js'
import { FormBody } from './form-body.js'

class Things {
  json(): void {}
  @FormBody()
  form(): void {}
}

const bodies = new BodyReader(200)
const open: Socket[] = []
let server: Server

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const request = Object.assign(incoming, { res: response as Answer, originalUrl: incoming.url }) as Request
    enterRequest(request, () => {
      bodies
        .read(request, Things, request.url.startsWith('/form') ? Things.prototype.form : Things.prototype.json)
        .then(
          () => response.end(JSON.stringify(request.body)),
          (error: DomainError) => {
            const { status, number } = errorNumber(error)
            response
              .writeHead(status, { 'content-length': String(number).length, told: error.message })
              .end(String(number))
          },
        )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => open.splice(0).forEach((socket) => socket.destroy()))
afterAll(() => new Promise((resolve) => server.close(resolve)))

/** Sends text as it is; everything that comes back until the server hangs up. */
function raw(text: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  open.push(socket)
  socket.write(text)
  return textOf(socket)
}

const head = (method: string, path: string, ...headers: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')

async function send(body: string | Buffer, path = '/'): Promise<Response> {
  const type = path === '/form' ? 'application/x-www-form-urlencoded' : 'application/json'
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  return await fetch(url, {
    method: 'POST',
    body: Uint8Array.from(Buffer.from(body)),
    headers: { 'content-type': type },
  })
}

async function post(body: string | Buffer, path?: string): Promise<{ status: number; text: string }> {
  const answer = await send(body, path)
  return { status: answer.status, text: await answer.text() }
}

describe('the body of a request', () => {
  it('H01: has its time, after which the request is refused with 408 and the connection ends', async () => {
    const answer = await raw(`${head('POST', '/', 'Content-Length: 10')}{`)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toMatch(/87$/)
  })

  it('has that time in all, however many parts come', async () => {
    const answered = raw(`${head('POST', '/', 'Transfer-Encoding: chunked')}1\r\n[\r\n`)
    const drip = setInterval(() => open[0]!.write('1\r\n \r\n'), 20)
    expect(await answered).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
  })

  it.each(['GET', 'HEAD'])('of a %s is not waited for', async (method) => {
    const answer = await raw(`${head(method, '/form', 'Content-Length: 10')}a`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toMatch(/connection: close/i)
  })

  it('is refused with 413 when it is larger than 1 MiB, whether it says so or not', async () => {
    expect(await raw(head('POST', '/', 'Content-Length: 1048577'))).toMatch(/^HTTP\/1\.1 413 [^]*87$/)
    const chunk = `100001\r\n${' '.repeat(0x100001)}\r\n`
    expect(await raw(`${head('POST', '/', 'Transfer-Encoding: chunked')}${chunk}`)).toMatch(/^HTTP\/1\.1 413 [^]*87$/)
  })

  it.each([
    ['a NUL character', '{"a":["x\\u0000y"]}'],
    ['a NUL character in a name', '{"a\\u0000":1}'],
    ['a lone high surrogate', '{"a":"\\ud800"}'],
    ['a member twice', '{"role":"viewer","name":"x","role":"administrator"}'],
    ['a member twice, spelt otherwise, inside a list', '[{"role":"viewer","\\u0072ole":"administrator"}]'],
    ['what is cut short', '{"a":[1,'],
    ['a comma too many', '{"a":1,}'],
    ['no number', '{"a":NaN}'],
    ['a lone low surrogate', '[{"a":{"b":"\\udc00x"}}]'],
    ['a lone surrogate in a name', '{"\\udfff":1}'],
    ['H03: a name that reaches for the prototype', '{"__proto__":{"role":"administrator"}}'],
    ['H03: the constructor, deep inside', '[{"a":{"constructor":{"prototype":1}}}]'],
    ['arrays in 65 levels', '['.repeat(65) + ']'.repeat(65)],
    ['objects in 65 levels', '{"a":'.repeat(65) + '1' + '}'.repeat(65)],
    ['arrays in 10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['arrays in 200,000 levels', '['.repeat(200_000) + ']'.repeat(200_000)],
  ])('H02: is refused with 121 for %s', async (_, body) => {
    expect(await post(body)).toEqual({ status: 400, text: '121' })
  })

  it('H02: is refused with the name of what it has twice, never with the value or a name that is not ours', async () => {
    const told = async (body: string): Promise<string | null> => (await send(body)).headers.get('told')
    expect(await told('{"a":{"role":"viewer","role":"canary"}}')).toBe('The body has the member role more than once.')
    expect(await told('{"k canary":1,"k canary":2}')).toBe('The body has the same member more than once.')
  })

  it.each([
    ['characters of every plane', '{"é😀":"\\ud83d\\ude00 \\u0001"}'],
    ['arrays in 64 levels', '['.repeat(64) + ']'.repeat(64)],
    ['a list of a hundred thousand', `[${'[],'.repeat(100_000)}0]`],
  ])('may have %s', async (_, body) => {
    const { status, text } = await post(body)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual(JSON.parse(body))
  })

  it('is refused with 211 when a form has a NUL character', async () => {
    expect(await post('a=x%00', '/form')).toEqual({ status: 400, text: '211' })
    expect(await post('a%00=x', '/form')).toEqual({ status: 400, text: '211' })
  })
})

it('H04: a query or path with a NUL character is refused, whatever the method', async () => {
  const end = 'Connection: close'
  expect(await raw(head('GET', '/?prefix=%00', end))).toMatch(/^HTTP\/1\.1 400 [^]*25$/)
  expect(await raw(head('DELETE', '/a%00b', end))).toMatch(/^HTTP\/1\.1 400 [^]*25$/)
  expect(await raw(head('GET', '/?prefix=%2500', end))).toMatch(/^HTTP\/1\.1 200 /)
})

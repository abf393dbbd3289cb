import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { eventually } from '#libs/testing'
import { Street } from '../door/street.conformance.js'

const MOST = 3_000_000
const BUNDLES = '/__api__/v1/content/6f0c0a5e-6f3b-4b0f-9a6e-2b8a0b7d9c11/bundles'

let street: Street
let authorization: string

beforeEach(async () => {
  street = new Street()
  await street.open({ settings: `\n[Content]\nMaxBundleSize = ${MOST}\n` })
  const { key } = await street.apiKey(await street.user())
  authorization = `Key ${key}`
})
afterEach(() => street.close())

function upload(path: string, headers: Record<string, string | number> = {}): ClientRequest {
  const { port, host } = street.address
  const known = authorization === '' ? {} : { authorization }
  return request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path,
    agent: false,
    headers: { host, ...known, ...headers },
  })
}

async function answerTo(outgoing: ClientRequest): Promise<{ status: number; text: string }> {
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return { status: answer.statusCode!, text }
}

describe('a large body', () => {
  it('is passed on as it comes, where bundles are uploaded', async () => {
    const outgoing = upload(BUNDLES, { 'content-type': 'application/gzip' })
    const answered = answerTo(outgoing)
    outgoing.write('a'.repeat(1_500_000))
    await eventually(() => street.integrations.seen.at(-1)?.body.length === 1_500_000)
    outgoing.end('b'.repeat(1_400_000))
    const { status, text } = await answered
    expect(status).toBe(200)
    expect((JSON.parse(text) as { body: string }).body).toHaveLength(2_900_000)
    expect(street.integrations.last).toMatchObject({
      method: 'POST',
      url: BUNDLES,
      headers: { 'content-type': 'application/gzip', 'keybearer-actor': 'key-for-integrations' },
    })
  })

  it('H01 is refused elsewhere, and where it is larger than Content.MaxBundleSize', async () => {
    for (const [path, size] of [
      ['/__api__/v1/content', 1_100_000],
      [`${BUNDLES}/7/download`, 1_100_000],
      [BUNDLES, MOST + 1],
    ] as const) {
      const outgoing = upload(path, { 'content-length': size })
      const answered = answerTo(outgoing)
      outgoing.flushHeaders()
      const { status, text } = await answered
      expect([status, JSON.parse(text)]).toMatchObject([413, { code: 87 }])
      outgoing.destroy()
    }
    expect(street.integrations.seen.filter(({ method }) => method === 'POST')).toEqual([])
  })

  it('H01 is refused when it turns out to be larger, and breaks off at the service', async () => {
    const aborted = new Promise((resolve) => {
      street.integrations.behave = (incoming) => void incoming.once('close', () => resolve(incoming.complete))
    })
    const outgoing = upload(BUNDLES)
    const answered = answerTo(outgoing)
    outgoing.on('error', () => undefined)
    for (let sent = 0; sent <= MOST; sent += 500_000) outgoing.write('x'.repeat(500_000))
    expect((await answered).status).toBe(413)
    expect(await aborted).toBe(false)
    outgoing.destroy()
  })

  it('need not be sent to its end when the service refuses it', async () => {
    street.integrations.behave = (_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"code":22}')
    }
    const outgoing = upload(BUNDLES, { 'content-length': MOST })
    const answered = answerTo(outgoing)
    outgoing.write('x'.repeat(100_000))
    expect(await answered).toEqual({ status: 403, text: '{"code":22}' })
    outgoing.destroy()
  })

  it('is not heard of somebody unknown, and takes nobody’s turn', async () => {
    authorization = ''
    street.integrations.behave = (_, response) => void response.writeHead(401).end()
    const outgoing = upload(BUNDLES, { 'content-length': MOST })
    const answered = answerTo(outgoing)
    outgoing.flushHeaders()
    expect((await answered).status).toBe(401)
    expect(street.integrations.last.headers).not.toHaveProperty('content-length', String(MOST))
    outgoing.destroy()
  })

  it('breaks off at the service when its client goes away', async () => {
    const aborted = new Promise((resolve) => {
      street.integrations.behave = (incoming) => void incoming.once('close', () => resolve(incoming.complete))
    })
    const outgoing = upload(BUNDLES, { 'content-length': MOST })
    outgoing.on('error', () => undefined)
    outgoing.write('x'.repeat(100_000))
    await eventually(() => (street.integrations.seen.at(-1)?.body.length ?? 0) > 0)
    outgoing.destroy()
    expect(await aborted).toBe(false)
  })
})

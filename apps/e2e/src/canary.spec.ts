import { randomBytes } from 'node:crypto'
import { Scanner, type Sink } from './canary.js'

const sink = (bytes: string | Buffer): Sink => ({ kind: 'file', place: 'a file', bytes: Buffer.from(bytes as string) })

describe('the canary scanner', () => {
  const value = `kb_2d1c_${randomBytes(32).toString('base64url')}`
  const base64 = randomBytes(32).toString('base64')
  const scanner = new Scanner()
  scanner.add({ kind: 'API key', value })
  scanner.add({ kind: 'bootstrap key', value: base64 })

  it.each<[string, string | Buffer]>([
    ['as it is', `{"key":"${value}"}`],
    ['in hex', Buffer.from(value).toString('hex')],
    ['in hex of the other case', Buffer.from(value).toString('hex').toUpperCase()],
    ['in Base64', Buffer.from(value).toString('base64')],
    ['in Base64 behind another byte', Buffer.from(`:${value}:`).toString('base64')],
    ['in Base64 behind two bytes, the URL’s alphabet', Buffer.from(`::${value}:`).toString('base64url')],
    ['in UTF-16', Buffer.from(`key ${value}`, 'utf16le')],
    ['in part', `… ${value.slice(-30, -12)} …`],
  ])('E20 finds a key %s', (_, bytes) => {
    expect(scanner.find(sink(bytes))).toEqual([{ secret: 'API key', sink: 'file', place: 'a file' }])
  })

  it('E20 finds what looks different in a URL', () => {
    expect(scanner.find(sink(`/?key=${encodeURIComponent(base64)}`))).toHaveLength(1)
  })

  it('E20 finds any JSON Web Token', () => {
    const part = (object: object): string => Buffer.from(JSON.stringify(object)).toString('base64url')
    const token = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ sub: 'somebody' })}.${randomBytes(64).toString('base64url')}`
    expect(scanner.find(sink(`authorization: ${token}`))).toMatchObject([{ secret: 'JSON Web Token' }])
  })

  it('is silent about everything else, the key’s name and its fingerprint included', () => {
    expect(scanner.find(sink(`kb_2d1c_ ${randomBytes(100_000).toString('base64')}`))).toEqual([])
    expect(scanner.scanned.get('file')).toBeGreaterThan(100_000)
  })
})

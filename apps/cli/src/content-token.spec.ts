import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../../libs/testing/src/eventually.js'
import { runCommandLine, type Surroundings } from './command-line.js'
import { contentTokenUntil } from './content-token.js'

const CONTENT = '40000000-0000-4000-8000-000000000001'
const folder = mkdtempSync(join(tmpdir(), 'content-token-'))
const file = join(folder, 'token')

const asked: IncomingMessage[] = []
let answer: { status: number; body: unknown; seconds: number } = { status: 200, body: undefined, seconds: 3600 }
const server = createServer((request, response) => {
  asked.push(request)
  const token = { token: `header.${asked.length}.signature`, expires_in: answer.seconds }
  response.writeHead(answer.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer.body ?? token))
})
let url: string

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
beforeEach(() => {
  asked.length = 0
  answer = { status: 200, body: undefined, seconds: 3600 }
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

async function run(argv: readonly string[], environment: NodeJS.ProcessEnv = {}, end = AbortSignal.abort()) {
  const notes: string[] = []
  const terminal = {
    out: (text: string) => void notes.push(text),
    note: (text: string) => void notes.push(text),
    ask: () => Promise.resolve(undefined),
  }
  const facts = {
    terminal,
    environment: { CONNECT_SERVER: url, CONNECT_API_KEY: 'hush', CONNECT_CONTENT_GUID: CONTENT, ...environment },
    operator: () => Promise.reject(new Error('nobody is asked')),
  }
  const build = (surroundings: Surroundings) => contentTokenUntil(surroundings, () => end)
  const status = await runCommandLine(['content-token', ...argv], [{ build }], facts)
  return { status, notes: notes.join('\n') }
}

describe('keybearer content-token', () => {
  it('writes a token that is whole, for its owner only, and asks with the key', async () => {
    writeFileSync(file, 'old', { mode: 0o644 })
    expect(await run(['--file', file, '--once'])).toMatchObject({ status: 0 })
    expect(readFileSync(file, 'utf8')).toBe('header.1.signature\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['token'])
    expect(asked.map(({ method, url: path, headers }) => [method, path, headers.authorization])).toEqual([
      ['POST', `/__api__/v1/content/${CONTENT}/session-token`, 'Key hush'],
    ])
  })

  it('renews it at half its life, and keeps the former one while the server fails', async () => {
    answer.seconds = 0.2
    const end = new AbortController()
    const running = run(['--file', file], {}, end.signal)
    await eventually(() => asked.length >= 3 && readFileSync(file, 'utf8').startsWith('header.3'))
    answer = { ...answer, status: 503, body: { code: 1, error: 'Down for a moment.' } }
    const count = asked.length
    await eventually(() => asked.length > count)
    end.abort()
    const { status, notes } = await running
    expect(status).toBe(0)
    expect(notes).toContain('Down for a moment. The former token stays')
    expect(readFileSync(file, 'utf8')).toMatch(/^header\.\d+\.signature\n$/)
  })

  it('takes the key from a private file, and from no other', async () => {
    const keyFile = join(folder, 'key')
    writeFileSync(keyFile, 'of the file\n', { mode: 0o600 })
    await run(['--file', file, '--once', '--key-file', keyFile])
    expect(asked[0]?.headers.authorization).toBe('Key of the file')
    rmSync(keyFile)
    writeFileSync(keyFile, 'of the file\n', { mode: 0o644 })
    expect(await run(['--file', file, '--once', '--key-file', keyFile])).toMatchObject({
      status: 1,
      notes: expect.stringContaining('0600') as string,
    })
  })

  it.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
    ['no content', [], { CONNECT_CONTENT_GUID: '' }, 2, '--content'],
    ['no server', [], { CONNECT_SERVER: 'kb.example' }, 2, '--server'],
    ['no key', [], { CONNECT_API_KEY: '' }, 2, 'CONNECT_API_KEY'],
    ['no folder', ['--file', join(folder, 'none', 'token')], {}, 1, 'ENOENT'],
    ['nobody there', [], { CONNECT_SERVER: 'http://127.0.0.1:1' }, 1, 'does not answer'],
  ])('says what is wrong: %s', async (_, argv, environment, status, words) => {
    const said = await run(['--file', file, '--once', ...argv], environment)
    expect(said).toMatchObject({ status, notes: expect.stringContaining(words) as string })
    expect(said.notes).not.toContain('hush')
  })

  it('says what the server says, and takes no page for a token', async () => {
    answer = { ...answer, status: 403, body: { code: 22, error: 'This is for the content’s owner.' } }
    expect(await run(['--file', file])).toMatchObject({ status: 1, notes: 'This is for the content’s owner.' })
    answer = { ...answer, status: 200, body: { token: 'no token' } }
    expect((await run(['--file', file])).notes).toContain('is not Keybearer')
  })
})

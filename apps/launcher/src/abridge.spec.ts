import { abridge, asJsonLine, readLine } from './abridge.js'

const shown = (text: string, quiet = false) => abridge('vault-2', readLine(text), quiet)
const json = (line: object) => JSON.stringify(line)

describe('the terminal', () => {
  it('shows level, instance and message of a service’s line', () => {
    expect(shown(json({ level: 'info', instance: 'vault-2', message: 'listening', port: 1 }))).toBe(
      'info  vault-2: listening',
    )
    expect(shown(json({ level: 40, msg: 'provider is slow' }))).toBe('warn  vault-2: provider is slow')
  })

  it('leaves answered requests and details to the file', () => {
    expect(shown(json({ level: 'info', message: 'request', path: '/x', status: 200 }))).toBeUndefined()
    expect(shown(json({ level: 'debug', message: 'x' }))).toBeUndefined()
  })

  it('shows a request that went wrong', () => {
    expect(shown(json({ level: 'error', message: 'request', path: '/x', status: 500 }))).toBe('error vault-2: request')
  })

  it('shows warnings only while everything is starting', () => {
    expect(shown(json({ level: 'info', message: 'listening' }), true)).toBeUndefined()
    expect(shown(json({ level: 'fatal', message: 'no key' }), true)).toBe('fatal vault-2: no key')
  })

  it('adds the cause, keeps to one line and to a length that can be read', () => {
    expect(shown(json({ level: 'error', message: 'refresh', err: { message: 'timeout' } }))).toBe(
      'error vault-2: refresh: timeout',
    )
    expect(shown(json({ level: 'error', message: `a\nb` }))).toBe('error vault-2: a')
    expect(shown(json({ level: 'error', message: 'a'.repeat(1000) }))).toHaveLength('error vault-2: '.length + 301)
  })

  it('keeps quiet about what PostgreSQL and NATS report of single clients', () => {
    expect(shown('2026-01-01 00:00:00.000 UTC [12] ERROR:  duplicate key value')).toBeUndefined()
    expect(shown('2026-01-01 00:00:00.000 UTC [12] FATAL:  terminating connection')).toBeUndefined()
    expect(shown('2026-01-01 00:00:00.000 UTC [12] PANIC:  could not write')).toContain('error')
    expect(shown('[9] 2026/01/01 00:00:00.000 [INF] Server is ready')).toBeUndefined()
    expect(shown('[9] 2026/01/01 00:00:00.000 [ERR] disk full')).toContain('error')
  })
})

describe('the log file', () => {
  it('holds JSON lines only', () => {
    const now = new Date('2026-01-02T03:04:05.678Z')
    const line = json({ level: 'info', message: 'x' })
    expect(asJsonLine('vault', line, readLine(line), now)).toBe(line)
    expect(JSON.parse(asJsonLine('vault', '{ not json', readLine('{ not json'), now))).toEqual({
      level: 'info',
      time: now.toISOString(),
      instance: 'vault',
      message: '{ not json',
    })
  })
})

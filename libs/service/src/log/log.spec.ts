import { Secret } from '#libs/contracts'
import { DomainError } from '#libs/contracts'
import { enterRequest } from '../request-context.js'
import { Deployment } from '../settings/deployment.js'
import { createPino, PinoLoggerService } from './logger.js'
import { safeError } from './safe-error.js'

function log() {
  const lines: string[] = []
  const pino = createPino(new Deployment({ service: 'vault', instance: 'vault-2' }), {
    write: (line) => lines.push(line),
  })
  return {
    pino,
    nest: new PinoLoggerService(pino),
    text: () => lines.join(''),
    last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown>,
  }
}

describe('the log', () => {
  it('is one JSON object a line, with who wrote it', () => {
    const { nest, last } = log()
    nest.log('replica is complete', 'Replica')
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      service: 'vault',
      instance: 'vault-2',
      context: 'Replica',
      message: 'replica is complete',
    })
  })

  it('prints a secret as [secret], wherever it stands', () => {
    const { nest, text } = log()
    const secret = new Secret('hush')
    nest.warn({ secret, deep: { list: [secret] } }, `the secret is ${String(secret)}`)
    expect(text()).not.toContain('hush')
    expect(text()).toContain('[secret]')
  })

  it('names only headers that are known to be harmless', () => {
    const { pino, last, text } = log()
    const headers = {
      authorization: 'Bearer hush',
      Cookie: 'hush',
      'set-cookie': ['hush'],
      'keybearer-actor': 'hush',
      'x-new-credential': 'hush',
      'content-type': 'application/json',
    }
    pino.info(
      { headers, req: { method: 'GET', url: '/cb?code=hush', headers }, res: { statusCode: 200, headers } },
      'x',
    )
    expect(text()).not.toContain('hush')
    expect(last()).toMatchObject({
      headers: { 'content-type': 'application/json' },
      req: { method: 'GET', path: '/cb', headers: { 'content-type': 'application/json' } },
      res: { status: 200 },
    })
  })

  it('keeps of an error its message, code and stack, and of its causes the same', () => {
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (name)=(hush) already exists',
      config: { password: 'hush' },
      body: 'hush',
      response: { data: 'hush' },
      parameters: ['hush'],
    })
    const error = new DomainError('unavailable', 'service.unavailable', 'not now', { cause, payload: { x: 'hush' } })
    const { nest, last, text } = log()
    nest.error({ err: error, other: cause }, 'failed')
    nest.error(error)
    expect(text()).not.toContain('hush')
    expect(last()).toMatchObject({
      level: 'error',
      err: {
        type: 'DomainError',
        message: 'not now',
        code: 'service.unavailable',
        stack: expect.stringContaining('not now'),
        cause: { type: 'Error', message: 'duplicate key', code: '23505' },
      },
    })
  })

  it('does not follow causes for ever', () => {
    const error = new Error('a')
    error.cause = error
    expect(JSON.stringify(safeError(error)).match(/"message"/g)).toHaveLength(6)
  })

  it('takes what Nest gives it: a text and a stack, an error, an object', () => {
    const { nest, last } = log()
    nest.error('it broke', 'Error: it broke\n    at x (y.js:1:1)', 'Where')
    expect(last()).toMatchObject({ message: 'it broke', stack: expect.stringContaining('at x'), context: 'Where' })
    nest.debug('not shown')
    expect(last()).toMatchObject({ message: 'it broke' })
  })

  it('carries the correlation id of the request in hand', () => {
    const { pino, last } = log()
    enterRequest({ headers: { 'x-correlation-id': 'c-1' } } as never, () => pino.info('x'))
    expect(last()).toMatchObject({ correlation_id: 'c-1' })
  })

  it.each([['a b'], ['x'.repeat(129)], ['a\nb'], ['']])('does not take over the correlation id %j', (id) => {
    const { pino, last } = log()
    enterRequest({ headers: { 'x-correlation-id': id } } as never, () => pino.info('x'))
    expect(last()['correlation_id']).toMatch(/^[0-9a-f-]{36}$/)
  })
})

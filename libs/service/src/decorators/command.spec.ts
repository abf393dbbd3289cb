import { createSecretKey } from 'node:crypto'
import type { Actor } from '#libs/contracts'
import { commandContext, createdGuid } from './command.js'

const alice: Actor = { type: 'user', guid: 'a11ce000-0000-4000-8000-000000000000', role: 'publisher', sid: 'one' }
const key = createSecretKey(Buffer.alloc(32, 1))
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function command({
  actor = alice,
  method = 'POST',
  url = '/__api__/v1/content',
  idempotencyKey,
  body = '{"name":"x"}',
  fingerprintKey = key,
}: {
  actor?: Actor
  method?: string
  url?: string
  idempotencyKey?: string
  body?: string
  fingerprintKey?: typeof key
} = {}) {
  const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
  return commandContext(
    { method, originalUrl: url, headers },
    { correlationId: 'c-1', actor, rawBody: Buffer.from(body) },
    fingerprintKey,
  )
}

describe('the command context', () => {
  it('has a new id and no fingerprint without an Idempotency-Key', () => {
    const [one, two] = [command(), command()]
    expect(one).toEqual({ actor: alice, correlationId: 'c-1', commandId: expect.stringMatching(UUID) })
    expect(one.commandId).not.toBe(two.commandId)
  })

  it('has the same id for a repeat, whatever session or query it comes with', () => {
    const first = command({ idempotencyKey: 'k' })
    expect(first.commandId).toMatch(UUID)
    const again = { ...alice, sid: 'two', role: 'administrator' } as const
    expect(command({ idempotencyKey: 'k', actor: again, url: '/__api__/v1/content?x=1' }).commandId).toBe(
      first.commandId,
    )
  })

  it.each([
    ['another key', { idempotencyKey: 'l' }],
    ['another method', { idempotencyKey: 'k', method: 'PUT' }],
    ['another path', { idempotencyKey: 'k', url: '/__api__/v1/contents' }],
    ['another person', { idempotencyKey: 'k', actor: { ...alice, guid: 'b0b00000-0000-4000-8000-000000000000' } }],
    [
      'another kind of actor with the same guid',
      { idempotencyKey: 'k', actor: { type: 'key', guid: alice.guid, user: 'u', role: 'publisher' } as const },
    ],
  ])('has another id for %s', (_, other) => {
    expect(command(other).commandId).not.toBe(command({ idempotencyKey: 'k' }).commandId)
  })

  it('E22 tells requests under one key apart by a keyed fingerprint of the body', () => {
    const fingerprint = (body: string, fingerprintKey = key, idempotencyKey = 'k'): string | undefined =>
      command({ idempotencyKey, body, fingerprintKey }).requestFingerprint
    expect(fingerprint('{"a":1}')).toBe(fingerprint('{"a":1}'))
    expect(fingerprint('{"a":1}')).not.toBe(fingerprint('{"a":2}'))
    expect(fingerprint('{"a":1}')).not.toBe(fingerprint('{"a":1}', createSecretKey(Buffer.alloc(32, 2))))
    // Nor can who has the log and the key of the process try bodies: the client's key is kept nowhere.
    expect(fingerprint('{"a":1}')).not.toBe(fingerprint('{"a":1}', key, 'l'))
    expect(fingerprint('b', key, 'a')).not.toBe(fingerprint('', key, 'ab'))
  })

  it.each([[''], ['x'.repeat(256)], ['a\tb'], ['é']])('refuses the key %j', (idempotencyKey) => {
    expect(() => command({ idempotencyKey })).toThrow(
      expect.objectContaining({ code: 'request.parameter_invalid', kind: 'invalid' }),
    )
  })

  it('accepts 255 printable characters', () => {
    expect(command({ idempotencyKey: ' ~'.repeat(127) + 'x' }).commandId).toMatch(UUID)
  })

  it('gives created things ids that a repeat gives again, one for each kind', () => {
    const { commandId } = command({ idempotencyKey: 'k' })
    expect(createdGuid(commandId, 'content')).toBe(createdGuid(commandId, 'content'))
    expect(createdGuid(commandId, 'content')).not.toBe(createdGuid(commandId, 'client_secret'))
  })
})

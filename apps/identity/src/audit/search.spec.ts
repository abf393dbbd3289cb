import { DomainError } from '#libs/contracts'
import { searchOf, type People } from './search.js'

const ANN = 'a11ce000-0000-4000-8000-000000000001'
const BOB = 'b0b00000-0000-4000-8000-000000000002'
const people: People = {
  named: (word) => Promise.resolve(word.toLowerCase() === 'ann' ? [ANN] : []),
  ofId: (id) => Promise.resolve(id === '12' ? BOB : undefined),
}
const search = (q: string) => searchOf(q, people)

describe('a search of the audit log', () => {
  it.each([
    ['', {}],
    ['  , -- ', {}],
    ['action:add_user action:lock_user', { conditions: [{ actions: ['add_user', 'lock_user'] }] }],
    ['-action:user_login', { conditions: [{ not: true, actions: ['user_login'] }] }],
    [`user_guid:${ANN.toUpperCase()}`, { conditions: [{ people: [ANN] }] }],
    [`user_guid:${ANN} user_id:012`, { conditions: [{ people: [ANN, BOB] }] }],
    ['user_id:0', { conditions: [{ system: true, people: [] }] }],
    ['-user_id:0 -user_id:12', { conditions: [{ not: true, system: true, people: [BOB] }] }],
    ['user_id:99', { conditions: [{ people: [] }] }],
    ['Ann', { conditions: [{ actions: [], people: [ANN], things: [ANN], words: 'ann' }] }],
    [`-"${BOB}"`, { conditions: [{ not: true, actions: [], people: [BOB], things: [BOB], words: BOB }] }],
    ['"Sales Team"', { conditions: [{ actions: [], people: [], things: [], words: 'sales team' }] }],
    ['lock_user', { conditions: [{ actions: ['lock_user'], people: [], things: [], words: 'lock_user' }] }],
    [
      'x "locked out"',
      expect.objectContaining({ conditions: [expect.anything(), expect.objectContaining({ actions: ['lock_user'] })] }),
    ],
  ])('reads %j', async (q, meaning) => {
    expect(await search(q)).toEqual(meaning)
  })

  it.each([
    ['from:2026-11-22', { since: '2026-11-22T00:00:00.000000Z' }],
    ['to:2026-11-22', { before: '2026-11-23T00:00:00.000000Z' }],
    ['-from:2026-11-22', { before: '2026-11-22T00:00:00.000000Z' }],
    ['-to:2026-11-22', { since: '2026-11-23T00:00:00.000000Z' }],
    ['to:2026-11-22T10:00:00+01:00', { before: '2026-11-22T09:00:01.000000Z' }],
    ['to:2026-11-22T10:00:00.5Z', { before: '2026-11-22T10:00:00.501000Z' }],
    [
      'from:2026-01-01 from:2026-02-01 to:2026-03-01 -from:2026-02-15',
      { since: '2026-02-01T00:00:00.000000Z', before: '2026-02-15T00:00:00.000000Z' },
    ],
  ])('knows the times of %s', async (q, times) => {
    expect(await search(q)).toEqual(times)
  })

  it.each([
    ['action:fly', 'audit/actions'],
    ['user_guid:ann', 'user_guid must be a GUID'],
    ['user_id:ann', 'user_id must be a number'],
    ['from:yesterday', 'from must be a day or an RFC 3339 time'],
    ['to:2026-13-01', 'to must be a day'],
    ['actor:ann', 'no filter actor'],
    [Array.from({ length: 21 }, (_, index) => `w${index}`).join(' '), 'at most 20'],
  ])('refuses %s', async (q, text) => {
    const refusal = await search(q).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(DomainError)
    expect(refusal).toMatchObject({ code: 'audit.filter_invalid', message: expect.stringContaining(text) })
  })
  it('H10 reads 100 kB of anything in a moment', async () => {
    for (const piece of ['-', '_', '"', 'a', 'a:', 'a-', ' ', '-"']) {
      const begun = performance.now()
      // Too many words is an answer too.
      await search(piece.repeat(100_000 / piece.length)).catch(() => undefined)
      expect(performance.now() - begun).toBeLessThan(250)
    }
  })
})

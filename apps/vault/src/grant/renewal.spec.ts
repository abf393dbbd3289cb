import { randomUUID } from 'node:crypto'
import { renewalDue } from './renewal.js'

const since = new Date('2026-11-22T12:00:00Z')
const after = (seconds: number): Date => new Date(since.getTime() + seconds * 1000)
const grant = (seconds: number | null, guid: string = randomUUID(), generation = 1) => ({
  guid,
  generation,
  tokenSince: since,
  expiresAt: seconds === null ? null : after(seconds),
})

describe('the early renewal of an access token', () => {
  it('R02: is due at about 80 % of its life, and not at the same moment for all', () => {
    const grants = Array.from({ length: 400 }, () => grant(3600))
    const dueAt = (share: number): number => grants.filter((each) => renewalDue(each, after(3600 * share))).length
    expect(dueAt(0.749)).toBe(0)
    expect(dueAt(0.8)).toBeGreaterThan(100)
    expect(dueAt(0.8)).toBeLessThan(300)
    expect(dueAt(0.851)).toBe(400)
  })

  it('has another moment for each generation', () => {
    const guid = randomUUID()
    const due = Array.from({ length: 50 }, (_, index) => renewalDue(grant(3600, guid, index + 1), after(3600 * 0.8)))
    expect(new Set(due)).toEqual(new Set([true, false]))
  })

  it('is never due where the life is not known, or hardly longer than a refresh takes', () => {
    expect(renewalDue(grant(null), after(1e6))).toBe(false)
    expect(renewalDue({ ...grant(3600), tokenSince: null }, after(3599))).toBe(false)
    expect(renewalDue(grant(59), after(58))).toBe(false)
  })
})

import type { Heartbeat } from '#libs/contracts'
import { Freshness } from './freshness.js'

const beat = (backlogMs = 0): Heartbeat => ({
  type: 'Heartbeat',
  sent_at: new Date(1e12).toISOString(),
  complete_until: new Date(1e12 - backlogMs).toISOString(),
})

describe('the freshness of a source', () => {
  let now: number
  let freshness: Freshness
  beforeEach(() => {
    now = 1000
    freshness = new Freshness(() => now)
  })

  it('is unknown before a heartbeat, however complete the snapshot', () => {
    freshness.completed('identity')
    expect(freshness.freshness('identity')).toBe(Infinity)
    expect(freshness.isFresh('identity')).toBe(false)
  })

  it('counts from the last look that did not show the heartbeat yet', () => {
    freshness.completed('identity')
    freshness.looked('identity', 10)
    now = 3000
    freshness.looked('identity', 12)
    now = 5000
    freshness.heard('identity', 12, beat())
    expect(freshness.freshness('identity')).toBe(4000)
    expect(freshness.isFresh('identity')).toBe(true)
    now = 31_001
    expect(freshness.isFresh('identity')).toBe(false)
  })

  it('R07 does not believe a heartbeat of the snapshot whose age nobody knows', () => {
    freshness.completed('identity')
    freshness.looked('identity', 12)
    freshness.heard('identity', 12, beat())
    expect(freshness.isFresh('identity')).toBe(false)
  })

  it('R07 counts the time that a heartbeat of the snapshot has lain with the broker', () => {
    freshness.completed('identity')
    freshness.looked('identity', 12)
    freshness.heard('identity', 12, beat(), now - 29_000)
    expect(freshness.freshness('identity')).toBe(29_000)
    freshness.heard('identity', 12, beat(), now - 30_000)
    expect(freshness.isFresh('identity')).toBe(false)
  })

  it('adds the backlog of a publisher that is behind', () => {
    freshness.completed('identity')
    freshness.looked('identity', 10)
    freshness.heard('identity', 11, beat(29_999))
    expect(freshness.isFresh('identity')).toBe(true)
    freshness.heard('identity', 12, beat(30_000))
    expect(freshness.isFresh('identity')).toBe(false)
  })

  it('dates a heartbeat that waited in a slow reader by when it was stored', () => {
    freshness.looked('identity', 10)
    now = 2000
    freshness.looked('identity', 5000)
    now = 62_000
    freshness.heard('identity', 11, beat())
    expect(freshness.freshness('identity')).toBe(61_000)
  })

  it('takes nothing from a heartbeat that cannot be read', () => {
    freshness.looked('identity', 10)
    freshness.heard('identity', 11, undefined)
    freshness.heard('identity', 12, { sent_at: 'soon' })
    expect(freshness.freshness('identity')).toBe(Infinity)
  })

  it('needs the snapshot as well, and is kept apart for each service', () => {
    freshness.looked('identity', 10)
    freshness.heard('identity', 11, beat())
    expect(freshness.isFresh('identity')).toBe(false)
    freshness.completed('identity')
    expect(freshness.isFresh('identity')).toBe(true)
    expect(freshness.isFresh('integrations')).toBe(false)
  })
})

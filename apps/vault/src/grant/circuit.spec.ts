import { Circuits } from './circuit.js'

describe('a provider that fails', () => {
  let now: number
  let circuits: Circuits
  beforeEach(() => {
    now = 1_000
    circuits = new Circuits(() => now)
  })
  const failing = (times: number) => Array.from({ length: times }, () => circuits.failed('sick'))

  it('R10 is left in peace after five failures in a row, and no other with it', () => {
    expect(failing(4)).not.toContain(true)
    expect(circuits.admits('sick')).toBe(true)
    expect(failing(1)).toEqual([true])
    expect(circuits.admits('sick')).toBe(false)
    expect(circuits.admits('well')).toBe(true)
  })

  it('R10 is not, when it answers in between', () => {
    failing(4)
    circuits.answered('sick')
    failing(4)
    expect(circuits.admits('sick')).toBe(true)
  })

  it('R10 is asked by one alone every 30 seconds, and by all once that goes well', () => {
    failing(5)
    now += 29_999
    expect(circuits.admits('sick')).toBe(false)
    now += 1
    expect([circuits.admits('sick'), circuits.admits('sick')]).toEqual([true, false])
    expect(circuits.failed('sick')).toBe(false)
    expect(circuits.admits('sick')).toBe(false)
    now += 30_000
    expect(circuits.admits('sick')).toBe(true)
    circuits.answered('sick')
    expect([circuits.admits('sick'), circuits.admits('sick')]).toEqual([true, true])
  })

  it('R10 is asked again at once when who was let in did not ask', () => {
    failing(5)
    now += 30_000
    expect(circuits.admits('sick')).toBe(true)
    circuits.passed('sick')
    expect(circuits.admits('sick')).toBe(true)
  })

  it('R10 is left in peace for as long as it asks for, at the first time', () => {
    expect(circuits.failed('sick', 120)).toBe(true)
    now += 119_999
    expect(circuits.admits('sick')).toBe(false)
    now += 1
    expect(circuits.admits('sick')).toBe(true)
  })

  it('R10 may ask to be asked again at once', () => {
    expect(circuits.failed('sick', 0)).toBe(false)
    expect([circuits.admits('sick'), circuits.admits('sick')]).toEqual([true, true])
  })
})

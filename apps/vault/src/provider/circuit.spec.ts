import { Circuits, type Admission } from './circuit.js'

describe('a provider that fails', () => {
  let now: number
  let circuits: Circuits
  beforeEach(() => {
    now = 1_000
    circuits = new Circuits(() => now)
  })
  const ask = (work: (admission: Admission) => unknown = () => undefined): unknown => {
    const admission = circuits.admit('sick')
    if (!admission) return 'left in peace'
    const answer = work(admission)
    admission.release()
    return answer
  }
  const failing = (times: number) => Array.from({ length: times }, () => ask(({ failed }) => failed()))
  const admits = (name = 'sick') => circuits.admit(name) !== undefined

  it('R10 is left in peace after five failures in a row, and no other with it', () => {
    expect(failing(4)).not.toContain(true)
    expect(admits()).toBe(true)
    expect(failing(1)).toEqual([true])
    expect(admits()).toBe(false)
    expect(admits('well')).toBe(true)
  })

  it('R10 is not, when it answers in between', () => {
    failing(4)
    ask(({ answered }) => answered())
    failing(4)
    expect(admits()).toBe(true)
  })

  it('R10 is asked by one alone every 30 seconds, and by all once that goes well', () => {
    failing(5)
    now += 29_999
    expect([admits(), circuits.restMs('sick')]).toEqual([false, 1])
    now += 1
    const probe = circuits.admit('sick')!
    expect(admits()).toBe(false)
    expect(probe.failed()).toBe(false)
    probe.release()
    expect(admits()).toBe(false)
    now += 30_000
    ask(({ answered }) => answered())
    expect([admits(), admits()]).toEqual([true, true])
  })

  it('R10 is asked again at once when who was let in did not ask', () => {
    failing(5)
    now += 30_000
    ask()
    expect(admits()).toBe(true)
  })

  it('R10 keeps its rest when somebody goes away who came before it', () => {
    const early = circuits.admit('sick')!
    failing(5)
    early.release()
    expect([admits(), circuits.restMs('sick')]).toEqual([false, 30_000])
  })

  it('R10 is left in peace for as long as it asks for, at the first time', () => {
    expect(ask(({ failed }) => failed(120))).toBe(true)
    now += 119_999
    expect(admits()).toBe(false)
    now += 1
    expect(admits()).toBe(true)
  })

  it('R10 may ask to be asked again at once', () => {
    expect(ask(({ failed }) => failed(0))).toBe(false)
    expect([admits(), admits()]).toEqual([true, true])
  })
})

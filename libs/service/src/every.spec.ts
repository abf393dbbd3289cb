import { jest } from '@jest/globals'
import { Every } from './every.js'

describe('what is done every so often', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('is done again and again, never twice at once, and not after the end', async () => {
    const ends: (() => void)[] = []
    const every = new Every(
      1_000,
      () => new Promise<void>((resolve) => ends.push(resolve)),
      () => undefined,
    )
    every.start()
    await jest.advanceTimersByTimeAsync(5_000)
    expect(ends).toHaveLength(1)
    ends[0]!()
    await jest.advanceTimersByTimeAsync(1_000)
    expect(ends).toHaveLength(2)

    let stopped = false
    const stop = every.stop().then(() => (stopped = true))
    await jest.advanceTimersByTimeAsync(5_000)
    expect([ends.length, stopped]).toEqual([2, false])
    ends[1]!()
    await stop
  })

  it('says why it failed, and is done again', async () => {
    const failures: unknown[] = []
    const every = new Every(
      1_000,
      () => Promise.reject(new Error('no')),
      (error) => failures.push(error),
    )
    every.start()
    await jest.advanceTimersByTimeAsync(2_500)
    expect(failures).toHaveLength(2)
    await every.stop()
  })
})

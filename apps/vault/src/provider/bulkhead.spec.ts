import { Bulkhead } from './bulkhead.js'

describe('a bulkhead', () => {
  it('R10 lets in as many as there are places, others in turn, and turns away the rest', async () => {
    const bulkhead = new Bulkhead(2, 2)
    const inside: string[] = []
    const enter = async (who: string): Promise<(() => void) | undefined> => {
      const leave = await bulkhead.enter('a', 60_000)
      if (leave) inside.push(who)
      return leave
    }
    const [first, second] = [await enter('first'), await enter('second')]
    const [third, fourth] = [enter('third'), enter('fourth')]
    expect(bulkhead.hasRoom('a')).toBe(false)
    expect(await enter('fifth')).toBeUndefined()
    expect(await bulkhead.enter('b', 60_000)).toBeDefined()

    second!()
    await third
    expect(inside).toEqual(['first', 'second', 'third'])
    first!()
    const last = enter('last')
    for (const leave of [await third, await fourth]) leave!()
    ;(await last)!()
    expect(inside).toEqual(['first', 'second', 'third', 'fourth', 'last'])
    expect(bulkhead.hasRoom('a')).toBe(true)
  })

  it('R10 turns away who has waited long enough, and lets in who comes behind', async () => {
    const bulkhead = new Bulkhead(1, 2)
    const leave = await bulkhead.enter('a', 60_000)
    const [impatient, patient] = [bulkhead.enter('a', 1), bulkhead.enter('a', 60_000)]
    expect(await impatient).toBeUndefined()
    leave!()
    ;(await patient)!()
    expect(bulkhead.hasRoom('a')).toBe(true)
  })
})

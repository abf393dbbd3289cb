import { Bulkhead } from './bulkhead.js'

describe('a bulkhead', () => {
  it('lets in as many as there are places, others in turn, and turns away the rest', async () => {
    const bulkhead = new Bulkhead(2, 2)
    const begun: string[] = []
    const ends = new Map<string, PromiseWithResolvers<string>>()
    const enter = (who: string): Promise<string> | undefined =>
      bulkhead.enter('a', () => {
        begun.push(who)
        const end = Promise.withResolvers<string>()
        ends.set(who, end)
        return end.promise
      })
    const answers = ['first', 'second', 'third', 'fourth'].map((who) => enter(who)!)
    expect(begun).toEqual(['first', 'second'])
    expect(enter('fifth')).toBeUndefined()
    expect(await bulkhead.enter('b', () => Promise.resolve('another room'))).toBe('another room')

    ends.get('second')!.resolve('done')
    expect(await answers[1]).toBe('done')
    expect(begun).toEqual(['first', 'second', 'third'])
    ends.get('first')!.reject(new Error('failed'))
    await expect(answers[0]).rejects.toThrow('failed')
    expect(begun).toEqual(['first', 'second', 'third', 'fourth'])

    const last = enter('last')
    for (const who of ['third', 'fourth']) ends.get(who)!.resolve(who)
    await Promise.all(answers.slice(2))
    ends.get('last')!.resolve('done')
    expect(await last).toBe('done')
  })
})

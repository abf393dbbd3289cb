import { InGroups } from './in-groups.js'

interface Group {
  readonly items: readonly number[]
  readonly end: (error?: Error) => void
}

/** Work that ends when the spec says so. */
class SlowWork {
  readonly groups: Group[] = []
  readonly inGroups: InGroups<number, string>

  constructor(most?: number) {
    this.inGroups = new InGroups(
      (items) =>
        new Promise((resolve, reject) => {
          this.groups.push({ items, end: (error) => (error ? reject(error) : resolve(items.map(String))) })
        }),
      most,
    )
  }
}

/** After whatever was to be begun in the turn of the event loop that comes next. */
const turn = async (): Promise<void> => {
  for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
}

describe('work in groups', () => {
  it('begins with whoever came in one turn, and collects the others until it is done', async () => {
    const { groups, inGroups } = new SlowWork()
    const first = [inGroups.add(1), inGroups.add(2)]
    await turn()
    const later = [inGroups.add(3), inGroups.add(4)]
    await turn()
    expect(groups.map(({ items }) => items)).toEqual([[1, 2]])
    groups[0]!.end()
    expect(await Promise.all(first)).toEqual(['1', '2'])
    await turn()
    expect(groups[1]!.items).toEqual([3, 4])
    groups[1]!.end()
    expect(await Promise.all(later)).toEqual(['3', '4'])
  })

  it('fails for its own group only, and goes on', async () => {
    const { groups, inGroups } = new SlowWork()
    const first = inGroups.add(1)
    await turn()
    const second = inGroups.add(2)
    groups[0]!.end(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    await turn()
    groups[1]!.end()
    expect(await second).toBe('2')
    const third = inGroups.add(3)
    await turn()
    groups[2]!.end()
    expect(await third).toBe('3')
  })

  it('takes no more at once than it is told', async () => {
    const { groups, inGroups } = new SlowWork(2)
    const all = Promise.all([1, 2, 3].map((item) => inGroups.add(item)))
    await turn()
    groups[0]!.end()
    await turn()
    groups[1]!.end()
    expect(await all).toEqual(['1', '2', '3'])
    expect(groups.map(({ items }) => items)).toEqual([[1, 2], [3]])
  })
})

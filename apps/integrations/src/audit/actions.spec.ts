import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { audited } from './actions.js'

interface Written {
  readonly type: string
}

describe('the actions of the audit log', () => {
  it.each(['content', 'integration', 'tag'])('name every event that a %s has ever had', async (slice) => {
    const file = path.join(import.meta.dirname, '..', slice, `${slice}.events.histories.json`)
    const histories = JSON.parse(await readFile(file, 'utf8')) as Written[][]
    const known = audited[0]!.actions[slice]!
    expect(histories.flat().filter(({ type }) => !Object.hasOwn(known, type))).toEqual([])
  })
})

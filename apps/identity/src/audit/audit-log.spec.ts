import { comparePlaces, type AuditAnswer, type AuditEntry, type AuditQuestion, type AuditSource } from '#libs/contracts'
import { merge, type AuditListing } from './audit-log.js'

const at = (second: number): string => `2026-11-22T12:00:0${second}.000000Z`
const entry = (second: number, source: AuditSource, position: number): AuditEntry => ({
  at: at(second),
  source,
  position: `${position}`,
  action: 'add_user',
  user_guid: null,
  process: null,
  event_description: '',
})

/** Sources that answer as services do. */
function sources(logs: readonly { entries: readonly AuditEntry[]; until: string }[]) {
  const asked: AuditQuestion[] = []
  const ask = (question: AuditQuestion): Promise<AuditAnswer[]> => {
    asked.push(question)
    const sign = question.order === 'ascending' ? 1 : -1
    return Promise.resolve(
      logs.map(({ entries, until }) => ({
        complete_until: question.until ?? until,
        total: question.count ? 7_000 : undefined,
        entries: entries
          .filter((each) => each.at < (question.until ?? until))
          .filter((each) => !question.after || sign * comparePlaces(each, question.after) > 0)
          .sort((one, other) => sign * comparePlaces(one, other))
          .slice(0, question.limit),
      })) as AuditAnswer[],
    )
  }
  return { asked, ask }
}

const listing = (changes: Partial<AuditListing> = {}): AuditListing => ({
  limit: 10,
  ascending: true,
  back: false,
  ...changes,
})

describe('the logs of all services, read as one', () => {
  it('are in the order of time, then source, then position', async () => {
    const { ask } = sources([
      { entries: [entry(1, 0, 9), entry(3, 0, 10)], until: at(9) },
      { entries: [entry(1, 1, 1), entry(2, 1, 2)], until: at(9) },
      { entries: [entry(1, 3, 5), entry(1, 2, 100), entry(1, 2, 20)], until: at(9) },
    ])
    const { entries, more } = await merge(listing(), ask)
    expect(entries.map(({ source, position }) => `${source}:${position}`)).toEqual([
      '0:9',
      '1:1',
      '2:20',
      '2:100',
      '3:5',
      '1:2',
      '0:10',
    ])
    expect(more).toBe(false)
  })

  it('end where the slowest of them cannot say yet what comes', async () => {
    const { ask, asked } = sources([
      { entries: [entry(1, 0, 1), entry(4, 0, 2)], until: at(9) },
      { entries: [entry(2, 1, 1)], until: at(3) },
    ])
    expect((await merge(listing(), ask)).entries).toEqual([entry(1, 0, 1), entry(2, 1, 1)])
    expect(asked).toHaveLength(1)
  })

  it('are asked again backwards when what is too new has taken the place of older entries', async () => {
    const { ask, asked } = sources([
      { entries: [entry(1, 0, 1), entry(2, 0, 2), entry(4, 0, 3), entry(5, 0, 4)], until: at(9) },
      { entries: [], until: at(3) },
    ])
    const page = await merge(listing({ limit: 1, ascending: false }), ask)
    expect(page).toEqual({ entries: [entry(2, 0, 2)], more: true, total: undefined })
    expect(asked.map(({ until }) => until)).toEqual([undefined, at(3)])
  })

  it('are counted to ten thousand', async () => {
    const { ask } = sources([
      { entries: [], until: at(9) },
      { entries: [], until: at(9) },
    ])
    expect((await merge(listing({ count: true }), ask)).total).toBe(10_000)
  })
})

import { validateSync } from 'class-validator'
import { IsTime } from './is-time.js'

class Body {
  @IsTime()
  at: unknown
}

const isTime = (at: unknown): boolean => validateSync(Object.assign(new Body(), { at })).length === 0

describe('a time in a body', () => {
  it.each(['2026-12-31T23:59:59Z', '2026-12-31T23:59:59.123+02:00', '2028-02-29T00:00:00Z', '9999-12-31T23:59:59Z'])(
    '%s is one',
    (text) => expect(isTime(text)).toBe(true),
  )

  it.each([
    ...['tomorrow', '', 7, null, '2100-01-01T00:00:00', '2026-12-31T23:59:60Z', '9999-12-31T23:59:59-23:59'],
    ...['2026-02-30T00:00:00Z', '2027-02-29T00:00:00Z', '0000-01-01T00:00:00+01:00', '2026-13-01T00:00:00Z'],
  ])('%s is none', (text) => expect(isTime(text)).toBe(false))
})

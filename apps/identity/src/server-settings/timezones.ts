import type { TimezoneView } from './server-settings.dto.js'

/** Every time zone that there is, with its offset at that moment. */
export const timezonesAt = (now: Date): TimezoneView[] =>
  Intl.supportedValuesOf('timeZone').map((timezone) => ({ timezone, offset: offsetOf(timezone, now) }))

function offsetOf(timeZone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(now)
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
  // `GMT+01:00`, and `GMT` alone for none.
  return name.slice('GMT'.length) || '+00:00'
}

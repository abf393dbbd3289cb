/** RFC 3339 in UTC without a fraction of a second: what every client of the API can read. */
export const toTime = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`

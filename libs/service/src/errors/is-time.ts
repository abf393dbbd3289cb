import { ValidateBy, isRFC3339, type ValidationOptions } from 'class-validator'

/** A time in a body, as RFC 3339 §5.6 has it, that `Date` and PostgreSQL mean the same by: a day that exists, up to 9999. */
export const IsTime = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy({ name: 'isTime', validator: { validate: isTime } }, options)

function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !isRFC3339(value)) return false
  const [year, month, day] = value.slice(0, 10).split('-').map(Number) as [number, number, number]
  const exists = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  // NaN, as of a leap second, is no year either.
  const utcYear = new Date(value).getUTCFullYear()
  return exists && utcYear >= 0 && utcYear <= 9999
}

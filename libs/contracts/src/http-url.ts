import { ValidateBy, type ValidationOptions } from 'class-validator'

/** What every service can call: whatever the WHATWG URL parser, which all of them use, reads as http or https. */
export function isHttpUrl(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null
  return url?.protocol === 'http:' || url?.protocol === 'https:'
}

/** The validator of a member that holds such a URL. */
export const IsHttpUrl = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy({ name: 'isHttpUrl', validator: { validate: isHttpUrl } }, options)

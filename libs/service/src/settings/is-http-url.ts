import { registerDecorator } from 'class-validator'

/** Whether a text is an absolute http or https URL without user, query and fragment; placeholders such as {tenant} may be in it. */
function isHttpUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !/^https?:\/\/[^\s?#\\]+$/i.test(text) || !URL.canParse(text)) return false
  return !/^https?:\/\/[^/]*@/i.test(text)
}

/** The validator of a setting that holds such a URL. */
export function IsHttpUrl(message: string): PropertyDecorator {
  return (prototype, property) =>
    registerDecorator({
      name: 'isHttpUrl',
      target: prototype.constructor,
      propertyName: String(property),
      options: { message },
      validator: { validate: isHttpUrl },
    })
}

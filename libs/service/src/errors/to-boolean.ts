const YES = /^(?:1|t|true)$/i
const NO = /^(?:0|f|false)$/i

/** For `@Transform`, and for a single parameter: what Go's `ParseBool` takes, since clients send `True` and `true` and `1`. */
export const toBoolean = ({ value }: { value: unknown }): unknown =>
  typeof value !== 'string' ? value : YES.test(value) ? true : NO.test(value) ? false : value

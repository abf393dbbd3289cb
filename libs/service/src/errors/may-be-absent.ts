import { ValidateIf } from 'class-validator'

/**
 * The member may be left out, and only that: unlike `IsOptional`, which would let a `null` pass unchecked to code that
 * knows of no `null`.
 */
export const MayBeAbsent = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined)

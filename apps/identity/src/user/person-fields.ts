import { applyDecorators } from '@nestjs/common'
import { Transform } from 'class-transformer'
import { IsString, Matches, MaxLength } from 'class-validator'
import { refusedAs } from '#libs/service'
import { UNSEEN } from './username-rules.js'

/** Characters of every text about a person. */
export const LONGEST = 255
/**
 * Without control characters, and without those that turn the direction of writing: a name must not look like another.
 */
const PLAIN = /^[^\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u
const EXACT = /^[^\p{Cc}]*$/u

const NO_USERNAME = refusedAs('user.username_invalid', 'The username must be a text without unseen characters.')
const SEEN = new RegExp(`^(?!.*${UNSEEN.source})`, 'su')

/** A first or last name; may be empty. */
export const IsName = (): PropertyDecorator => applyDecorators(IsString(), MaxLength(LONGEST), Matches(PLAIN))

/** A username, as far as it is one everywhere: the settings say more. */
export const IsUsername = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.normalize('NFC') : value)),
    IsString(NO_USERNAME),
    MaxLength(LONGEST, NO_USERNAME),
    Matches(SEEN, NO_USERNAME),
  )

/** What the provider calls somebody, exactly; not checked for being blank. @param name of the parameter */
export function IsUniqueId(name: string): PropertyDecorator {
  const refused = refusedAs('user.unique_id_blank', `The ${name} must not be blank.`)
  return applyDecorators(IsString(refused), MaxLength(LONGEST, refused), Matches(EXACT, refused))
}

import { type ArgumentMetadata, Injectable, type PipeTransform, type Type, ValidationPipe } from '@nestjs/common'
import { plainToInstance } from 'class-transformer'
import { validate, type ValidationError } from 'class-validator'
import { DomainError, isGuid } from '#libs/contracts'
import { isPlainJson } from '../body/plain.js'

const OPTIONS = { whitelist: true, forbidUnknownValues: true, stopAtFirstError: true } as const

/** Checks DTO classes; unknown members are dropped. Refuses with the name of the member, never with its value. */
export const validationPipe = (): ValidationPipe =>
  new PlainValidationPipe({ ...OPTIONS, transform: true, exceptionFactory: (errors) => invalidParameter(errors) })

/** What no database can store is no parameter of any query; bodies are looked at where they are read. */
class PlainValidationPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'query' && !isPlainJson(value)) {
      throw new DomainError('invalid', 'request.parameter_invalid', 'The query must be plain text.')
    }
    if (metadata.type === 'body') mustHaveShortLists(value)
    return super.transform(value, metadata) as Promise<unknown>
  }
}

/** As many entries as a list inside a body may have; a DTO may permit fewer. */
const MOST_ENTRIES = 1_000

/** Asked before entries are looked at, which class-validator does however many there are. */
function mustHaveShortLists(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return
  for (const [name, member] of Object.entries(body)) {
    if (!Array.isArray(member) || member.length <= MOST_ENTRIES) continue
    const whose = /^\w{1,64}$/.test(name) ? `parameter ${name}` : 'list'
    const message = `The ${whose} may have at most ${MOST_ENTRIES} entries.`
    throw new DomainError('invalid', 'request.parameter_invalid', message)
  }
}

/**
 * Options for a class-validator decorator whose failure has a code of its own, for example
 * `@Length(3, 64, refusedAs('content.name_invalid', 'The name must …'))`.
 */
export const refusedAs = (code: string, message?: string): { context: { code: string }; message?: string } => ({
  context: { code },
  ...(message && { message }),
})

/**
 * For a body that is an array of at most `most` of `item`: `@Body(new ArrayBodyPipe(Item, 100)) items: Item[]`. One at a
 * time and no further than the first fault: what is sent is not yet known to come from somebody who may send it.
 */
@Injectable()
export class ArrayBodyPipe<T extends object> implements PipeTransform<unknown, Promise<T[]>> {
  /** @param tooMany the code of a refusal of more */
  constructor(
    private readonly item: Type<T>,
    private readonly most: number,
    private readonly tooMany = 'request.parameter_invalid',
  ) {}

  async transform(value: unknown): Promise<T[]> {
    if (!Array.isArray(value)) {
      throw new DomainError('invalid', 'request.parameter_invalid', 'The body must be an array.')
    }
    if (value.length > this.most) {
      throw new DomainError('invalid', this.tooMany, `The body may have at most ${this.most} entries.`)
    }
    const items: T[] = []
    for (const [index, member] of (value as unknown[]).entries()) {
      if (typeof member !== 'object' || member === null || Array.isArray(member)) {
        throw new DomainError('invalid', 'request.parameter_invalid', `The parameter [${index}] must be an object.`)
      }
      const instance = plainToInstance(this.item, member)
      const errors = await validate(instance, OPTIONS)
      if (errors.length > 0) throw invalidParameter(errors, `[${index}].`)
      items.push(instance)
    }
    return items
  }
}

/** For a guid in a path or query: `@Param('guid', GuidPipe) guid: string`; gives it in lower case. */
@Injectable()
export class GuidPipe implements PipeTransform<unknown, string> {
  transform(value: unknown, { data }: ArgumentMetadata): string {
    const guid = typeof value === 'string' ? value.toLowerCase() : undefined
    if (isGuid(guid)) return guid
    throw new DomainError('invalid', 'request.id_invalid', `The parameter ${data ?? 'guid'} must be a GUID.`)
  }
}

/** The first thing that class-validator complains about, as a refusal. */
export function invalidParameter(errors: readonly ValidationError[], prefix = ''): DomainError {
  const [error] = errors
  if (!error) return new DomainError('invalid', 'request.parameter_invalid', 'The request is invalid.')
  const name = `${prefix}${error.property ?? ''}`
  const [constraint] = Object.keys(error.constraints ?? {})
  if (constraint === undefined) {
    return error.children?.length
      ? invalidParameter(error.children, `${name}.`)
      : new DomainError('invalid', 'request.parameter_invalid', `The parameter ${name} is invalid.`)
  }
  const said = error.constraints![constraint]!
  const code = (error.contexts?.[constraint] as { code?: string } | undefined)?.code ?? 'request.parameter_invalid'
  return new DomainError('invalid', code, sentence(name, error.property, said))
}

/** class-validator begins with the property's name; our own messages are whole sentences with a capital. */
function sentence(name: string, property: string, said: string): string {
  const full = said.startsWith(`${property} `)
    ? `The parameter ${name} ${said.slice(property.length + 1)}`
    : /^[A-Z]/.test(said)
      ? said
      : `The parameter ${name}: ${said}`
  return full.endsWith('.') ? full : `${full}.`
}

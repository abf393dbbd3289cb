import { applyDecorators } from '@nestjs/common'
import { Transform } from 'class-transformer'
import { IsUUID, type ValidationOptions } from 'class-validator'

/** A GUID in a body, in whatever case it comes; it is given on in lower case, as `GuidPipe` gives one in a path. */
export const IsGuid = (options?: ValidationOptions): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value)),
    IsUUID(undefined, options),
  )

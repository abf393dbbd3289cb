import { Param, ParseUUIDPipe } from '@nestjs/common'
import { DomainError } from '#libs/contracts'

/** A path parameter that has to be a GUID. @throws DomainError `request.id_invalid` */
export const GuidParam = (name: string): ParameterDecorator =>
  Param(
    name,
    new ParseUUIDPipe({
      exceptionFactory: () =>
        new DomainError('invalid', 'request.id_invalid', `The ${name} in the path is not a GUID.`),
    }),
  )

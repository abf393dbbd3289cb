import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { Request } from 'express'
import type { Actor } from '#libs/contracts'
import { contextOf } from '../request-context.js'

/**
 * The actor behind the request: of the assertion, `anonymous` on a public route without one, and `service` with the
 * caller's name where a service acts for itself.
 */
export const CurrentActor = createParamDecorator((_: unknown, execution: ExecutionContext): Actor => {
  const { actor } = contextOf(execution.switchToHttp().getRequest<Request>())
  if (!actor) throw new Error('An open route has no actor.')
  return actor
})

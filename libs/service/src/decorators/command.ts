import { createHmac, randomUUID, type KeyObject } from 'node:crypto'
import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { Request } from 'express'
import { v5 as uuidV5 } from 'uuid'
import { type Actor, DomainError } from '#libs/contracts'
import { contextOf, type RequestContext } from '../request-context.js'

/** Who and why, for the events that a request makes. Same shape as the one of `#libs/event-sourcing`. */
export interface CommandContext {
  readonly actor: Actor
  /** The same for a repeat under the same `Idempotency-Key`. */
  readonly commandId: string
  /** Only with an `Idempotency-Key`: tells a repeat from another request under the same key. */
  readonly requestFingerprint?: string
  readonly correlationId: string
}

const COMMANDS = '6f0c0a5e-6f3b-4b0f-9a6e-2b8a0b7d9c11'
const PRINTABLE = /^[\x20-\x7e]{1,255}$/

/**
 * The command context of the request. Not for `@Open` routes.
 * @throws DomainError `request.parameter_invalid` when the `Idempotency-Key` is not 1 to 255 printable characters
 */
export const Command = createParamDecorator((_: unknown, execution: ExecutionContext): CommandContext => {
  const request = execution.switchToHttp().getRequest<Request>()
  return commandContext(request, contextOf(request), fingerprintKeys.get(request.app))
})

/** The id of a thing that a command creates: the same for a repeat, so that the repeat meets its own stream. */
export const createdGuid = (commandId: string, what = ''): string => uuidV5(what, commandId)

/** Where `@Command()` finds the key of its process; a parameter decorator cannot be injected. */
export const fingerprintKeys = new WeakMap<object, KeyObject>()

/** @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
export function commandContext(
  request: Pick<Request, 'method' | 'originalUrl' | 'headers'>,
  { actor, correlationId, rawBody }: RequestContext,
  fingerprintKey: KeyObject | undefined,
): CommandContext {
  if (!actor) throw new Error('An open route has no actor.')
  const key = request.headers['idempotency-key']
  if (key === undefined) return { actor, commandId: randomUUID(), correlationId }
  if (typeof key !== 'string' || !PRINTABLE.test(key)) {
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      'The header Idempotency-Key must be 1 to 255 printable characters.',
    )
  }
  if (!fingerprintKey) throw new Error('There is no key for fingerprints: ServiceModule is missing.')
  const [path] = request.originalUrl.split('?')
  const name = JSON.stringify([identityOf(actor), request.method, path, key])
  // The header is kept nowhere: who has the log and our key lacks it still, and can try out no secret that was in the body.
  const requestFingerprint = createHmac('sha256', fingerprintKey)
    .update(`${key.length} ${key}`)
    .update(rawBody ?? '')
    .digest('base64url')
  return { actor, commandId: uuidV5(name, COMMANDS), requestFingerprint, correlationId }
}

/** What stays the same when the same actor comes again: not the session, not the role. */
function identityOf(actor: Actor): readonly string[] {
  switch (actor.type) {
    case 'user':
    case 'key':
    case 'content_key':
    case 'link':
      return [actor.type, actor.guid]
    case 'operator':
    case 'service':
      return [actor.type, actor.name]
    case 'anonymous':
    case 'bootstrap':
    case 'provider':
      return [actor.type]
  }
}

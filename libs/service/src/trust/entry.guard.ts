import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import type { Request } from 'express'
import {
  type Actor,
  ACTOR_HEADER,
  authenticationRequired,
  DomainError,
  INTERNAL_CALLS,
  type InternalCall,
  isAtLeast,
  permissionDenied,
  personOf,
  type CallerName,
} from '#libs/contracts'
import { BodyReader } from '../body/body-reader.js'
import { auditPoliciesOf, type Permission, permissionsOf } from '../decorators/route-policy.js'
import { contextOf } from '../request-context.js'
import { ActorAssertions } from './actor-assertions.js'
import { ServiceTokens } from './service-tokens.js'

type Method = (...parameters: never[]) => unknown
type Controller = new (...parameters: never[]) => unknown

interface Policy {
  readonly permission: Permission
  readonly audit: string | undefined
}

/**
 * The one entrance of every service. It is closed by default: which service calls and who stands behind it is
 * verified for every route but the open ones, then the route's permission is asked. Only then is the body read.
 */
@Injectable()
export class EntryGuard implements CanActivate {
  readonly #policies = new Map<Controller, Map<Method, Policy>>()

  constructor(
    private readonly serviceTokens: ServiceTokens,
    private readonly actorAssertions: ActorAssertions,
    private readonly bodies: BodyReader,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    if (execution.getType() !== 'http') return false
    const request = execution.switchToHttp().getRequest<Request>()
    const controller = execution.getClass() as Controller
    const handler = execution.getHandler() as Method
    const { permission, audit } = this.#policyOf(controller, handler)
    const context = contextOf(request)
    if (audit) context.audit = audit
    if (permission.kind !== 'open') {
      const caller = await this.serviceTokens.verify(bearer(request))
      context.caller = typeof caller === 'object' ? caller.type : caller
      if (typeof caller === 'object') {
        context.actor = admit(permission, caller.type, caller)
      } else {
        const assertion = request.headers[ACTOR_HEADER]
        const asserted = assertion === undefined ? undefined : await this.actorAssertions.verify(String(assertion))
        context.actor = admit(permission, caller, asserted)
      }
    }
    await this.bodies.read(request, controller, handler)
    return true
  }

  #policyOf(controller: Controller, handler: Method): Policy {
    let ofController = this.#policies.get(controller)
    if (!ofController) this.#policies.set(controller, (ofController = new Map<Method, Policy>()))
    let policy = ofController.get(handler)
    if (!policy) {
      const permissions = permissionsOf(controller, handler)
      const [audit, ...otherAudits] = auditPoliciesOf(controller, handler)
      if (permissions.length !== 1 || !audit || otherAudits.length > 0) {
        throw new Error(`${controller.name}.${handler.name} has no proper policy.`)
      }
      policy = { permission: permissions[0]!, audit: 'action' in audit ? audit.action : undefined }
      ofController.set(handler, policy)
    }
    return policy
  }
}

function bearer({ headers: { authorization } }: Request): string {
  // Not by a regular expression: this runs for every request.
  if (authorization?.startsWith('Bearer ')) return authorization.slice('Bearer '.length)
  throw new DomainError('unauthenticated', 'service.token_missing', 'The calling service is not known here.')
}

/**
 * Decides whether this caller with this actor behind it may use a route.
 * @param asserted the verified actor; `undefined` when the request carries no assertion
 * @returns the actor to go on with
 * @throws DomainError `service.not_permitted`, `authentication.required`, `permission.denied`,
 *   `request.authentication_type`
 */
export function admit(
  permission: Exclude<Permission, { kind: 'open' }>,
  caller: CallerName,
  asserted: Actor | undefined,
): Actor {
  if (permission.kind === 'service') {
    const call = permission.calls
      .map((name): InternalCall => INTERNAL_CALLS[name])
      .find((candidate) => candidate.caller === caller && candidate.actors.includes(asserted?.type ?? 'none'))
    if (!call) throw new DomainError('forbidden', 'service.not_permitted', 'This call is not for this caller.')
    return asserted ?? { type: 'service', name: caller }
  }
  if (caller !== 'gateway') {
    throw new DomainError('forbidden', 'service.not_permitted', 'This call is not for this caller.')
  }
  const actor: Actor = asserted ?? { type: 'anonymous' }
  switch (permission.kind) {
    case 'public':
      if (actor.type === 'content_key') throw wrongKind()
      return actor
    case 'actors':
      if (permission.types.includes(actor.type)) return actor
      throw actor.type === 'anonymous' ? authenticationRequired() : wrongKind()
    case 'role': {
      if (actor.type === 'anonymous') throw authenticationRequired()
      const person = personOf(actor)
      if (!person) throw wrongKind()
      if (!isAtLeast(person.role, permission.role)) throw permissionDenied()
      return actor
    }
  }
}

const wrongKind = (): DomainError =>
  new DomainError(
    'forbidden',
    'request.authentication_type',
    'This operation does not allow this type of authentication.',
  )

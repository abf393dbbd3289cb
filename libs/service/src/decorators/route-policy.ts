import type { Actor, InternalCallName, Role } from '#libs/contracts'

/** Who may call a route. Each route has exactly one. */
export type Permission =
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'service'; readonly calls: readonly InternalCallName[] }
  | { readonly kind: 'public'; readonly reason: string }
  | { readonly kind: 'actors'; readonly types: readonly Actor['type'][] }
  | { readonly kind: 'open'; readonly reason: string }

/** What of a route is written down for the audit. Each route has exactly one. */
export type AuditPolicy = { readonly action: string } | { readonly notAudited: string }

/** Goes on a controller method, or on a controller for those of its methods that have none of their own. */
export type PolicyDecorator = ClassDecorator & MethodDecorator

const PERMISSION = 'keybearer:permission'
const AUDIT = 'keybearer:audit'

/** For persons with at least this role, by browser session or by API key. */
export const RequireRole = (role: Role): PolicyDecorator => policy(PERMISSION, { kind: 'role', role })

/** For these calls of other services; caller, callee, method, path and actors are those of `INTERNAL_CALLS`. */
export const ServiceOnly = (...calls: InternalCallName[]): PolicyDecorator =>
  policy(PERMISSION, { kind: 'service', calls })

/** For everybody, known or not, who comes through the gateway; except content-bound keys. */
export const Public = (reason: string): PolicyDecorator => policy(PERMISSION, { kind: 'public', reason })

/** For these kinds of actors and no other; the only way in for a content-bound key. */
export const ForActor = (...types: Actor['type'][]): PolicyDecorator => policy(PERMISSION, { kind: 'actors', types })

/** Without any token. Only `/livez`, `/readyz`, `/metrics` and `/internal/jwks/*` may have it. */
export const Open = (reason: string): PolicyDecorator => policy(PERMISSION, { kind: 'open', reason })

/** What the request does, for the log: `<noun>.<verb>`. */
export const Audit = (action: string): PolicyDecorator => policy(AUDIT, { action })

/** Says why nobody will ever ask who did this. */
export const NotAudited = (reason: string): PolicyDecorator => policy(AUDIT, { notAudited: reason })

type Method = (...parameters: never[]) => unknown
type Class = abstract new (...parameters: never[]) => unknown

/** All permissions that apply to a controller method; anything but one is a fault. */
export const permissionsOf = (controller: Class, method: Method): readonly Permission[] =>
  applying<Permission>(PERMISSION, controller, method)

/** All audit policies that apply to a controller method; anything but one is a fault. */
export const auditPoliciesOf = (controller: Class, method: Method): readonly AuditPolicy[] =>
  applying<AuditPolicy>(AUDIT, controller, method)

function policy(key: string, value: Permission | AuditPolicy): PolicyDecorator {
  return (target: object, _name?: string | symbol, descriptor?: { value?: unknown }) => {
    const subject = (descriptor?.value ?? target) as object
    const before = (Reflect.getOwnMetadata(key, subject) ?? []) as readonly unknown[]
    Reflect.defineMetadata(key, [...before, value], subject)
  }
}

function applying<P>(key: string, controller: Class, method: Method): readonly P[] {
  return (Reflect.getOwnMetadata(key, method) ?? Reflect.getMetadata(key, controller) ?? []) as readonly P[]
}

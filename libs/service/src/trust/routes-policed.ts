import { type INestApplicationContext, RequestMethod } from '@nestjs/common'
import { MetadataScanner, ModulesContainer } from '@nestjs/core'
import { INTERNAL_CALLS, type InternalCall, type ServiceName } from '#libs/contracts'
import { auditPoliciesOf, permissionsOf } from '../decorators/route-policy.js'
import { Deployment } from '../settings/deployment.js'

/** What Nest writes on controllers and their methods: `PATH_METADATA` and `METHOD_METADATA`. */
const PATH = 'path'
const METHOD = 'method'

const MAY_BE_OPEN = /^\/(?:livez|readyz|metrics|internal\/jwks\/[a-z-]+)$/
const INTERNAL = '/internal/'

/**
 * Asserts that every route has one permission and one audit policy, that only health, metrics and key sets are open,
 * and that what another service may call is what `INTERNAL_CALLS` says: same callee, method and path.
 * @throws Error that names every route at fault
 */
export function assertRoutesArePoliced(app: INestApplicationContext): void {
  const { service } = app.get(Deployment)
  const faults = routesIn(app.get(ModulesContainer)).flatMap((route) => faultsOf(route, service))
  if (faults.length > 0) throw new Error(['Routes without a proper policy:', ...faults].join('\n  '))
}

type Method = (...parameters: never[]) => unknown
type Controller = new (...parameters: never[]) => unknown

interface Route {
  readonly controller: Controller
  readonly handler: Method
  readonly method: string
  readonly path: string
}

function routesIn(modules: ModulesContainer): Route[] {
  const scanner = new MetadataScanner()
  return [...modules.values()]
    .flatMap((module) => [...module.controllers.values()])
    .flatMap(({ metatype }) => {
      const controller = metatype as Controller
      const prefixes = list(Reflect.getMetadata(PATH, controller))
      const methods = controller.prototype as Readonly<Record<string, Method>>
      return scanner.getAllMethodNames(methods).flatMap((name) => {
        const handler = methods[name]!
        const method = Reflect.getMetadata(METHOD, handler) as RequestMethod | undefined
        // A handler of messages has no HTTP method and is no route.
        if (method === undefined) return []
        const paths = prefixes.flatMap((prefix) =>
          list(Reflect.getMetadata(PATH, handler)).map((path) => join(prefix, path)),
        )
        return paths.map((path) => ({ controller, handler, method: RequestMethod[method], path }))
      })
    })
}

function faultsOf({ controller, handler, method, path }: Route, service: ServiceName): string[] {
  const route = `${method} ${path} (${controller.name}.${handler.name})`
  const faults: string[] = []
  const permissions = permissionsOf(controller, handler)
  if (permissions.length !== 1) faults.push(`has ${permissions.length} permissions, not one`)
  const audits = auditPoliciesOf(controller, handler)
  if (audits.length !== 1) faults.push(`has ${audits.length} audit policies, not one`)

  const [permission] = permissions
  if (permission?.kind === 'open' && !MAY_BE_OPEN.test(path)) faults.push('may not be open')
  if (permission && permission.kind !== 'open' && permission.kind !== 'service' && path.startsWith(INTERNAL)) {
    faults.push('is internal and needs @ServiceOnly')
  }
  if (permission?.kind === 'service') {
    if (permission.calls.length === 0) faults.push('is @ServiceOnly for no call')
    for (const name of permission.calls) {
      const call: InternalCall = INTERNAL_CALLS[name]
      if (call.callee !== service || call.method !== method || call.path !== path) {
        faults.push(`is not what ${name} names: ${call.callee} ${call.method} ${call.path}`)
      }
    }
  }
  return faults.map((fault) => `${route} ${fault}`)
}

const list = (path: unknown): string[] => (Array.isArray(path) ? path : [path ?? '']) as string[]

const join = (...parts: string[]): string =>
  '/' +
  parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .join('/')

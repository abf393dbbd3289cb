import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { SERVICES, type ServiceName } from '#libs/contracts'
import type { Command } from './command.js'
import type { KeyFiles } from './keys.js'

/** A process of ours, as planned. */
export interface Instance {
  /** `vault`, then `vault-2` … */
  readonly name: string
  readonly service: ServiceName
  readonly port: number
}

export interface DatabaseUrls {
  /** Of the role that serves. */
  readonly url: string
  /** Of the role that migrates. */
  readonly ownerUrl: string
}

/** Services with a database of their own. */
export const WITH_DATABASE = ['identity', 'integrations', 'vault'] as const satisfies readonly ServiceName[]
export type ServiceWithDatabase = (typeof WITH_DATABASE)[number]

export interface Surroundings {
  readonly config: string
  readonly keys: KeyFiles
  readonly natsUrl: string
  readonly databases: Readonly<Record<ServiceWithDatabase, DatabaseUrls>>
  readonly instances: readonly Instance[]
  /** Where V8 keeps compiled code from start to start. */
  readonly compileCache: string
}

/** `dist/apps`, beside which the launcher itself was compiled. */
const APPS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

export function instanceNames(
  replicas: Readonly<Record<ServiceName, number>>,
): { name: string; service: ServiceName }[] {
  return SERVICES.flatMap((service) =>
    Array.from({ length: replicas[service] }, (_, index) => ({
      service,
      name: index ? `${service}-${index + 1}` : service,
    })),
  )
}

/** What a service's process is told; nothing else is: it has no other way to know where it stands. */
export function serviceCommand(instance: Instance, surroundings: Surroundings): Command {
  const { config, keys, natsUrl, databases, instances } = surroundings
  const { name, service, port } = instance
  const urls = (callee: ServiceName) =>
    instances
      .filter((other) => other.service === callee)
      .map((other) => `http://127.0.0.1:${other.port}`)
      .join(',')
  const database: Record<string, string> =
    service === 'gateway' ? {} : { KEYBEARER_DATABASE_URL: databases[service].url }
  const own: Partial<Record<ServiceName, Record<string, string>>> = {
    identity: { KEYBEARER_TOKEN_KEY_FILE: keys.token, KEYBEARER_LOGIN_KEY_FILE: keys.login },
    vault: { KEYBEARER_SAFE_KEY_FILE: keys.safe },
  }
  return nodeCommand([...V8_FLAGS, path.join(APPS, service, 'src/main.js')], surroundings, {
    KEYBEARER_CONFIG: config,
    KEYBEARER_WARNINGS_SHOWN: '1',
    KEYBEARER_INSTANCE: name,
    KEYBEARER_PORT: String(port),
    KEYBEARER_NATS_URL: natsUrl,
    KEYBEARER_KEY_FILE: keys.service[service],
    KEYBEARER_SERVICE_KEYS: keys.serviceKeys,
    KEYBEARER_URL_IDENTITY: urls('identity'),
    KEYBEARER_URL_INTEGRATIONS: urls('integrations'),
    KEYBEARER_URL_VAULT: urls('vault'),
    ...database,
    ...own[service],
  })
}

/**
 * Left alone, V8 lets the heap of a busy service grow to twice its size before it cleans up, as there is memory enough;
 * these keep the four services together under 700 MB, and the vault under 150, at the same speed. The second is a bound, not
 * what they need; the third lets what lives long grow by three tenths before it is looked through.
 */
const V8_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--max-old-space-size=512', '--heap-growing-percent=30']

export function migrationCommand(
  service: ServiceWithDatabase,
  surroundings: Pick<Surroundings, 'databases' | 'compileCache'>,
): Command {
  return nodeCommand([path.join(APPS, service, 'src/migrate.js')], surroundings, {
    KEYBEARER_INSTANCE: `${service}-migration`,
    KEYBEARER_DATABASE_OWNER_URL: surroundings.databases[service].ownerUrl,
  })
}

/** Lets identity take another key of encrypted settings. */
export function resetSecretKeyCommand(surroundings: Pick<Surroundings, 'databases' | 'compileCache'>): Command {
  return nodeCommand([path.join(APPS, 'identity/src/reset-secret-key.js')], surroundings, {
    KEYBEARER_INSTANCE: 'reset-secret-key',
    KEYBEARER_DATABASE_OWNER_URL: surroundings.databases.identity.ownerUrl,
  })
}

export const DEMO_PARTS = ['oidc-provider', 'vendor', 'content-app'] as const
export type DemoPart = (typeof DEMO_PARTS)[number]

export interface DemoSurroundings {
  readonly data: string
  readonly address: string
  readonly ports: Readonly<Record<DemoPart, number>>
  readonly compileCache: string
}

/** @param part one of the three that stay, or `secrets` and `seed`, which end by themselves */
export function demoCommand(part: DemoPart | 'secrets' | 'seed', demo: DemoSurroundings): Command {
  return nodeCommand([path.join(APPS, 'demo/src/main.js'), part], demo, {
    DEMO_DATA: demo.data,
    DEMO_ADDRESS: demo.address,
    DEMO_OIDC_PORT: String(demo.ports['oidc-provider']),
    DEMO_VENDOR_PORT: String(demo.ports.vendor),
    DEMO_CONTENT_PORT: String(demo.ports['content-app']),
  })
}

function nodeCommand(
  args: readonly string[],
  { compileCache }: { compileCache: string },
  env: Record<string, string>,
): Command {
  // Half of the threads look names up, and no provider whose name servers are dead may keep the others from it.
  const threads = { UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16' }
  return { file: process.execPath, args, env: { ...process.env, ...threads, NODE_COMPILE_CACHE: compileCache, ...env } }
}

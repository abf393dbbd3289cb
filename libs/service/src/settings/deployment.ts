import { SERVICES, Secret, type ServiceName } from '#libs/contracts'

export interface DeploymentFacts {
  readonly service: ServiceName
  readonly instance: string
  readonly host: string
  readonly port: number
  readonly configFile?: string
  readonly databaseUrl?: Secret
  readonly databaseOwnerUrl?: Secret
  readonly natsUrl?: Secret
  readonly keyFile?: string
  readonly serviceKeysFile?: string
  readonly tokenKeyFile?: string
  readonly loginKeyFile?: string
  readonly safeKeyFile?: string
  readonly safeKeys?: Secret
  readonly warningsShown?: boolean
  /** Base URLs of the replicas, without a trailing slash. */
  readonly urls: Readonly<Partial<Record<ServiceName, readonly string[]>>>
}

const EVERY = [
  'KEYBEARER_CONFIG',
  'KEYBEARER_PORT',
  'KEYBEARER_NATS_URL',
  'KEYBEARER_KEY_FILE',
  'KEYBEARER_SERVICE_KEYS',
]
const WITH_DATABASE = [...EVERY, 'KEYBEARER_DATABASE_URL']
const REQUIRED: Readonly<Record<ServiceName, readonly string[]>> = {
  gateway: [...EVERY, 'KEYBEARER_URL_IDENTITY', 'KEYBEARER_URL_INTEGRATIONS', 'KEYBEARER_URL_VAULT'],
  identity: [
    ...WITH_DATABASE,
    'KEYBEARER_URL_IDENTITY',
    'KEYBEARER_URL_INTEGRATIONS',
    'KEYBEARER_URL_VAULT',
    'KEYBEARER_TOKEN_KEY_FILE',
    'KEYBEARER_LOGIN_KEY_FILE',
  ],
  integrations: [...WITH_DATABASE, 'KEYBEARER_URL_IDENTITY', 'KEYBEARER_URL_VAULT'],
  vault: [...WITH_DATABASE, 'KEYBEARER_URL_IDENTITY', 'KEYBEARER_URL_INTEGRATIONS'],
}

/** Every variable that is read here; none of them is a setting's. */
export const DEPLOYMENT_VARIABLES: readonly string[] = [
  ...new Set(Object.values(REQUIRED).flat()),
  'KEYBEARER_DATABASE_OWNER_URL',
  'KEYBEARER_HOST',
  'KEYBEARER_INSTANCE',
  'KEYBEARER_SAFE_KEY_FILE',
  'KEYBEARER_SAFE_KEYS',
  'KEYBEARER_WARNINGS_SHOWN',
]

/** Where this process stands: what the launcher or the cluster says in `KEYBEARER_*`, as opposed to the settings file. */
export class Deployment {
  readonly service: ServiceName
  /** Such as `vault-2`. */
  readonly instance: string
  /** Address of the internal listener. */
  readonly host: string
  /** Port of the internal listener; 0: any. */
  readonly port: number
  /** Whether whoever started this process has shown the warnings of the settings, so that they need no second showing. */
  readonly warningsShown: boolean
  readonly #facts: DeploymentFacts

  constructor(facts: Pick<DeploymentFacts, 'service'> & Partial<DeploymentFacts>) {
    this.#facts = { instance: facts.service, host: '127.0.0.1', port: 0, urls: {}, ...facts }
    this.service = facts.service
    this.instance = this.#facts.instance
    this.host = this.#facts.host
    this.port = this.#facts.port
    this.warningsShown = this.#facts.warningsShown ?? false
  }

  /**
   * Reads what a service needs in order to serve.
   * @throws Error that names every variable that is missing or wrong, never its value
   */
  static read(service: ServiceName, environment: NodeJS.ProcessEnv = process.env): Deployment {
    return fromEnvironment(service, environment, REQUIRED[service])
  }

  /** Reads what `migrate.js` needs: the owner's database. */
  static forMigration(service: ServiceName, environment: NodeJS.ProcessEnv = process.env): Deployment {
    return fromEnvironment(service, environment, ['KEYBEARER_DATABASE_OWNER_URL'])
  }

  get configFile(): string {
    return this.#need('configFile', 'KEYBEARER_CONFIG')
  }
  get databaseUrl(): Secret {
    return this.#need('databaseUrl', 'KEYBEARER_DATABASE_URL')
  }
  get databaseOwnerUrl(): Secret {
    return this.#need('databaseOwnerUrl', 'KEYBEARER_DATABASE_OWNER_URL')
  }
  get natsUrl(): Secret {
    return this.#need('natsUrl', 'KEYBEARER_NATS_URL')
  }
  get keyFile(): string {
    return this.#need('keyFile', 'KEYBEARER_KEY_FILE')
  }
  get serviceKeysFile(): string {
    return this.#need('serviceKeysFile', 'KEYBEARER_SERVICE_KEYS')
  }
  get tokenKeyFile(): string {
    return this.#need('tokenKeyFile', 'KEYBEARER_TOKEN_KEY_FILE')
  }
  get loginKeyFile(): string {
    return this.#need('loginKeyFile', 'KEYBEARER_LOGIN_KEY_FILE')
  }
  /** The key file of the safe; unless its keys come from elsewhere. */
  get safeKeyFile(): string | undefined {
    return this.#facts.safeKeyFile
  }
  /** The key ring of the safe itself, for development. */
  get safeKeys(): Secret | undefined {
    return this.#facts.safeKeys
  }

  /** Base URLs of a service's replicas. */
  urlsOf(service: ServiceName): readonly string[] {
    const urls = this.#facts.urls[service]
    if (!urls?.length)
      throw new Error(`${this.service} has not been told where ${service} is (${urlVariable(service)}).`)
    return urls
  }

  #need<K extends keyof DeploymentFacts>(key: K, variable: string): NonNullable<DeploymentFacts[K]> {
    const value = this.#facts[key]
    if (value === undefined) throw new Error(`${this.service} needs ${variable}.`)
    return value as NonNullable<DeploymentFacts[K]>
  }
}

const urlVariable = (service: ServiceName): string => `KEYBEARER_URL_${service.toUpperCase()}`

function fromEnvironment(
  service: ServiceName,
  environment: NodeJS.ProcessEnv,
  required: readonly string[],
): Deployment {
  const text = (name: string): string | undefined => environment[name] || undefined
  const secret = (name: string): Secret | undefined => {
    const value = text(name)
    return value === undefined ? undefined : new Secret(value)
  }
  const faults = required.filter((name) => text(name) === undefined).map((name) => `${name} is missing`)

  const port = Number(text('KEYBEARER_PORT') ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) faults.push('KEYBEARER_PORT is not a port')
  const urls: Partial<Record<ServiceName, readonly string[]>> = {}
  for (const name of SERVICES) {
    const value = text(urlVariable(name))
    if (value === undefined) continue
    const list = value.split(',').map((url) => url.trim().replace(/\/+$/, ''))
    if (list.every((url) => /^https?:\/\//.test(url) && URL.canParse(url))) urls[name] = list
    else faults.push(`${urlVariable(name)} is not a list of URLs`)
  }
  if (faults.length > 0) throw new Error(`The deployment of ${service} is refused: ${faults.join('; ')}`)

  return new Deployment({
    service,
    instance: text('KEYBEARER_INSTANCE') ?? service,
    host: text('KEYBEARER_HOST') ?? '127.0.0.1',
    port,
    configFile: text('KEYBEARER_CONFIG'),
    databaseUrl: secret('KEYBEARER_DATABASE_URL'),
    databaseOwnerUrl: secret('KEYBEARER_DATABASE_OWNER_URL'),
    natsUrl: secret('KEYBEARER_NATS_URL'),
    keyFile: text('KEYBEARER_KEY_FILE'),
    serviceKeysFile: text('KEYBEARER_SERVICE_KEYS'),
    tokenKeyFile: text('KEYBEARER_TOKEN_KEY_FILE'),
    loginKeyFile: text('KEYBEARER_LOGIN_KEY_FILE'),
    safeKeyFile: text('KEYBEARER_SAFE_KEY_FILE'),
    safeKeys: secret('KEYBEARER_SAFE_KEYS'),
    warningsShown: text('KEYBEARER_WARNINGS_SHOWN') !== undefined,
    urls,
  })
}

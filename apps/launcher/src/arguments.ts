import path from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { SERVICES, type ServiceName } from '#libs/contracts'

export interface Arguments {
  /** Absolute path of the settings file; undefined: the demo's, which the launcher writes. */
  readonly config?: string
  /** Absolute path of the directory that holds everything that is kept. */
  readonly data: string
  readonly demo: boolean
  /** Processes of each service, at least 1. */
  readonly replicas: Readonly<Record<ServiceName, number>>
  /** Public port of the demo's settings. */
  readonly port: number
  /** Whether the key of encrypted settings may be another one than before. */
  readonly resetSecretKey: boolean
  /** `Section.Name=value`, added to the demo's settings. */
  readonly set: readonly string[]
}

const MOST_REPLICAS = 16
const ONE_OF_EACH: Readonly<Record<ServiceName, number>> = { gateway: 1, identity: 1, integrations: 1, vault: 1 }

/**
 * Reads the command line; relative paths start at the current folder.
 * @throws CommanderError after it has said what is wrong, or printed the help
 */
export function readArguments(argv: readonly string[], output?: (text: string) => void): Arguments {
  const program = new Command('npm start --')
    .description(
      'Starts Keybearer: PostgreSQL, NATS, the four services and, unless told otherwise, a demo world around them.',
    )
    .option(
      '--config <file>',
      'settings file (gcfg); without it, settings for the demo are written to DATA/keybearer.gcfg',
    )
    .option('--data <directory>', 'where everything that is kept lives', '.data')
    .option('--no-demo', 'without the demo’s identity provider, vendor and content app')
    .option('--replicas <list>', 'processes per service, such as vault=2,gateway=2', readReplicas)
    .option('--port <number>', 'public port of the demo’s settings', readPort, 3939)
    .option('--set <Section.Name=value>', 'adds a line to the demo’s settings; may be repeated', collect)
    .option('--reset-secret-key', 'takes another key of encrypted settings than before (Server.SecretKeyFile)', false)
    .allowExcessArguments(false)
    .exitOverride()
  if (output) program.configureOutput({ writeOut: output, writeErr: output })
  program.parse([...argv], { from: 'user' })

  const options = program.opts<{
    config?: string
    data: string
    demo: boolean
    replicas?: Arguments['replicas']
    port: number
    resetSecretKey: boolean
    set?: readonly string[]
  }>()
  const { demo, port, resetSecretKey, replicas = ONE_OF_EACH, set = [] } = options
  if (options.config && set.length) {
    program.error('error: --set changes the demo’s settings; change the file of --config instead')
  }
  if (options.config && program.getOptionValueSource('port') === 'cli') {
    program.error('error: --port belongs to the demo’s settings; the file of --config has [HTTP] Listen')
  }
  if (!options.config && !demo) {
    program.error('error: --no-demo needs --config FILE: there is no provider to log in with')
  }
  const config = options.config && path.resolve(options.config)
  return { config, data: path.resolve(options.data), demo, port, replicas, resetSecretKey, set }
}

function readReplicas(text: string): Arguments['replicas'] {
  const replicas = { ...ONE_OF_EACH }
  for (const part of text.split(',').filter(Boolean)) {
    const [name, count] = part.split('=').map((each) => each.trim())
    const number = Number(count)
    if (!SERVICES.includes(name as ServiceName)) throw new InvalidArgumentError(`There is no service ${name}.`)
    if (!Number.isInteger(number) || number < 1 || number > MOST_REPLICAS) {
      throw new InvalidArgumentError(`${name} needs a number from 1 to ${MOST_REPLICAS}.`)
    }
    replicas[name as ServiceName] = number
  }
  return replicas
}

function readPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It must be from 1 to 65535.')
  return port
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  if (!/^\w+\.\w+=/.test(value)) throw new InvalidArgumentError('It must look like Exchange.RefreshLease=2s.')
  return [...before, value]
}

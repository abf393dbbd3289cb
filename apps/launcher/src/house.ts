import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import pg from 'pg'
import type { ServiceName } from '#libs/contracts'
// Not through the library's index, which loads Nest: the launcher reads a few settings.
import { loadSettings, settingsSentence } from '../../../libs/service/src/settings/load-settings.js'
import { ExchangeSettings } from '../../../libs/service/src/settings/sections/exchange.js'
import { HttpSettings } from '../../../libs/service/src/settings/sections/http.js'
import { ServerSettings } from '../../../libs/service/src/settings/sections/server.js'
import type { Arguments } from './arguments.js'
import { Census } from './census.js'
import type { Command } from './command.js'
import { demoSettings } from './demo-settings.js'
import { makeKeys, password, type KeyFiles } from './keys.js'
import { LogFiles } from './log-files.js'
import { natsCommand, natsStore, natsUrl, waitForNats } from './nats.js'
import {
  DEMO_PARTS,
  demoCommand,
  instanceNames,
  migrationCommand,
  resetSecretKeyCommand,
  serviceCommand,
  WITH_DATABASE,
  type DatabaseUrls,
  type DemoPart,
  type DemoSurroundings,
  type Instance,
  type ServiceWithDatabase,
  type Surroundings,
} from './plan.js'
import { isFree, Ports } from './ports.js'
import { postgresCommand, postgresUrl, waitForPostgres } from './postgres.js'
import type { Progress } from './progress.js'
import { createServiceDatabase, createServiceRoles } from './service-database.js'
import { StartFailure } from './start-failure.js'
import { patienceMs, stopInOrder, type Tier } from './stopping.js'
import { CONFIGURATION_FAULT, runOnce, Supervised } from './supervise.js'
import { WholeFile } from './whole-file.js'

/** Deaths before the first readiness after which a start is given up. */
const TRIES = 5
const READY_MS = 60_000

/** Everything that runs: PostgreSQL, NATS, the services, the demo world. */
export class House {
  readonly #data: string
  readonly #log: LogFiles
  readonly #census: Census
  readonly #processes = new Map<string, { tier: Tier; patienceMs: number; process: Supervised }>()
  readonly #failed: (failure: StartFailure) => void
  readonly #abort = new AbortController()
  readonly #runningFile: WholeFile
  #tokenRequestTimeoutMs = new ExchangeSettings().tokenRequestTimeoutMs
  #began = false
  #running?: () => string
  #stopping?: Promise<void>

  /** @param failed told when the house, once it stands, cannot go on */
  constructor(
    private readonly args: Arguments,
    private readonly progress: Progress,
    failed: (failure: StartFailure) => void,
  ) {
    this.#data = args.data
    this.#log = new LogFiles(this.#at('log'), (text) => this.progress.line(text))
    this.#census = new Census(this.#data)
    this.#runningFile = new WholeFile(this.#at('running.json'))
    this.#failed = failed
  }

  /** @throws StartFailure, SettingsError */
  async start(): Promise<void> {
    await mkdir(this.#data, { recursive: true, mode: 0o700 })
    await chmod(this.#data, 0o700)
    const strays = await this.#census.begin()
    this.#began = true
    if (strays.length) this.progress.line(`  The last run was killed; ended what it left behind: ${strays.join(', ')}`)
    await this.#runningFile.remove()
    const ports = await Ports.load(this.#at('ports.json'))
    const compileCache = this.#at('cache')

    const demo = await this.#demoSurroundings(ports, compileCache)
    const config = this.args.config ?? (await this.#writeDemoSettings(demo))
    const settings = loadSettings(config, [ServerSettings, HttpSettings, ExchangeSettings])
    for (const warning of settings.warnings) this.progress.line(`  warning: ${settingsSentence(warning)}`)
    const { host, port } = settings.get(HttpSettings)
    if (!(await isFree(port, host))) {
      const other = this.args.config ? 'change [HTTP] Listen' : 'choose another with --port'
      throw new StartFailure(`Port ${port} is taken by another program: stop it, or ${other}.`)
    }
    this.#tokenRequestTimeoutMs = settings.get(ExchangeSettings).tokenRequestTimeoutMs
    const address = settings.get(ServerSettings).address.replace(/\/$/, '')

    const keys = await makeKeys(this.#at('keys'))
    const [postgres, nats] = await Promise.all([this.#startPostgres(ports), this.#startNats(ports)])
    const databases = await this.progress.step('databases and roles', () => this.#createDatabases(postgres))

    const instances: Instance[] = []
    for (const each of instanceNames(this.args.replicas))
      instances.push({ ...each, port: await ports.choose(each.name) })
    const surroundings: Surroundings = { config, keys, natsUrl: nats.url, databases, instances, compileCache }
    const demoReady =
      demo && this.progress.step('demo: identity provider, vendor, content app', () => this.#startDemo(demo))
    demoReady?.catch(() => undefined) // awaited below, after what may fail first
    await this.progress.step('migrations', () =>
      Promise.all(
        WITH_DATABASE.map((service) => this.#once(`${service}-migration`, migrationCommand(service, surroundings))),
      ),
    )
    if (this.args.resetSecretKey) {
      await this.progress.step('another key of encrypted settings', () =>
        this.#once('reset-secret-key', resetSecretKeyCommand(surroundings)),
      )
    }
    await this.progress.step(instances.map(({ name }) => name).join(', '), () => this.#startServices(surroundings))
    await demoReady
    if (demo)
      await this.progress.step('demo: integration and content', () => this.#once('seed', demoCommand('seed', demo)))

    this.#running = () => this.#describe({ address, config, keys, databases, instances, postgres, nats, demo })
    await this.#writeRunning()
    this.#log.quiet = false
    await this.#greet(address, demo)
  }

  /** Ends everything, what depends on others first; can be called again and while it is starting. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    this.#log.quiet = true
    this.#running = undefined
    this.#abort.abort()
    await stopInOrder(this.#processes.values(), (text) => this.progress.line(text))
    if (this.#began) await this.#runningFile.remove()
    await this.#census.end()
    await this.#log.close()
  }

  #at(...parts: string[]): string {
    return path.join(this.#data, ...parts)
  }

  async #startPostgres(ports: Ports): Promise<{ port: number; url: string }> {
    const directory = this.#at('postgres')
    const fresh = !existsSync(path.join(directory, 'PG_VERSION'))
    return this.progress.step(fresh ? 'PostgreSQL, with a new cluster' : 'PostgreSQL', async () => {
      const port = await ports.choose('postgres')
      const secret = await password(this.#at('keys'), 'postgres')
      const url = postgresUrl(port, 'postgres', secret, 'postgres')
      const process = await this.#supervise(
        'postgres',
        'postgres',
        await postgresCommand({ directory, port, password: secret }),
      )
      await waitForPostgres(url, READY_MS, () => this.#hopeless(process)).catch(() => this.#giveUp(process))
      return { port, url }
    })
  }

  async #startNats(ports: Ports): Promise<{ port: number; url: string }> {
    return this.progress.step('NATS with JetStream', async () => {
      const port = await ports.choose('nats')
      const secret = await password(this.#at('keys'), 'nats')
      const progress = (text: string) => this.progress.line(`  ${text} …`)
      const command = await natsCommand({ directory: this.#at('nats'), port, password: secret, progress }).catch(
        (error: Error) => {
          throw new StartFailure(error.message)
        },
      )
      const process = await this.#supervise('nats', 'nats', command)
      await waitForNats(port, READY_MS, () => this.#hopeless(process)).catch(() => this.#giveUp(process))
      return { port, url: natsUrl(port, secret) }
    })
  }

  async #createDatabases({
    port,
    url,
  }: {
    port: number
    url: string
  }): Promise<Record<ServiceWithDatabase, DatabaseUrls>> {
    const admin = new pg.Client({ connectionString: url })
    await admin.connect()
    const urls: Partial<Record<ServiceWithDatabase, DatabaseUrls>> = {}
    try {
      for (const service of WITH_DATABASE) {
        const owner = await password(this.#at('keys'), `database-${service}-owner`)
        const serving = await password(this.#at('keys'), `database-${service}`)
        await createServiceRoles(admin, service, { owner, serving })
        await createServiceDatabase(admin, service)
        urls[service] = {
          url: postgresUrl(port, service, serving, service),
          ownerUrl: postgresUrl(port, `${service}_owner`, owner, service),
        }
      }
    } finally {
      await admin.end()
    }
    return urls as Record<ServiceWithDatabase, DatabaseUrls>
  }

  async #startServices(surroundings: Surroundings): Promise<void> {
    await Promise.all(
      surroundings.instances.map(async (instance) => {
        const tier = instance.service === 'gateway' ? 'gateway' : 'services'
        const command = serviceCommand(instance, surroundings)
        const process = await this.#supervise(tier, instance.name, command, instance.service)
        await this.#untilReady(process, `http://127.0.0.1:${instance.port}/readyz`)
      }),
    )
  }

  async #startDemo(demo: DemoSurroundings): Promise<void> {
    await Promise.all(
      DEMO_PARTS.map(async (part) => {
        const process = await this.#supervise('demo', part, demoCommand(part, demo))
        await this.#untilReady(process, `http://127.0.0.1:${demo.ports[part]}/healthz`)
      }),
    )
  }

  async #demoSurroundings(ports: Ports, compileCache: string): Promise<DemoSurroundings | undefined> {
    if (!this.args.demo) return undefined
    const chosen = {} as Record<DemoPart, number>
    for (const [index, part] of DEMO_PARTS.entries())
      chosen[part] = await ports.choose(part, this.args.port + 1 + index)
    const address = this.args.config
      ? loadSettings(this.args.config, [ServerSettings]).get(ServerSettings).address
      : `http://localhost:${this.args.port}`
    const demo = { data: this.#data, address: address.replace(/\/$/, ''), ports: chosen, compileCache }
    await this.#once('secrets', demoCommand('secrets', demo))
    return demo
  }

  async #writeDemoSettings(demo: DemoSurroundings | undefined): Promise<string> {
    if (!demo) throw new StartFailure('--no-demo needs --config FILE')
    const secret = (name: string) => this.#at('demo', 'secrets', name)
    const text = demoSettings({
      address: demo.address,
      publicPort: this.args.port,
      oidcPort: demo.ports['oidc-provider'],
      contentPort: demo.ports['content-app'],
      oidcSecretFile: secret('oidc-client-secret'),
      bootstrapSecretKey: (await readFile(secret('bootstrap-secret-key'), 'utf8')).trim(),
      set: this.args.set,
    })
    const file = this.#at('keybearer.gcfg')
    await writeFile(file, text, { mode: 0o600 })
    return file
  }

  async #supervise(tier: Tier, name: string, command: Command, service?: ServiceName): Promise<Supervised> {
    if (this.#stopping) throw new StartFailure('stopped')
    const process: Supervised = new Supervised({
      name,
      command,
      line: (text) => this.#log.write(name, text),
      notice: (text) => this.progress.line(text),
      started: () => {
        if (process.pid) void this.#census.add(name, process.pid, command.stopSignal).catch(() => undefined)
        void this.#writeRunning()
      },
      refused: () => this.#failed(this.#refusal(process)),
    })
    this.#processes.set(name, { tier, process, patienceMs: patienceMs(service, this.#tokenRequestTimeoutMs) })
    await process.start()
    return process
  }

  /** Runs a program that ends by itself. */
  async #once(name: string, command: Command): Promise<void> {
    if (this.#stopping) throw new StartFailure('stopped')
    let last = ''
    const line = (text: string) => {
      last = text
      this.#log.write(name, text)
    }
    const code = await runOnce(command, line, this.#abort.signal)
    if (this.#stopping) throw new StartFailure('stopped')
    if (code !== 0)
      throw new StartFailure(
        `${name} failed: ${this.#log.lastError(name) ?? last}`,
        code === CONFIGURATION_FAULT ? code : 1,
      )
  }

  async #untilReady(process: Supervised, url: string): Promise<void> {
    const deadline = Date.now() + READY_MS
    while (!(await answers200(url))) {
      if (this.#stopping) throw new StartFailure('stopped')
      if (this.#hopeless(process) || Date.now() > deadline) this.#giveUp(process)
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
  }

  #hopeless(process: Supervised): boolean {
    return process.refused || (!process.running && process.starts >= TRIES)
  }

  #giveUp(process: Supervised): never {
    if (process.refused) throw this.#refusal(process)
    const said = this.#log.lastError(process.name)
    throw new StartFailure(
      `${process.name} does not get ready${said ? `: ${said}` : ''}\n  see ${this.#log.file(process.name)}`,
    )
  }

  #refusal(process: Supervised): StartFailure {
    return new StartFailure(
      this.#log.lastError(process.name) ?? `${process.name} refuses its settings`,
      CONFIGURATION_FAULT,
    )
  }

  #describe(facts: {
    address: string
    config: string
    keys: KeyFiles
    databases: Record<ServiceWithDatabase, DatabaseUrls>
    instances: readonly Instance[]
    postgres: { port: number; url: string }
    nats: { port: number; url: string }
    demo?: DemoSurroundings
  }): string {
    const pid = (name: string) => this.#processes.get(name)?.process.pid
    const entry = (name: string, service: string, port: number) => ({
      name,
      service,
      pid: pid(name),
      port,
      url: `http://127.0.0.1:${port}`,
      log: this.#log.file(name),
    })
    const { address, config, keys, databases, instances, postgres, nats, demo } = facts
    const running = {
      launcher: { pid: process.pid },
      address,
      data: this.#data,
      config,
      /** Whoever may read this file may change users and groups with `npx keybearer usermanager`. */
      operatorKey: keys.service.operator,
      postgres: { pid: pid('postgres'), ...postgres },
      nats: { pid: pid('nats'), ...nats, store: natsStore(this.#at('nats')) },
      databases,
      processes: [
        ...instances.map(({ name, service, port }) => entry(name, service, port)),
        ...(demo ? DEMO_PARTS.map((part) => entry(part, 'demo', demo.ports[part])) : []),
      ],
    }
    return `${JSON.stringify(running, null, 2)}\n`
  }

  async #writeRunning(): Promise<void> {
    const text = this.#running
    if (text) await this.#runningFile.write(text)
  }

  async #greet(address: string, demo: DemoSurroundings | undefined): Promise<void> {
    const say = (text: string) => this.progress.line(text)
    say(`\nReady in ${this.progress.elapsed()}: ${address}\n`)
    if (demo) {
      const facts = JSON.parse(await readFile(this.#at('demo.json'), 'utf8')) as {
        contentUrl: string
        people: { username: string; name: string; groups: string[] }[]
      }
      say('  Who can log in, without a password:')
      for (const { username, name, groups } of facts.people)
        say(`    ${username.padEnd(8)} ${name.padEnd(16)} ${groups.join(', ')}`)
      say(`\n  What to click:\n    ${facts.contentUrl}`)
      say('      choose a person, allow the vendor’s consent, and see who the vendor says you are;')
      say('      in a private window do it as somebody else')
      say(`    ${address}/__docs__   the API`)
      say('\n  The same without a browser, in another terminal:  npm run demo\n')
    }
    say(`  Data and logs: ${this.#data}\n  Ctrl-C stops everything; npm start goes on with the same data.\n`)
  }
}

function answers200(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}

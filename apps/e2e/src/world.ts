import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Agent, request } from 'undici'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE, type ServiceName } from '#libs/contracts'
import { freePort } from '#libs/testing'
import { demoSettings } from '../../launcher/src/demo-settings.js'
import { callApi, vendorIntegration } from '../../demo/src/api.js'
import { startContentApp } from '../../demo/src/content-app.js'
import { demoSecrets, type DemoSecrets } from '../../demo/src/files.js'
import { startOidcProvider } from '../../demo/src/oidc-provider.js'
import { type Faults, type Journal, startVendor, VENDOR_CLIENT, VENDOR_PUBLIC_CLIENT } from '../../demo/src/vendor.js'
import type { SecretKind } from '../../demo/src/witness.js'
import { House, newData } from './house.js'
import { Person } from './person.js'
import { ProbeApp } from './probe-app.js'
import { RecordingProxy } from './recording-proxy.js'

export interface WorldOptions {
  readonly replicas?: Partial<Record<ServiceName, number>>
  /** Further settings, as `Section.Name=value`. */
  readonly settings?: readonly string[]
  /** The path that the server lives under, such as `/connect`; the root unless told. */
  readonly prefix?: string
  /** Whether a proxy at the public address keeps every request and answer. */
  readonly recorded?: boolean
  /** Life of the vendor's access tokens in seconds, an hour unless told. */
  readonly accessTokenSeconds?: number
  /** Of the house's processes, beside our own. */
  readonly environment?: Readonly<Record<string, string>>
}

/** One answer of the token exchange. */
export interface Exchanged {
  readonly status: number
  readonly token?: string
  readonly code?: number
  readonly error?: string
  readonly payload?: { readonly consent_url?: string } | null
}

interface Closable {
  close(): Promise<unknown>
}

/** How somebody calls the API: a person with a browser, or an API key. */
export type Caller = Person | string

/** The four services as real processes, and around them, in this process, a provider, a vendor and content. */
export class World {
  readonly #people = new Map<string, Person>()
  /** As many connections as there are requests: none waits for another in the client. */
  readonly #agent = new Agent({ connections: 1100, headersTimeout: 60_000 })

  private constructor(
    readonly house: House,
    readonly address: string,
    readonly oidcIssuer: string,
    readonly vendorUrl: string,
    /** Of the demo's content app, which shows who the vendor says its viewer is. */
    readonly contentAppUrl: string,
    readonly probe: ProbeApp,
    readonly secrets: DemoSecrets,
    /** The key that the demo's content app uses: to be set to its content's owner's. */
    readonly contentKey: { value?: string },
    /** Secrets that provider and vendor have made or seen. */
    readonly witnessed: readonly { readonly kind: SecretKind; readonly value: string }[],
    readonly proxy: RecordingProxy | undefined,
    private readonly parts: readonly Closable[],
  ) {}

  /** A new world, to which nobody has logged in yet. */
  static async start(options: WorldOptions = {}): Promise<World> {
    const { replicas = {}, settings = [], prefix = '', recorded = false, accessTokenSeconds = 3600 } = options
    const data = newData()
    const [publicPort, listenPort, oidcPort] = [await freePort(), await freePort(), await freePort()]
    const address = `http://localhost:${publicPort}${prefix}`
    const secrets = demoSecrets(data)
    const witnessed: { kind: SecretKind; value: string }[] = []
    const witness = (kind: SecretKind, value: string): void => void witnessed.push({ kind, value })
    const common = { folder: path.join(data, 'demo'), silent: true, witness }
    const contentKey: { value?: string } = {}
    const parts: Closable[] = []
    const open = <T extends Closable>(part: T): T => {
      parts.push(part)
      return part
    }
    try {
      const oidc = { port: oidcPort, clientId: 'keybearer', clientSecret: secrets.oidcClientSecret }
      const redirectUri = `${address}/__login__/callback`
      const { issuer } = open(await startOidcProvider({ ...common, ...oidc, redirectUri }))
      const redirectUris = [`${address}/__oauth__/integrations/callback`]
      const client = { clientSecret: secrets.vendorClientSecret, redirectUris, accessTokenSeconds }
      const { url: vendorUrl } = open(await startVendor({ ...common, ...client, port: 0 }))
      const connect = { connectServer: address, apiKey: () => contentKey.value, vendorUrl }
      const app = open(await startContentApp({ ...connect, port: 0, silent: true }))
      const probe = open(await ProbeApp.start())
      const proxy = recorded ? open(await RecordingProxy.start(publicPort, listenPort)) : undefined

      const config = path.join(data, 'keybearer.gcfg')
      const text = demoSettings({
        address,
        publicPort: recorded ? listenPort : publicPort,
        oidcPort,
        contentPort: app.port,
        oidcSecretFile: path.join(data, 'demo/secrets/oidc-client-secret'),
        bootstrapSecretKey: secrets.bootstrapSecretKey,
        set: [`Content.Upstream=127.0.0.1:${probe.port}`, ...settings],
      })
      await writeFile(config, text, { mode: 0o600 })
      const counts = Object.entries(replicas).map(([name, count]) => `${name}=${count}`)
      const house = await House.start({
        data,
        environment: options.environment,
        args: ['--config', config, '--no-demo', ...(counts.length ? ['--replicas', counts.join(',')] : [])],
      })
      return new World(house, address, issuer, vendorUrl, app.url, probe, secrets, contentKey, witnessed, proxy, parts)
    } catch (error) {
      await Promise.all(parts.map((part) => part.close()))
      throw error
    }
  }

  /** Always the same person with the same browser. */
  person(username: string): Person {
    const person = this.#people.get(username) ?? new Person(this, username)
    this.#people.set(username, person)
    return person
  }

  /** @throws UnexpectedAnswer for every status that is not 2xx */
  call<T>(caller: Caller, method: string, apiPath: string, body?: unknown): Promise<T> {
    if (typeof caller !== 'string') return caller.api<T>(method, apiPath, body)
    return callApi<T>(this.address, method, apiPath, { authorization: `Key ${caller}`, body })
  }

  /** An integration with the vendor. @returns its guid */
  async makeIntegration(caller: Caller, mode: 'Confidential' | 'Public' = 'Confidential'): Promise<string> {
    const client =
      mode === 'Public' ? { id: VENDOR_PUBLIC_CLIENT } : { id: VENDOR_CLIENT, secret: this.secrets.vendorClientSecret }
    const body = vendorIntegration(`Acme Data (${mode})`, this.vendorUrl, client)
    return (await this.call<{ guid: string }>(caller, 'POST', '/v1/oauth/integrations', body)).guid
  }

  /** Content for everybody who logs in, with these integrations. @returns its guid */
  async makeContent(
    caller: Caller,
    name: string,
    upstreamUrl: string,
    integrations: readonly string[],
  ): Promise<string> {
    const body = { name, access_type: 'logged_in' }
    const { guid } = await this.call<{ guid: string }>(caller, 'POST', '/v1/content', body)
    await this.call(caller, 'PATCH', `/v1/content/${guid}`, { upstream_url: upstreamUrl, app_mode: 'python-streamlit' })
    await this.associate(caller, guid, integrations)
    return guid
  }

  async associate(caller: Caller, contentGuid: string, integrations: readonly string[]): Promise<void> {
    const list = integrations.map((guid) => ({ oauth_integration_guid: guid }))
    await this.call(caller, 'PUT', `/v1/content/${contentGuid}/oauth/integrations/associations`, list)
  }

  /** What content does with its viewer's token; refusals and failures are answers here. */
  async exchange(apiKey: string, subjectToken: string): Promise<Exchanged> {
    const form = {
      grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
      subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
      subject_token: subjectToken,
    }
    try {
      const { statusCode: status, body } = await request(`${this.address}/__api__/v1/oauth/integrations/credentials`, {
        method: 'POST',
        headers: { authorization: `Key ${apiKey}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
        dispatcher: this.#agent,
      })
      const {
        access_token: token,
        code,
        error,
        payload,
      } = (await body.json()) as Pick<Exchanged, 'code' | 'error' | 'payload'> & { access_token?: string }
      return { status, token, code, error, payload }
    } catch (error) {
      return { status: 0, error: (error as Error).message }
    }
  }

  async journal(): Promise<Journal> {
    return (await (await fetch(`${this.vendorUrl}/journal`)).json()) as Journal
  }

  /** Replaces what goes wrong at the vendor; nothing does without it. */
  async setFaults(faults: Faults = {}): Promise<void> {
    await fetch(`${this.vendorUrl}/faults`, { method: 'POST', body: JSON.stringify(faults) })
  }

  /** @returns the launcher's exit code */
  async stop(): Promise<number | null> {
    await Promise.all([...this.#people.values()].map((person) => person.close()))
    await this.#agent.destroy()
    const code = await this.house.stop()
    await Promise.all(this.parts.map((part) => part.close()))
    return code
  }
}

import { join } from 'node:path'
import { startContentApp } from './content-app.js'
import { demoSecrets, readText } from './files.js'
import { type DemoServer, logLine } from './http.js'
import { startOidcProvider } from './oidc-provider.js'
import { contentApiKeyFile, seed } from './seed.js'
import { startVendor } from './vendor.js'

const PARTS: Record<string, () => Promise<DemoServer | void>> = {
  'oidc-provider': () =>
    startOidcProvider({
      port: port('DEMO_OIDC_PORT'),
      folder: folder(),
      clientId: 'keybearer',
      clientSecret: secrets().oidcClientSecret,
      redirectUri: `${address()}/__login__/callback`,
    }),
  vendor: () =>
    startVendor({
      port: port('DEMO_VENDOR_PORT'),
      folder: folder(),
      clientSecret: secrets().vendorClientSecret,
      redirectUris: [`${address()}/__oauth__/integrations/callback`],
      accessTokenSeconds: Number(process.env.DEMO_VENDOR_ACCESS_TOKEN_SECONDS ?? 60),
      marker: process.env.DEMO_MARKER,
    }),
  'content-app': () =>
    startContentApp({
      port: port('DEMO_CONTENT_PORT'),
      connectServer: address(),
      apiKey: () => readText(contentApiKeyFile(data())),
      vendorUrl: vendorUrl(),
    }),
  seed: async () => {
    const places = {
      address: address(),
      oidcIssuer: `http://localhost:${port('DEMO_OIDC_PORT')}`,
      vendorUrl: vendorUrl(),
      contentAppUrl: `http://127.0.0.1:${port('DEMO_CONTENT_PORT')}`,
    }
    await seed({ data: data(), places, secrets: secrets() })
  },
  secrets: async () => void secrets(),
}

const data = (): string => required('DEMO_DATA')
const folder = (): string => join(data(), 'demo')
const address = (): string => required('DEMO_ADDRESS').replace(/\/+$/, '')
const vendorUrl = (): string => `http://127.0.0.1:${port('DEMO_VENDOR_PORT')}`
const secrets = () => demoSecrets(data(), process.env.DEMO_MARKER)

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

function port(name: string): number {
  const value = Number(required(name))
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new Error(`${name} is no port`)
  return value
}

async function run(part = ''): Promise<void> {
  const start = PARTS[part]
  if (!start) throw new Error(`name one part: ${Object.keys(PARTS).join(', ')}`)
  const server = await start()
  if (!server) return
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      logLine(`demo-${part}`, { msg: 'stopping' })
      void server.close().then(() => process.exit(0))
    })
  }
}

run(process.argv[2]).catch((error: unknown) => {
  console.error((error as Error).message)
  process.exit(1)
})

import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'

/**
 * Who may open a connection of its own, and why. What is asked of a provider goes through libs/oauth/src/outbound.ts,
 * which looks at every address; everything here is asked of hosts that only the operator names.
 */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'libs/oauth/src/outbound.ts': 'the guarded client itself',
  'libs/service/src/http/replica-pools.ts': 'the other services of the house',
  'apps/vault/src/safe/vault-transit.ts': 'the key service that the operator runs',
  'apps/vault/src/safe/aws-kms.ts': 'the key service that the operator has chosen',
}

/** What runs in a service that providers' addresses come to. The gateway has a guard of its own (address-guard.ts). */
const FOLDERS = [
  'apps/identity/src',
  'apps/integrations/src',
  'apps/vault/src',
  ...['contracts', 'event-sourcing', 'messaging', 'oauth', 'service'].map((library) => `libs/${library}/src`),
]

/** Ways out of the process: a client's import, or Node's own. Types say nothing, and servers only answer. */
const WAYS: readonly RegExp[] = [
  /(?<![\w.#'"])fetch\(/,
  /globalThis\s*\.\s*fetch|(?<![\w.])fetch\s*[,)}\]]/,
  /import (?!type)[^;]*?\bfrom '(undici|axios|got|node-fetch|superagent|@aws-sdk\/[\w-]+)'/,
  /(?<!typeof )(?:import|require)\(\s*'(?:undici|(?:node:)?(?:http|https|http2|net|tls|dgram)|@aws-sdk\/[\w-]+)'\s*\)/,
  /import (?!type)(?:\w+(?=,| from)|\* as|\{[^}]*\b(?<!type )(?:request|get|connect|createConnection|Socket|TLSSocket)\b)[^;]*?from '(?:node:)?(http|https|http2|net|tls|dgram)'/,
  /new (WebSocket|EventSource|XMLHttpRequest)\(/,
]

const waysOutOf = (source: string): number => {
  const text = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return WAYS.filter((way) => way.test(text)).length
}

const isProduct = (file: string): boolean => /\.ts$/.test(file) && !/\.(spec|fixture|conformance)\.ts$/.test(file)

const files = FOLDERS.flatMap((folder) =>
  (readdirSync(folder, { recursive: true }) as string[]).filter(isProduct).map((file) => path.join(folder, file)),
)

describe('F20 what leaves the house', () => {
  it('leaves through the guarded client, except to hosts that the operator names', () => {
    const strays = files.filter((file) => waysOutOf(readFileSync(file, 'utf8')) > 0 && !(file in EXCEPTIONS))
    expect(strays).toEqual([])
  })

  it('has no exception that is not needed', () => {
    const idle = Object.keys(EXCEPTIONS).filter((file) => waysOutOf(readFileSync(file, 'utf8')) === 0)
    expect(idle).toEqual([])
  })

  it.each([
    `const answer = await fetch('https://evil.example')`,
    `const { fetch: ask } = globalThis; await globalThis.fetch(url)`,
    `library(url, { get: fetch })`,
    `import { request } from 'undici'`,
    `import {\n  Agent,\n  request,\n} from 'undici'`,
    `import axios from 'axios'`,
    `import { KMSClient } from '@aws-sdk/client-kms'`,
    `import { request as ask } from 'node:https'`,
    `import https from 'node:https'`,
    `import * as net from 'node:net'`,
    `import { connect } from 'tls'`,
    `const { request } = await import('undici')`,
    `const https = require('node:https')`,
    `new WebSocket('wss://evil.example')`,
  ])('is found: %s', (source) => {
    expect(waysOutOf(source)).toBeGreaterThan(0)
  })

  it.each([
    `import type { Dispatcher } from 'undici'`,
    `import { createServer, type IncomingMessage } from 'node:http'`,
    `import { isIP, type Socket } from 'node:net'`,
    `type Client = typeof import('undici')`,
    `await this.outbound.fetch(url)`,
    `// fetch('https://evil.example')`,
  ])('is not suspected: %s', (source) => {
    expect(waysOutOf(source)).toBe(0)
  })
})

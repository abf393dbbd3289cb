import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Starts PostgreSQL and NATS once for all int specs, in a process that ends them when jest is gone, however it went. */
export default async function globalSetup() {
  const child = spawn(process.execPath, ['--import', file('./source-loader.js'), file('../infrastructure.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
    detached: true, // Ctrl-C in the terminal is for jest
  })
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')])
  if (typeof line[0] !== 'string') throw new Error('PostgreSQL and NATS for the int specs did not start')
  Object.assign(process.env, JSON.parse(line[0]))
  globalThis.keybearerInfrastructure = child
}

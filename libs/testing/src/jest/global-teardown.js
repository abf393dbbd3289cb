import { once } from 'node:events'

export default async function globalTeardown() {
  const child = globalThis.keybearerInfrastructure
  if (!child || child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
}

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { demoSecrets, readJson } from './files.js'
import { type Step, walkJourney, type World } from './journey.js'
import { type DemoFacts, factsFile } from './seed.js'

/**
 * The world of a running system, from its data directory.
 * @throws Error when nothing runs there, or it runs without the demo
 */
export function readWorld(data: string): World {
  const running = readJson<{ address?: string }>(join(data, 'running.json'))
  if (!running) throw new Error(`nothing runs on ${data}: start it with "npm start", or name its --data directory`)
  const facts = readJson<DemoFacts>(factsFile(data))
  if (!facts?.contentUrl) throw new Error(`the system on ${data} has no demo world (it was started with --no-demo?)`)
  const { vendorClientSecret, bootstrapSecretKey } = demoSecrets(data)
  return { ...facts, address: running.address ?? facts.address, vendorClientSecret, bootstrapSecretKey }
}

const print = ({ number, title, milliseconds, seen }: Step): void =>
  console.log(`${number}. ${title.padEnd(62)}${`${milliseconds} ms`.padStart(9)}   ${seen}`)

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { data: { type: 'string', default: '.data' } } })
  const world = readWorld(resolve(values.data))
  console.log(`Walking the journey at ${world.address}`)
  const started = performance.now()
  await walkJourney(world, print)
  console.log(`All of it works (${((performance.now() - started) / 1000).toFixed(1)} s).`)
}

if (process.argv[1] === import.meta.filename) {
  run().catch((error: unknown) => {
    console.error(`FAILED: ${(error as Error).message}`)
    process.exitCode = 1
  })
}

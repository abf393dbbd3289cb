import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { CommandFactory, Surroundings } from './command-line.js'
import { Failure } from './failure.js'
import { confirm } from './terminal.js'

/** `dist/apps`, beside which this program was compiled. */
const PROGRAM = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../identity/src/reset-secret-key.js')

/** `keybearer reset-secret-key`: identity takes the key of encrypted settings that it finds at its next start. */
export const resetSecretKey: CommandFactory = { build: (surroundings) => resetSecretKeyBy(surroundings, runProgram) }

/** @param run carries it out on the database; returns why not, if it failed */
export function resetSecretKeyBy(
  { terminal, environment }: Surroundings,
  run: (databaseOwnerUrl: string) => Promise<string | undefined>,
): Command {
  return new Command('reset-secret-key')
    .description(
      'Lets Keybearer start with another key of encrypted settings (Server.SecretKeyFile), when the former one is lost. ' +
        'What was encrypted with the former key has to be encrypted again.',
    )
    .option('--data <directory>', 'the directory that Keybearer was started with', '.data')
    .option('--yes', 'ask nothing', false)
    .addHelpText(
      'after',
      '\nThe database is the one of the running system, or KEYBEARER_DATABASE_OWNER_URL: identity’s, as its owner.',
    )
    .action(async ({ data, yes }: { data: string; yes: boolean }) => {
      const url = environment['KEYBEARER_DATABASE_OWNER_URL'] || (await ownerUrlIn(path.resolve(data)))
      await confirm(terminal, 'Forget the key of encrypted settings, and take the one of the next start?', yes)
      const reason = await run(url)
      if (reason !== undefined) throw new Failure(`The key was not forgotten: ${reason}`)
      terminal.out('Done. Encrypt the secrets of the settings file with the new key, then restart Keybearer.')
    })
}

async function ownerUrlIn(data: string): Promise<string> {
  try {
    const running = JSON.parse(await readFile(path.join(data, 'running.json'), 'utf8')) as {
      databases?: { identity?: { ownerUrl?: string } }
    }
    const url = running.databases?.identity?.ownerUrl
    if (url) return url
  } catch {
    // Said below.
  }
  throw new Failure(
    `Keybearer does not run with its data in ${data}. Name the directory with --data, or give the database as ` +
      'KEYBEARER_DATABASE_OWNER_URL; if it was started with `npm start` and refuses its key, start it with --reset-secret-key.',
  )
}

async function runProgram(databaseOwnerUrl: string): Promise<string | undefined> {
  const program = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, KEYBEARER_DATABASE_OWNER_URL: databaseOwnerUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said, [code]] = await Promise.all([text(program.stdout), once(program, 'exit') as Promise<[number | null]>])
  return code === 0 ? undefined : (reasonIn(said) ?? `the program ended with ${code}`)
}

/** What a log line of a failed program says. */
function reasonIn(said: string): string | undefined {
  try {
    const line = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { err?: { message?: string } }
    return line.err?.message
  } catch {
    return undefined
  }
}

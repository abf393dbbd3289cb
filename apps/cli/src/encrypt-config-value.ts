import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { Secret } from '#libs/contracts'
// Not through the library's index, which loads Nest: a command line should answer at once.
import { encryptValue } from '../../../libs/service/src/settings/encrypted-value.js'
import { PrivateFileError } from '../../../libs/service/src/settings/private-file.js'
import {
  DEFAULT_SECRET_KEY_FILE,
  readOrMakeSecretKey,
  secretKeyFileOf,
  type SecretKey,
} from '../../../libs/service/src/settings/secret-key.js'
import type { CommandFactory, Surroundings } from './command-line.js'
import { Failure } from './failure.js'
import type { Terminal } from './terminal.js'

const MOST_CHARACTERS = 65_536
const USUAL_CONFIG = 'keybearer.gcfg'

/** `keybearer encrypt-config-value`: a secret from standard input, its encrypted form to standard output. */
export const encryptConfigValue: CommandFactory = {
  build: (surroundings) => encryptConfigValueFrom(surroundings, secretOfStdin),
}

/** @param read gives the secret */
export function encryptConfigValueFrom(
  { terminal, environment }: Surroundings,
  read: (terminal: Terminal) => Promise<string>,
): Command {
  return new Command('encrypt-config-value')
    .description(
      'Reads a secret from standard input and writes to standard output what can stand for it in the settings file, ' +
        'or be the content of OAuth2.ClientSecretFile:\n\n  npx keybearer encrypt-config-value --config keybearer.gcfg < secret.txt',
    )
    .option(
      '--config <file>',
      `settings file, which names the key’s file (default: $KEYBEARER_CONFIG, then ${USUAL_CONFIG} in this folder)`,
    )
    .option(
      '--key-file <file>',
      `file of the key, made with mode 0600 when it is missing (default: what the settings file says, or ${DEFAULT_SECRET_KEY_FILE} beside it)`,
    )
    .action(async ({ config, keyFile }: { config?: string; keyFile?: string }) => {
      const file = keyFile ? path.resolve(keyFile) : keyFileOf(config ?? usualConfig(environment), environment)
      const secret = (await read(terminal)).replace(/\r?\n$/, '')
      if (secret === '') throw new Failure('There is no secret on standard input.')
      if (secret.length > MOST_CHARACTERS) throw new Failure(`A secret has at most ${MOST_CHARACTERS} characters.`)
      if (/[\r\n\0]/.test(secret)) throw new Failure('A secret is one line of text.')
      terminal.out(encryptValue(new Secret(secret), keyIn(file, terminal)))
    })
}

const usualConfig = ({ KEYBEARER_CONFIG: told }: NodeJS.ProcessEnv): string | undefined =>
  told || (existsSync(USUAL_CONFIG) ? USUAL_CONFIG : undefined)

function keyFileOf(config: string | undefined, environment: NodeJS.ProcessEnv): string {
  if (config === undefined) {
    throw new Failure('Say where the key is: --config FILE, the settings file, or --key-file FILE.', 2)
  }
  try {
    return secretKeyFileOf(config, environment)
  } catch (error) {
    throw new Failure(`The settings file ${config} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function keyIn(file: string, terminal: Terminal): SecretKey {
  if (!existsSync(path.dirname(file))) throw new Failure(`There is no folder ${path.dirname(file)} for the key.`)
  try {
    const { key, made } = readOrMakeSecretKey(file)
    if (made)
      terminal.note(`Made the key ${file}: keep a copy of it in a safe place; the server needs it at each start.`)
    return key
  } catch (error) {
    if (error instanceof PrivateFileError) throw new Failure(error.message)
    throw error
  }
}

/** Somebody at a terminal is asked, and what they type is not shown. */
async function secretOfStdin(terminal: Terminal): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin)
  terminal.note('The secret, then Enter (it is not shown):')
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => resolve(''))
    lines.once('SIGINT', () => lines.close())
  })
}

import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { isGuid, Secret } from '#libs/contracts'
// Not through the library's index, which loads Nest: a command line should answer at once.
import { PrivateFileError, readPrivateFile } from '../../../libs/service/src/settings/private-file.js'
import type { CommandFactory, Surroundings } from './command-line.js'
import { Failure } from './failure.js'

const TIMEOUT_MS = 30_000
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

interface Options {
  readonly file: string
  readonly content?: string
  readonly server?: string
  readonly keyFile?: string
  readonly once?: boolean
}

interface Token {
  readonly token: string
  /** Seconds. */
  readonly expires_in: number
}

/** `keybearer content-token`: keeps a fresh content session token in a file, for content that runs by itself. */
export const contentToken: CommandFactory = {
  build: (surroundings) => contentTokenUntil(surroundings, signalled),
}

/** @param end gives what ends the work */
export function contentTokenUntil({ terminal, environment }: Surroundings, end: () => AbortSignal): Command {
  return new Command('content-token')
    .description(
      'Keeps a fresh content session token in a file until it is stopped, for content that gets tokens of service ' +
        'accounts (CONNECT_CONTENT_SESSION_TOKEN_FILE). The API key is the one in $CONNECT_API_KEY: bound to the ' +
        'content, or of its owner.\n\n  npx keybearer content-token --content GUID --file /run/report/token',
    )
    .requiredOption('--file <file>', 'where the token is kept, with mode 0600; always whole')
    .option('--content <guid>', 'the content item (default: $CONNECT_CONTENT_GUID)')
    .option('--server <url>', 'address of Keybearer (default: $CONNECT_SERVER)')
    .option('--key-file <file>', 'file of the API key, with mode 0600, instead of $CONNECT_API_KEY')
    .option('--once', 'write one token and end')
    .action(async ({ file, content = environment['CONNECT_CONTENT_GUID'], server, keyFile, once }: Options) => {
      if (!content || !isGuid(content.toLowerCase()))
        throw new Failure('Say which content it is for: --content GUID.', 2)
      const url = addressOf(server ?? environment['CONNECT_SERVER'], content)
      const keyNow = (): Secret => (keyFile === undefined ? keyIn(environment) : keyOf(keyFile))
      // What is wrong from the beginning is said at once; what goes wrong later passes, or is mended by somebody.
      let { expires_in } = await renew(url, keyNow(), file)
      terminal.note(`The token in ${file} is good for ${expires_in} s.`)
      if (once) return
      const signal = end()
      let wait = (expires_in * 1000) / 2
      let pause = FIRST_PAUSE_MS
      while (await passes(wait, signal)) {
        try {
          ;({ expires_in } = await renew(url, keyNow(), file))
          wait = (expires_in * 1000) / 2
          pause = FIRST_PAUSE_MS
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          terminal.note(`${error.message} The former token stays; the next attempt is in ${pause / 1000} s.`)
          wait = pause
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
        }
      }
    })
}

/** @returns `false` when it was stopped before */
const passes = (ms: number, signal: AbortSignal): Promise<boolean> => delay(ms, true, { signal }).catch(() => false)

function signalled(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

function addressOf(server: string | undefined, content: string): string {
  if (!server || !/^https?:\/\//.test(server) || !URL.canParse(server))
    throw new Failure('Say where Keybearer is: --server URL, such as https://connect.example.com.', 2)
  return `${server.replace(/\/+$/, '')}/__api__/v1/content/${content}/session-token`
}

function keyIn({ CONNECT_API_KEY: key }: NodeJS.ProcessEnv): Secret {
  if (!key) throw new Failure('There is no API key: set CONNECT_API_KEY, or name its file with --key-file.', 2)
  return new Secret(key)
}

function keyOf(file: string): Secret {
  try {
    return new Secret(readPrivateFile(file).trim())
  } catch (error) {
    if (error instanceof PrivateFileError) throw new Failure(error.message)
    throw error
  }
}

async function renew(url: string, key: Secret, file: string): Promise<Token> {
  const token = await request(url, key)
  await keep(file, token.token)
  return token
}

/** @throws Failure with what the server says; never with the key */
async function request(url: string, key: Secret): Promise<Token> {
  let answer: Response
  let body: unknown
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Key ${key.reveal()}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    body = await answer.json().catch(() => undefined)
  } catch {
    throw new Failure(`${new URL(url).origin} does not answer.`)
  }
  if (!answer.ok) {
    const { error } = (body ?? {}) as { error?: unknown }
    throw new Failure(typeof error === 'string' ? error : `Keybearer answered ${answer.status}.`)
  }
  if (!isToken(body)) throw new Failure(`What answers at ${new URL(url).origin} is not Keybearer.`)
  return body
}

function isToken(body: unknown): body is Token {
  const { token, expires_in } = (body ?? {}) as Partial<Record<keyof Token, unknown>>
  return typeof token === 'string' && /^[\w-]+(\.[\w-]+){2}$/.test(token) && Number(expires_in) > 0
}

/** Whole or not at all, and for its owner only from the first byte on. */
async function keep(file: string, token: string): Promise<void> {
  const next = `${file}.${randomUUID()}`
  try {
    const handle = await open(next, 'wx', 0o600)
    try {
      await handle.writeFile(`${token}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw new Failure(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`)
  }
}

import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { Failure } from './failure.js'

/** Where the running system is, and the key that opens its operator's calls. */
export interface System {
  /** Base URLs of identity's internal listeners. */
  readonly identityUrls: readonly string[]
  /** Base URLs of the vault's. */
  readonly vaultUrls?: readonly string[]
  readonly keyFile: string
}

export interface Whereabouts {
  /** The launcher's directory. */
  readonly data: string
  /** Comma-separated; instead of what the launcher says. */
  readonly identityUrl?: string
  /** As `identityUrl`, for commands that speak to the vault. */
  readonly vaultUrl?: string
  readonly keyFile?: string
}

interface Running {
  readonly operatorKey?: string
  readonly processes?: readonly { readonly service: string; readonly url: string }[]
}

/**
 * Finds the system that the launcher runs, or takes what is told.
 * @throws Failure
 */
export async function findSystem({ data, identityUrl, vaultUrl, keyFile }: Whereabouts): Promise<System> {
  if (vaultUrl !== undefined) {
    const vaultUrls = urlsIn(vaultUrl, '--vault-url')
    if (!keyFile) throw new Failure('--vault-url needs --key-file, the file with the operator’s key.', 2)
    return { identityUrls: [], vaultUrls, keyFile }
  }
  const told = identityUrl === undefined ? undefined : urlsIn(identityUrl, '--identity-url')
  if (told && keyFile) return { identityUrls: told, keyFile }
  if (told) throw new Failure('--identity-url needs --key-file, the file with the operator’s key.', 2)
  const running = await readRunning(path.resolve(data))
  const urlsOf = (name: string) =>
    (running.processes ?? []).filter(({ service }) => service === name).map(({ url }) => url)
  const identityUrls = urlsOf('identity')
  if (identityUrls.length === 0) throw new Failure(`${data}/running.json names no identity service: restart Keybearer.`)
  return {
    identityUrls,
    vaultUrls: urlsOf('vault'),
    keyFile: keyFile ?? running.operatorKey ?? path.resolve(data, 'keys/operator.service-key.json'),
  }
}

function urlsIn(text: string, option: string): string[] {
  const urls = text.split(',').map((url) => url.trim().replace(/\/+$/, ''))
  const wrong = urls.some((url) => !/^https?:\/\//.test(url) || !URL.canParse(url))
  if (wrong) throw new Failure(`${option} must be a URL such as http://127.0.0.1:4001.`, 2)
  return urls
}

async function readRunning(data: string): Promise<Running> {
  const file = path.join(data, 'running.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') throw new Failure(`You may not read ${file}: use the account that Keybearer runs under.`)
    throw new Failure(
      `Keybearer does not run with its data in ${data}. Start it with \`npm start\`, or name the directory that it ` +
        'was started with: --data DIRECTORY.',
    )
  }
  try {
    return JSON.parse(text) as Running
  } catch {
    throw new Failure(`${file} is not JSON: restart Keybearer, which writes it anew.`)
  }
}

/** Who sits at the shell: stands in each event. Behind `sudo` it is the person, not the account that they took. */
export function operatorName(environment: NodeJS.ProcessEnv): string {
  const name = environment['SUDO_USER'] || userInfo().username
  return name.replace(/\p{C}/gu, '').slice(0, 64) || 'unknown'
}

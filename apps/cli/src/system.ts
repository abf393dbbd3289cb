import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { Failure } from './failure.js'

/** Who does what the operator asks for. */
export type Callee = 'identity' | 'vault'

/** Where the running system is, and the key that opens its operator's calls. */
export interface System {
  /** Base URLs of internal listeners, as far as they are known. */
  readonly urls: Readonly<Record<Callee, readonly string[]>>
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
  if (identityUrl !== undefined || vaultUrl !== undefined) {
    const urls = { identity: urlsIn(identityUrl, '--identity-url'), vault: urlsIn(vaultUrl, '--vault-url') }
    const option = vaultUrl === undefined ? '--identity-url' : '--vault-url'
    if (!keyFile) throw new Failure(`${option} needs --key-file, the file with the operator’s key.`, 2)
    return { urls, keyFile }
  }
  const running = await readRunning(path.resolve(data))
  const urlsOf = (name: Callee) =>
    (running.processes ?? []).filter(({ service }) => service === name).map(({ url }) => url)
  return {
    urls: { identity: urlsOf('identity'), vault: urlsOf('vault') },
    keyFile: keyFile ?? running.operatorKey ?? path.resolve(data, 'keys/operator.service-key.json'),
  }
}

function urlsIn(text: string | undefined, option: string): string[] {
  if (text === undefined) return []
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

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Whether a file system error says "there is no such file". */
const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** The text of a file without the white space around it, or `undefined` if there is no such file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Replaces a file in one step, readable by its owner only; a reader sees the old text or the new one, never a half. */
export function writeText(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(4).toString('hex')}.new`
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, file)
}

/** The JSON in a file that we wrote ourselves, or `undefined` if there is no such file. */
export function readJson<T>(file: string): T | undefined {
  const text = readText(file)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

export const writeJson = (file: string, value: unknown): void => writeText(file, `${JSON.stringify(value, null, 2)}\n`)

/** Secrets that two processes share; each is a file of one line in `DATA/demo/secrets`. */
export interface DemoSecrets {
  /** Keybearer's client secret at the OpenID provider. */
  readonly oidcClientSecret: string
  /** Keybearer's client secret at the vendor. */
  readonly vendorClientSecret: string
  /** Base64 of 32 bytes: `[Bootstrap] SecretKey`. */
  readonly bootstrapSecretKey: string
}

/**
 * The demo's secrets; those that do not exist yet are made.
 * @param marker put into each secret made, so that a search for it finds every one; letters and digits
 */
export function demoSecrets(data: string, marker = ''): DemoSecrets {
  const folder = join(data, 'demo', 'secrets')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  const secret = (name: string, make: () => string): string => {
    const file = join(folder, name)
    try {
      writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return readText(file) ?? ''
  }
  return {
    oidcClientSecret: secret('oidc-client-secret', () => marker + randomBytes(24).toString('base64url')),
    vendorClientSecret: secret('vendor-client-secret', () => marker + randomBytes(24).toString('base64url')),
    bootstrapSecretKey: secret('bootstrap-secret-key', () => randomBytes(32).toString('base64')),
  }
}

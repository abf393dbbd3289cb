import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'

/** Any access for the group or for others: too much for a secret. */
const TOO_OPEN = 0o077

/** Names the file and what is wrong with it, never what is in it. */
export class PrivateFileError extends Error {
  override readonly name = 'PrivateFileError'

  constructor(
    file: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file} ${problem}.`, options)
  }
}

/**
 * Reads a file that holds a secret.
 * @throws PrivateFileError when it is unreadable or open to others
 */
export function readPrivateFile(file: string): string {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    // The open file is asked, not the path, which could name another one by now.
    if ((fstatSync(descriptor).mode & TOO_OPEN) !== 0)
      throw new PrivateFileError(file, 'is open to others; its mode must be 0600')
    return readFileSync(descriptor, 'utf8')
  } catch (error) {
    if (error instanceof PrivateFileError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new PrivateFileError(file, `cannot be read (${code})`, { cause: error })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

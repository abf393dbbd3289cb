import { DomainError } from '#libs/contracts'
import { APP_MODES, type AppMode } from '../content/app-mode.js'
import type { Manifest } from '../content/belongings.js'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const CATEGORY = /^[\w -]{1,64}$/
const VERSION = /^[\w.+~-]{1,64}$/

/**
 * What matters here of a bundle's `manifest.json`.
 * @throws DomainError `bundle.manifest_invalid`
 */
export function manifestOf(bytes: Buffer): Manifest {
  let given: unknown
  try {
    given = JSON.parse(UTF8.decode(bytes))
  } catch {
    // The parser's message quotes the file, so it is no cause.
    throw manifestInvalid('The manifest.json of the bundle is not valid JSON.')
  }
  const metadata = member(given, 'metadata')
  const appMode = member(metadata, 'appmode')
  if (typeof appMode !== 'string') throw manifestInvalid('The manifest.json of the bundle has no metadata.appmode.')
  if (!isAppMode(appMode)) {
    throw manifestInvalid('The metadata.appmode in the manifest.json of the bundle is not one that is known.')
  }
  return {
    appMode,
    contentCategory: matching(CATEGORY, member(metadata, 'content_category')) ?? '',
    rVersion: matching(VERSION, member(given, 'platform')),
    pyVersion: matching(VERSION, member(member(given, 'python'), 'version')),
    quartoVersion: matching(VERSION, member(member(given, 'quarto'), 'version')),
  }
}

export const manifestInvalid = (message: string): DomainError =>
  new DomainError('invalid', 'bundle.manifest_invalid', message)

const isAppMode = (text: string): text is AppMode => text !== 'unknown' && (APP_MODES as string[]).includes(text)

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

const matching = (pattern: RegExp, value: unknown): string | null =>
  typeof value === 'string' && pattern.test(value) ? value : null

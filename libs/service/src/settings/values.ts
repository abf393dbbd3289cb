import { Secret } from '#libs/contracts'
import type { SettingKind } from './setting.js'

export type Reading = { readonly value: unknown } | { readonly problem: string }

/** Milliseconds of each unit, as Go's `time.ParseDuration` names them. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/

/** Turns the text of a setting into its value. */
export function readSetting(kind: SettingKind, text: string): Reading {
  switch (kind) {
    case 'string':
      return { value: text }
    case 'secret':
      return text === '' ? { problem: 'is empty' } : { value: new Secret(text) }
    case 'bool':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : { problem: 'must be true or false' }
    case 'int':
      return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))
        ? { value: Number(text) }
        : { problem: 'must be a whole number' }
    case 'decimal':
      return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)
        ? { value: Number(text) }
        : { problem: 'must be a number such as 3 or 0.25' }
    case 'duration':
      return readDuration(text)
    case 'size':
      return readSize(text)
  }
}

/** Bytes of each unit, by its name in lower case. */
const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** A bare number is bytes. */
function readSize(text: string): Reading {
  const [, number, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,9})?) ?([kmgt]?i?b)?$/i.exec(text) ?? []
  const bytes = Number(number) * (BYTES[unit.toLowerCase()] ?? NaN)
  return Number.isSafeInteger(bytes) ? { value: bytes } : { problem: 'must be a size such as 1024, 5 MB or 5 KiB' }
}

/** A bare number is nanoseconds, as in Go. */
function readDuration(text: string): Reading {
  if (/^\d+$/.test(text)) return { value: Number(text) * UNITS.ns! }
  if (!DURATION.test(text)) return { problem: 'must be a duration such as 500ms, 20s, 5m or 1h30m' }
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)
  return { value: [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0) }
}

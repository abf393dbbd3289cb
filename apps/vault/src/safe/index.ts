export { Keyring, KeyringError, type KeySource } from './keyring.js'
export { SAFE_SCHEMA_SQL, Safe } from './safe.js'
export { parsePlace, placeName, SafeError, type Place } from './seal.js'

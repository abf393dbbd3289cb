export { freePort } from '../../../apps/launcher/src/ports.js'
export * from './database.js'
export * from './eventually.js'
export * from './jet-stream.js'

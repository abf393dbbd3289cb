// `npm run prove -- NAME`: what takes too long for every `npm test`. Writes docs/reports/NAME.md.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist/apps/e2e/src/prove')
const names = readdirSync(folder).flatMap((file) => /^([\w-]+)\.js$/.exec(file)?.[1] ?? [])
const [name] = process.argv.splice(2, 1)
if (!names.includes(name)) {
  console.error(`usage: npm run prove -- ${names.join('|')}`)
  process.exit(1)
}
await import(pathToFileURL(path.join(folder, `${name}.js`)).href)

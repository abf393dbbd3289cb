// `npm run requirements [-- --check]`: each requirement of docs/requirements.md with the tests whose names begin with its
// number. Fails when one of a section that is not in the list "Not yet" has no test, or a test names a number that is not there.
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'

const NUMBER = /[A-Z]+-\d+[a-z]?/
const NAME = new RegExp(String.raw`(['"\`])((?:${NUMBER.source}[ ,]+)+)((?:(?!\1).)*)`, 'g')

const page = readFileSync('docs/requirements.md', 'utf8')
const wanted = [...page.matchAll(/^- ([A-Z]+-\d+[a-z]?): /gm)].map(([, number]) => number)
const later = new Set([...page.matchAll(/^- ([A-Z]+): /gm)].map(([, section]) => section))
const sections = new Set(wanted.map(sectionOf))

const tests = new Map(wanted.map((number) => [number, []]))
const unknown = []
for await (const file of glob('{apps,libs}/**/*.spec.ts', { exclude: (name) => name.includes('node_modules') })) {
  for (const [, , numbers, rest] of readFileSync(file, 'utf8').matchAll(NAME)) {
    for (const number of numbers.match(new RegExp(NUMBER, 'g'))) {
      if (tests.has(number)) tests.get(number).push(`${file}: ${rest}`)
      else if (sections.has(sectionOf(number))) unknown.push(`${number} (${file})`)
    }
  }
}

const missing = wanted.filter((number) => tests.get(number).length === 0)
const faults = missing.filter((number) => !later.has(sectionOf(number)))
if (!process.argv.includes('--check')) {
  for (const [number, names] of tests) {
    if (names.length > 0) console.log([number, ...names.map((name) => `  ${name}`)].join('\n'))
    else if (!later.has(sectionOf(number))) console.log(`${number}\n  no test`)
  }
  console.log('')
}
console.log(`${wanted.length - missing.length} of ${wanted.length} requirements have tests`)
if (later.size > 0) console.log(`still to come: ${[...later].map(describe).join(', ')}`)
if (faults.length > 0) console.log(`without a test: ${faults.join(', ')}`)
if (unknown.length > 0) console.log(`no such requirement: ${unknown.join(', ')}`)
process.exit(faults.length + unknown.length > 0 ? 1 : 0)

function sectionOf(number) {
  return number.split('-')[0]
}

function describe(section) {
  const all = wanted.filter((number) => sectionOf(number) === section)
  return `${section} (${all.filter((number) => tests.get(number).length > 0).length} of ${all.length})`
}

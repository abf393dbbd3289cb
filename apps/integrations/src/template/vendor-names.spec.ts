import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../../../..')
const NAMES = [
  ...['azure', 'entra', 'microsoft', 'sharepoint', 'msgraph', 'google', 'bigquery', 'vertex', 'github', 'databricks'],
  ...['snowflake', 'salesforce', 'amazon', 'aws', 'gitHub', 'bigQuery', 'sharePoint', 'msGraph'],
]
/** In small letters, capitals, or as a part of a name in camel case; but not inside of another word, as in `draws`. */
const VENDOR = new RegExp(
  NAMES.flatMap((name) => {
    const capital = name[0]!.toUpperCase()
    return [`(?<![A-Za-z])${name}(?![a-z])`, `${capital}${name.slice(1)}(?![a-z])`, name.toUpperCase()]
  }).join('|'),
  'g',
)

/** Where a vendor's name is part of something that other people have named, and why. */
const EXCEPTIONS: readonly { readonly where: RegExp; readonly names: RegExp; readonly why: string }[] = [
  { where: /^apps\/integrations\/src\/template\//, names: /./, why: 'this is where vendors live' },
  {
    where: /^apps\/identity\/src\//,
    names: /^(google|entra|microsoft|azure)$/i,
    why: 'logins at Google and Entra differ from the standard; vendor-addresses.ts has their addresses',
  },
  {
    where: /^libs\/service\/src\/settings\//,
    names: /^(google|entra|microsoft|azure|databricks|aws)$/i,
    why: 'settings of those logins, and of who keeps the master key, say in words what they do with whom',
  },
  {
    where: /^libs\/contracts\/src\/(token|integration\.contract)\.ts$/,
    names: /^aws$/i,
    why: 'the name of a token type in the public API (RFC 8693 §3)',
  },
  {
    where: /^apps\/vault\/src\/safe\//,
    names: /^(aws|azure|google)$/i,
    why: 'services that keep the master key are clients of their own, chosen by name in the settings',
  },
  { where: /^scripts\/docs\.mjs$/, names: /./, why: 'it writes pages about vendors' },
  {
    where: /^scripts\/guards\.table\.mjs$/,
    names: /./,
    why: 'it names the files of guards, and of what guards templates',
  },
]

/** What tries the house out may name whom it plays. */
const TESTS = /\.(spec|fixture|conformance|check)\.ts$|^apps\/e2e\/|^libs\/testing\//

const sources = ['apps', 'libs', 'scripts']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  )
  .filter((file) => /\.(ts|mjs|cjs)$/.test(file) && !TESTS.test(file))

const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
const found = sources.flatMap((file) =>
  [...code(readFileSync(path.join(ROOT, file), 'utf8')).matchAll(VENDOR)].map(([name]) => ({ file, name })),
)
const excepted = ({ file, name }: { file: string; name: string }) =>
  EXCEPTIONS.filter(({ where, names }) => where.test(file) && names.test(name))

describe('a vendor’s name in code, comments aside', () => {
  it('is in template/ and where the exceptions say, nowhere else', () => {
    expect(sources.length).toBeGreaterThan(200)
    expect(found.filter((one) => excepted(one).length === 0)).toEqual([])
  })

  it.each(EXCEPTIONS.map(({ where, why }) => [why, where] as const))(
    'is excepted where there is code: %s',
    (_why, where) => {
      expect(sources.some((file) => where.test(file))).toBe(true)
    },
  )

  it('is seen where it is, and not in a comment', () => {
    const names = (text: string) => code(text).match(VENDOR)
    expect(names("const host = 'https://accounts.google.com' // and so on")).toEqual(['google'])
    expect(names("isGoogle, awsCredentials, GITHUB, 'azure-openai'")).toEqual(['Google', 'aws', 'GITHUB', 'azure'])
    expect(names('/** @see https://docs.github.com */\n// Databricks\nentrance(); flawsOf(central)')).toBeNull()
  })
})

import { FakeVendor, type Received } from './vendor.fixture.js'

/** Somebody in a Workspace directory. */
export interface Listed {
  /** Also the `sub` of the person's logins. */
  readonly id: string
  readonly email: string
  readonly givenName: string
  readonly familyName: string
  /** The whole entry, as the API would give it, in the place of the usual one. */
  readonly raw?: object
}

const READABLE = new Set(['names', 'emailAddresses', 'metadata', 'photos', 'organizations'])
const SOURCES = new Set(['DIRECTORY_SOURCE_TYPE_DOMAIN_PROFILE', 'DIRECTORY_SOURCE_TYPE_DOMAIN_CONTACT'])

/**
 * Google's People API, as far as the search in a directory: each token sees the directory of its own domain.
 * @see https://developers.google.com/people/api/rest/v1/people/searchDirectoryPeople
 */
export class FakePeopleApi extends FakeVendor {
  /** By access token. Others are unknown, unless there is a directory for everybody. */
  readonly directories = new Map<string, readonly Listed[]>()
  everybodys: readonly Listed[] | undefined

  override reset(): void {
    super.reset()
    this.directories.clear()
    this.everybodys = undefined
  }

  protected answer({ method, path, query, token }: Received) {
    if (method !== 'GET' || path !== '/v1/people:searchDirectoryPeople') return error(404, 'NOT_FOUND')
    const directory = this.directories.get(token ?? '') ?? (token ? this.everybodys : undefined)
    if (!directory) return error(401, 'UNAUTHENTICATED')
    const readMask = (query.get('readMask') ?? '').split(',')
    const sources = query.getAll('sources')
    const pageSize = Number(query.get('pageSize') ?? 100)
    const isValid =
      query.has('query') &&
      readMask.every((field) => READABLE.has(field)) &&
      sources.length > 0 &&
      sources.every((source) => SOURCES.has(source)) &&
      Number.isInteger(pageSize) &&
      pageSize >= 0 &&
      pageSize <= 500
    if (!isValid) return error(400, 'INVALID_ARGUMENT')
    const prefix = query.get('query')!.toLowerCase()
    const found = directory.filter(({ email, givenName, familyName }) =>
      [email, givenName, familyName, `${givenName} ${familyName}`].some((text) =>
        text.toLowerCase().startsWith(prefix),
      ),
    )
    const people = found.slice(0, pageSize || 100).map((person) => person.raw ?? entry(person, readMask))
    const more = found.length > people.length ? { nextPageToken: 'next' } : {}
    return { status: 200, body: found.length > 0 ? { people, totalSize: found.length, ...more } : {} }
  }
}

function entry({ id, email, givenName, familyName }: Listed, readMask: readonly string[]): object {
  const source = { type: 'PROFILE', id }
  const metadata = { primary: true, verified: true, source }
  const displayName = `${givenName} ${familyName}`
  const has = (field: string, value: object) => (readMask.includes(field) ? { [field]: value } : {})
  return {
    resourceName: `people/${id}`,
    etag: '%EgUBAi43PRoEAQIFByIM',
    ...has('metadata', {
      sources: [
        { ...source, etag: '#1' },
        { type: 'DOMAIN_PROFILE', id },
      ],
      objectType: 'PERSON',
    }),
    ...has('names', [{ metadata, displayName, givenName, familyName, unstructuredName: displayName }]),
    ...has('emailAddresses', [{ metadata: { ...metadata, sourcePrimary: true }, value: email }]),
  }
}

const error = (code: number, status: string) => ({ status: code, body: { error: { code, status, message: 'no' } } })

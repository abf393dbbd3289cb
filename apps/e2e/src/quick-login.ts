import { request, type Agent } from 'undici'
import type { LoginProvider, Person } from './login-provider.js'

/** Where a login ended: `cookie` is the session's, absent when there is none. */
export interface QuickLogin {
  readonly status: number
  readonly location: string
  readonly cookie?: string
}

/**
 * A login as a browser goes through it, without pages: from /__login__ to the provider and back.
 * @throws Error of the connection when the server goes away meanwhile
 */
export async function quickLogin(
  address: string,
  provider: LoginProvider,
  person: Person,
  dispatcher?: Agent,
): Promise<QuickLogin> {
  const began = await request(`${address}/__login__`, { dispatcher })
  await began.body.dump()
  const location = one(began.headers['location'])
  if (began.statusCode !== 302 || !location) return { status: began.statusCode, location: '' }
  const cookie = cookies(began.headers['set-cookie']).join('; ')
  const ended = await request(provider.authorize(location, person), { dispatcher, headers: { cookie } })
  await ended.body.dump()
  const session = cookies(ended.headers['set-cookie']).find((each) => /session=[\w-]{20,}$/i.test(each))
  return { status: ended.statusCode, location: one(ended.headers['location']) ?? '', cookie: session }
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)

/** `name=value` of each. */
const cookies = (header: string | string[] | undefined): string[] =>
  [header ?? []].flat().map((each) => each.split(';')[0] ?? '')

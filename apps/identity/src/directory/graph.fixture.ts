import { FakeVendor, type Received } from './vendor.fixture.js'

/**
 * Microsoft Graph, as far as groups of whoever asks.
 * @see https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects
 */
export class FakeGraph extends FakeVendor {
  /** IDs of the groups of the person behind each access token; absent: for every token, `everybodys`. */
  readonly groups = new Map<string, readonly string[]>()
  everybodys: readonly string[] | undefined

  protected answer({ method, path, token, headers, body }: Received) {
    if (method !== 'POST' || path !== '/v1.0/me/getMemberObjects') return error(404, 'Request_ResourceNotFound')
    if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return error(400, 'BadRequest')
    if (!isQuestion(body)) return error(400, 'Request_BadRequest')
    const value = this.groups.get(token ?? '') ?? (token ? this.everybodys : undefined)
    if (!value) return error(401, 'InvalidAuthenticationToken')
    return {
      status: 200,
      body: { '@odata.context': `${this.url}/v1.0/$metadata#Collection(Edm.String)`, value },
    }
  }
}

const error = (status: number, code: string) => ({ status, body: { error: { code, message: 'no' } } })

function isQuestion(body: string): boolean {
  try {
    return typeof (JSON.parse(body) as { securityEnabledOnly?: unknown }).securityEnabledOnly === 'boolean'
  } catch {
    return false
  }
}

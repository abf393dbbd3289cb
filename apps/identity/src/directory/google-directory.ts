import { Inject, Injectable } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { Outbound, OutboundError } from '#libs/oauth'
import { VENDOR_ADDRESSES, type VendorAddresses } from '../login/vendor-addresses.js'
import { directoryPeople, type DirectoryPerson } from './directory-person.js'

const DEADLINE_MS = 4_000
/** So many fit into an answer of the guarded client, whatever their addresses and names. */
const PAGE_SIZE = 50

/** The directory gave no answer; `token`: it does not take the searcher's token (any more). Names nobody and nothing. */
export class DirectoryError extends Error {
  constructor(
    readonly reason: 'token' | 'unavailable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'DirectoryError'
  }
}

/** The directory of a Google Workspace domain, as whoever searches may see it. Nothing of it is kept. */
@Injectable()
export class GoogleDirectory {
  constructor(
    private readonly outbound: Outbound,
    @Inject(VENDOR_ADDRESSES) private readonly vendors: VendorAddresses,
  ) {}

  /**
   * People of the token's own domain; those whom the directory does not identify are left out.
   * @param prefix of names and addresses, not blank
   * @throws DirectoryError
   * @see https://developers.google.com/people/api/rest/v1/people/searchDirectoryPeople
   */
  async search(prefix: string, token: Secret): Promise<DirectoryPerson[]> {
    const query = new URLSearchParams({
      query: prefix,
      readMask: 'names,emailAddresses,metadata',
      sources: 'DIRECTORY_SOURCE_TYPE_DOMAIN_PROFILE',
      pageSize: String(PAGE_SIZE),
    })
    const { status, body } = await this.#ask(`${this.vendors.people}/v1/people:searchDirectoryPeople?${query}`, token)
    if (status === 401) throw new DirectoryError('token', 'the directory does not take the token')
    // 403 also to personal accounts, which have no directory, and where an administrator of the domain has closed it.
    if (status !== 200) throw new DirectoryError('unavailable', `the directory answers ${status}`)
    const people = directoryPeople(body)
    if (!people) throw new DirectoryError('unavailable', 'the directory’s answer cannot be read')
    return people
  }

  async #ask(url: string, token: Secret): Promise<{ status: number; body: Buffer }> {
    try {
      return await this.outbound.request({
        url,
        headers: { accept: 'application/json', authorization: `Bearer ${token.reveal()}` },
        deadlineMs: DEADLINE_MS,
      })
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      throw new DirectoryError('unavailable', `the directory does not answer: ${error.reason}`, { cause: error })
    }
  }
}

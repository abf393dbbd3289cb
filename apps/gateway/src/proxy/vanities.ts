import type { ServerResponse } from 'node:http'
import type { Arrival } from '../door/arrival.js'
import type { House } from '../replica/house.js'

/** Shows the way from the paths that content has been given to its own, which stays the only one that it is shown at. */
export class Vanities {
  /** @param prefix the path of `Server.Address`, without a trailing slash */
  constructor(
    private readonly house: Pick<House, 'vanity'>,
    private readonly prefix: string,
  ) {}

  /**
   * The same request again at the content's own path, body and method included.
   * @returns whether the path is of any content; who may see it is asked there
   * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.4.8
   */
  redirect({ path, query, request }: Arrival, response: ServerResponse): boolean {
    const place = this.house.vanity(path)
    if (!place) return false
    response.writeHead(307, {
      Location: `${this.prefix}/content/${place.guid}${place.rest || '/'}${query}`,
      'Cache-Control': 'no-store',
      'Content-Length': 0,
      ...(!request.complete && { Connection: 'close' }),
    })
    response.end()
    return true
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ContentState, mayView } from '#libs/contracts'
import { type Callers, visitorOf } from '../auth/callers.js'
import type { Arrival } from '../door/arrival.js'
import { loginPath } from '../door/return-path.js'
import type { House } from '../replica/house.js'
import { html, type Html, type Pages } from './page.js'

const MOST = 200

/** The start page: what this is, who is logged in, and what they may open. */
export class Landing {
  /** @param prefix the path of `Server.Address` */
  constructor(
    private readonly pages: Pages,
    private readonly house: House,
    private readonly callers: Callers,
    private readonly prefix: string,
  ) {}

  async serve(arrival: Arrival, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const visitor = await this.callers.visitor(arrival)
    const facts = visitor && visitorOf(visitor)
    const visible: ContentState[] = []
    for (const content of this.house.contents()) if (mayView(content, facts)) visible.push(content)
    visible.sort((a, b) => a.name.localeCompare(b.name))

    const body = html`<p>Short-lived access tokens for hosted apps, as the person looking at them.</p>
      ${visitor ? this.#greeting(visitor.user) : this.#invitation()} ${this.#list(visible, visitor !== undefined)}
      <p>
        <small><a href="${this.prefix}/__docs__">API documentation</a></small>
      </p>`
    this.pages.send(request, response, 200, 'Keybearer', body)
  }

  #greeting({
    username,
    first_name,
    last_name,
    user_role,
  }: {
    username: string
    first_name: string
    last_name: string
    user_role: string
  }): Html {
    return html`<p>You are <strong>${`${first_name} ${last_name}`.trim() || username}</strong> (${username}, ${user_role}).
<form action="${this.prefix}/__logout__"><button>Log out</button></form></p>`
  }

  #invitation(): Html {
    return html`<p>You are not logged in. <a href="${this.prefix}${loginPath('/')}">Log in</a></p>`
  }

  #list(visible: readonly ContentState[], isKnown: boolean): Html {
    if (visible.length === 0) {
      return isKnown
        ? html`<p>There is no content that you may open yet.</p>`
        : html`<p>There is no content that is open to everybody.</p>`
    }
    const items = visible
      .slice(0, MOST)
      .map(({ guid, name }) => html`<li><a href="${this.prefix}/content/${guid}/">${name}</a></li>`)
    const rest = visible.length - items.length
    return html`<h2>Content</h2>
      <ul>
        ${items}
      </ul>
      ${rest > 0 ? html`<p>and ${rest} more.</p>` : undefined}`
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ContentState, mayView, type UserState } from '#libs/contracts'
import { html, type Html } from '#libs/service'
import { type Callers, visitorOf } from '../auth/callers.js'
import type { Arrival } from '../door/arrival.js'
import { loginPath } from '../door/return-path.js'
import type { House } from '../replica/house.js'
import type { Pages } from './page.js'

const MOST = 200
const BY_NAME = new Intl.Collator('en')

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
    const visible = [...this.house.contents()].filter((content) => mayView(content, facts))
    visible.sort((a, b) => BY_NAME.compare(a.name, b.name))

    const body = html`<p>Short-lived access tokens for hosted apps, as the person looking at them.</p>
      ${visitor ? this.#greeting(visitor.user) : this.#invitation()} ${this.#list(visible, visitor !== undefined)}
      <p><a href="${this.prefix}/__docs__">API documentation</a></p>`
    this.pages.send(request, response, 200, { title: 'Keybearer', body })
  }

  #greeting({ username, first_name, last_name, user_role }: UserState): Html {
    const name = `${first_name} ${last_name}`.trim() || username
    return html`<p>You are <strong>${name}</strong> (${username}, ${user_role}).</p>
      <p><a class="button" href="${this.prefix}/__logout__">Log out</a></p>`
  }

  #invitation(): Html {
    return html`<p><a class="button" href="${this.prefix}${loginPath('/')}">Log in</a></p>`
  }

  #list(visible: readonly ContentState[], isKnown: boolean): Html {
    if (visible.length === 0) {
      return isKnown
        ? html`<p>There is no content that you may open yet. Its owners can give you access.</p>`
        : html`<p>What you may open is shown here once you are logged in; nothing is open to everybody.</p>`
    }
    const items = visible
      .slice(0, MOST)
      .map(({ guid, name }) => html`<li><a href="${this.prefix}/content/${guid}/">${name}</a></li>`)
    const rest = visible.length - items.length
    return html`<h2>${isKnown ? 'Content' : 'Content that is open to everybody'}</h2>
      <ul>
        ${items}
      </ul>
      ${rest > 0 ? html`<p>and ${rest} more.</p>` : undefined}`
  }
}

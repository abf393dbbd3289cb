import { STATUS_CODES } from 'node:http'
import { html } from './html.js'
import { htmlPage } from './page.js'

const TITLES: Readonly<Record<number, string>> = {
  400: 'This request cannot be understood',
  401: 'Please log in',
  403: 'You may not see this',
  404: 'There is nothing here',
  429: 'Too many attempts',
  500: 'Something went wrong',
  502: 'The app does not answer',
  503: 'Not available at the moment',
  504: 'That took too long',
}

/** A request that was refused, and what its sender may be told. */
export interface RefusedVisit {
  readonly method?: string
  readonly status: number
  readonly message: string
  /** The start page, path or URL. */
  readonly home: string
  readonly correlationId: string
}

/** What people see where programs get a JSON error. */
export function refusalPage({ method, status, message, home, correlationId }: RefusedVisit): string {
  const mayPass = status === 429 || status >= 500
  const text =
    status === 500 ? 'This is a fault of the server, not yours; an administrator can find it in the log.' : message
  const way =
    method === 'GET' && mayPass
      ? html`<a class="button" href="">Try again</a>`
      : html`<a class="button" href="${home}">To the start page</a>`
  const body = html`<p>${text}</p>
    <p>${way}</p>
    <p><small>If you ask somebody for help, tell them this number: ${correlationId}</small></p>`
  return htmlPage({ title: TITLES[status] ?? STATUS_CODES[status] ?? 'Refused', body, home })
}

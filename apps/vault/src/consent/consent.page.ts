import { html, htmlPage } from '#libs/service'

/** A page for somebody whose consent did not come about: what happened, and who can mend it. */
export interface ConsentPage {
  readonly status: 400 | 401 | 403 | 404 | 409 | 503
  readonly title: string
  readonly text: string
  /** A way on, path or URL of our own; without it, the start page. */
  readonly link?: Link
  /** A second one, less likely wanted. */
  readonly other?: Link
}

interface Link {
  readonly href: string
  readonly label: string
}

/** @param home the start page's URL */
export function renderPage({ title, text, link, other }: ConsentPage, home: string): string {
  const { href, label } = link ?? { href: home, label: 'To the start page' }
  const body = html`<p>${text}</p>
    <p><a class="button" href="${href}">${label}</a></p>
    ${other ? html`<p><a href="${other.href}">${other.label}</a></p>` : undefined}`
  return htmlPage({ title, body, home })
}

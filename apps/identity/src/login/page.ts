import { html, htmlPage } from '#libs/service'

/** A page that says what did not work and who can mend it. */
export function loginPage(title: string, message: string, { again, home }: { again: string; home: string }): string {
  const body = html`<p>${message}</p>
    <p><a class="button" href="${again}">Try again</a></p>`
  return htmlPage({ title, body, home })
}

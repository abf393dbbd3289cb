/** A page for somebody whose consent did not come about: what happened, and who can mend it. */
export interface ConsentPage {
  readonly status: 400 | 401 | 403 | 404 | 503
  readonly title: string
  readonly text: string
  /** A way on; a path or URL of our own. */
  readonly link?: { readonly href: string; readonly label: string }
}

/** Nothing runs and nothing is loaded on it, and nobody frames it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

export function renderPage({ title, text, link }: ConsentPage): string {
  const way = link ? `\n<p><a href="${escaped(link.href)}">${escaped(link.label)}</a></p>` : ''
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>${way}
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

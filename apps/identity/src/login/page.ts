const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const text = (value: string): string => value.replace(/[&<>"']/g, (character) => ESCAPES[character]!)

/** Neither script, style, frame nor request to anywhere. */
export const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A page that says what did not work and who can mend it. */
export const page = (title: string, message: string, again: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title>
<h1>${text(title)}</h1>
<p>${text(message)}</p>
<p><a href="${text(again)}">Try again</a></p>
</html>
`

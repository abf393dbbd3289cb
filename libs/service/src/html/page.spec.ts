import { createHash } from 'node:crypto'
import { html } from './html.js'
import { htmlPage, PAGE_DIRECTIVES, PAGE_HEADERS } from './page.js'
import { refusalPage } from './refusal-page.js'

const HOME = 'https://keybearer.example.org/'

describe('the pages of the house', () => {
  it('D25 take no markup and no bidi control from anybody', () => {
    expect(html`<p>${'a\u202eb<"&\'>'}</p>`.text).toBe('<p>ab&#60;&#34;&#38;&#39;&#62;</p>')
    const page = htmlPage({ title: '<b>', body: html`<p>${'<i>'}</p>`, home: '/"><script>' })
    expect(page).not.toMatch(/<b>|<i>|<script>/)
  })

  it('have the one style that their policy permits, to the byte', () => {
    const [, style] = /<style>([^]*)<\/style>/.exec(htmlPage({ title: 'Hello', body: html`` }))!
    const hash = createHash('sha256').update(style!).digest('base64')
    expect(PAGE_DIRECTIVES['style-src']).toEqual([`'sha256-${hash}'`])
    expect(PAGE_HEADERS['Content-Security-Policy']).toContain(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action`,
    )
  })

  it('have a language, a title and a way home', () => {
    const page = htmlPage({ title: 'Hello', body: html``, home: HOME })
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en"/)
    expect(page).toContain('<title>Hello · Keybearer</title>')
    expect(page).toContain(`<a href="${HOME}">Keybearer</a>`)
    expect(htmlPage({ title: 'Keybearer', body: html`` })).not.toContain('<header>')
  })
})

describe('the page of a refusal', () => {
  const refusal = {
    method: 'GET',
    status: 403,
    message: 'Its owner can give it to you.',
    home: HOME,
    correlationId: 'c-1',
  }

  it('says who can mend it, leads home and tells the number to ask with', () => {
    const page = refusalPage(refusal)
    expect(page).toContain('<h1>You may not see this</h1>')
    expect(page).toContain('Its owner can give it to you.')
    expect(page).toContain('To the start page')
    expect(page).toContain('c-1')
  })

  it('offers to try again what may pass, unless something was sent', () => {
    expect(refusalPage({ ...refusal, status: 503 })).toContain('href="">Try again')
    expect(refusalPage({ ...refusal, status: 503, method: 'POST' })).not.toContain('Try again')
    expect(refusalPage(refusal)).not.toContain('Try again')
  })

  it('keeps the words of a bug to the log', () => {
    expect(refusalPage({ ...refusal, status: 500, message: 'Internal failure' })).toContain(
      'a fault of the server, not yours',
    )
  })
})

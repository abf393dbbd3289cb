import { renderPage } from './consent.page.js'

describe('the consent page', () => {
  it('escapes whatever it is given', () => {
    const html = renderPage({
      status: 400,
      title: '<script>alert(1)</script>',
      text: `"quoted" & 'single'`,
      link: { href: '/x?a="b"&c=<d>', label: 'Try again' },
    })
    expect(html).not.toContain('<script>')
    expect(html).toContain('&quot;quoted&quot; &amp; &#39;single&#39;')
    expect(html).toContain('href="/x?a=&quot;b&quot;&amp;c=&lt;d&gt;"')
  })
})

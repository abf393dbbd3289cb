import { renderPage } from './consent.page.js'

describe('the consent page', () => {
  it('escapes whatever it is given', () => {
    const text = renderPage(
      {
        status: 400,
        title: '<script>alert(1)</script>',
        text: `"quoted" & 'single'`,
        link: { href: '/x?a="b"&c=<d>', label: 'Try again' },
      },
      'https://keybearer.example.org/',
    )
    expect(text).not.toContain('<script>')
    expect(text).toContain('&#34;quoted&#34; &#38; &#39;single&#39;')
    expect(text).toContain('href="/x?a=&#34;b&#34;&#38;c=&#60;d&#62;"')
  })

  it('leads to the start page when there is no other way on', () => {
    const text = renderPage({ status: 400, title: 'No', text: 'No.' }, 'https://keybearer.example.org/')
    expect(text).toContain('href="https://keybearer.example.org/">To the start page')
  })
})

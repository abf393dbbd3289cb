import { searchTermsOf } from './search-terms.js'

const word = (word: string, not = false) => ({ not, kind: 'word', word })

describe('a search of content', () => {
  it.each<[string, object[]]>([
    ['', []],
    ['sales north', [word('sales'), word('north')]],
    ['sales-2026.q1', [word('sales'), word('2026'), word('q1')]],
    ['-draft', [word('draft', true)]],
    ['"two words"', [word('two'), word('words')]],
    ['https://x.example/a', [word('https'), word('x'), word('example'), word('a')]],
    [
      'owner:priya -owner:@me',
      [
        { not: false, kind: 'owner', value: 'priya' },
        { not: true, kind: 'owner', value: '@me' },
      ],
    ],
    ['TAG:"north west"', [{ not: false, kind: 'tag', value: 'north west' }]],
    [
      'type:shiny is:locked',
      [
        { not: false, kind: 'type', value: 'shiny' },
        { not: false, kind: 'locked' },
      ],
    ],
    ["it's & | ! <-> 'a':* \\", [word('it'), word('s'), word('a')]],
    ['größe 名前', [word('größe'), word('名前')]],
    ['owner: tag:""', [word('owner')]],
  ])('%j asks for %j', (text, terms) => {
    expect(searchTermsOf(text)).toEqual(terms)
  })

  it.each(['type:canary', 'is:canary', Array(33).fill('x').join(' ')])('cannot be %j', (text) => {
    expect(() => searchTermsOf(text)).toThrow(expect.objectContaining({ code: 'request.parameter_invalid' }))
  })

  it('H10 reads 100 kB of anything in a moment', () => {
    for (const piece of ['-', '"', 'owner:', 'a-', ' ']) {
      const begun = performance.now()
      try {
        searchTermsOf(piece.repeat(100_000 / piece.length))
      } catch {
        // Too many terms is an answer too.
      }
      expect(performance.now() - begun).toBeLessThan(250)
    }
  })
})

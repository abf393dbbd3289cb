import { parseGcfg } from './gcfg.js'

const values = (text: string) =>
  parseGcfg(text).entries.map(({ section, name, value }) => `${section}.${name}=${value}`)
const faults = (text: string) => parseGcfg(text).faults.map(({ line, problem }) => `${line}: ${problem}`)

describe('reading a settings file', () => {
  it('CFG-01 reads sections and settings', () => {
    expect(values('[Authentication]\nProvider = oauth2\n\n[Server]\nAddress=https://a.example')).toEqual([
      'Authentication.Provider=oauth2',
      'Server.Address=https://a.example',
    ])
  })

  it.each([
    ['; comment', '[A]\n; B = c\nD = e', ['A.D=e']],
    ['# comment', '[A]\n  # B = c\nD = e', ['A.D=e']],
    ['comment behind a bare value', '[A]\nB = c ; d\nE = f # g', ['A.B=c', 'A.E=f']],
    ['comment behind a quoted value', '[A]\nB = "c"; d\nE = "f" # g', ['A.B=c', 'A.E=f']],
    ['comment behind a header', '[A] ; b\nC = d', ['A.C=d']],
    ['marks inside quotes', '[A]\nB = "c ; d # e"', ['A.B=c ; d # e']],
    ['mark without space before it', '[A]\nB = s3cr#t;x', ['A.B=s3cr#t;x']],
  ])('CFG-02 takes a %s for what it is', (_, text, expected) => {
    expect(values(text)).toEqual(expected)
    expect(faults(text)).toEqual([])
  })

  it.each([
    ['quoted', 'B = "c d"', 'c d'],
    ['bare with spaces inside', 'B = c  d   ', 'c  d'],
    ['empty in quotes', 'B = ""', ''],
    ['a quote inside', String.raw`B = "c\"d"`, 'c"d'],
    ['a backslash inside', String.raw`B = "c\\d"`, 'c\\d'],
    ['spaces in quotes', 'B = "  c "', '  c '],
    ['equals signs', 'B = c=d==', 'c=d=='],
  ])('CFG-03 resolves a value that is %s', (_, line, value) => {
    expect(parseGcfg(`[A]\r\n${line}\r\n`).entries).toEqual([
      { section: 'A', subsection: '', name: 'B', value, line: 2 },
    ])
  })

  it('CFG-05 keeps every line of a repeated setting, and sections that come again', () => {
    expect(values('[A]\nB = 1\nB = 2\n[C]\nD = 3\n[A]\nB = 4')).toEqual(['A.B=1', 'A.B=2', 'C.D=3', 'A.B=4'])
  })

  it('reads the name of a named section', () => {
    expect(parseGcfg('[Repository "CRAN \\"x\\""]\nURL = u').entries).toMatchObject([
      { section: 'Repository', subsection: 'CRAN "x"', name: 'URL' },
    ])
  })

  it.each([
    ['a broken header', '[A\nB = c', '1: is not a section header of the form [Name] or [Name "name"]'],
    ['no equals sign', '[A]\nB', '2: is not of the form Name = value'],
    ['no value', '[A]\nB =', '2: has no value; an empty one is written ""'],
    ['only a comment for a value', '[A]\nB = ; c', '2: has no value; an empty one is written ""'],
    ['an open quote', '[A]\nB = "c', '2: has a quote that is not closed'],
    ['an unknown escape', '[A]\nB = "c\\x"', '2: has a backslash that is not part of \\" \\\\ \\n or \\t'],
    ['a setting before the first section', 'B = c', '1: stands before the first section'],
  ])('refuses %s and goes on', (_, text, fault) => {
    expect(faults(text)).toEqual([fault])
  })

  it('skips a byte order mark', () => {
    expect(values('\uFEFF[A]\nB = c')).toEqual(['A.B=c'])
  })
})

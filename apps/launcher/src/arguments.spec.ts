import path from 'node:path'
import { readArguments } from './arguments.js'

const read = (...argv: string[]) => readArguments(argv, () => undefined)

function refusal(...argv: string[]): string {
  let said = ''
  expect(() => readArguments(argv, (text) => (said += text))).toThrow()
  return said
}

describe('the command line', () => {
  it('starts the demo with one process of each service when it says nothing', () => {
    expect(read()).toEqual({
      data: path.resolve('.data'),
      config: undefined,
      demo: true,
      port: 3939,
      replicas: { gateway: 1, identity: 1, integrations: 1, vault: 1 },
      resetSecretKey: false,
      set: [],
    })
  })

  it('reads everything that the product is started with', () => {
    const { config, data, demo, replicas } = read(
      ...['--config', 'k.gcfg', '--data', '/var/lib/kb', '--no-demo', '--replicas', 'vault=2,gateway=3'],
    )
    expect({ config, data, demo }).toEqual({ config: path.resolve('k.gcfg'), data: '/var/lib/kb', demo: false })
    expect(replicas).toEqual({ gateway: 3, identity: 1, integrations: 1, vault: 2 })
  })

  it('adds lines to the demo’s settings', () => {
    expect(read('--set', 'Exchange.RefreshLease=2s', '--set', 'Content.Upstream=*:80').set).toEqual([
      'Exchange.RefreshLease=2s',
      'Content.Upstream=*:80',
    ])
  })

  it.each([
    [['--replicas', 'vaul=2'], 'There is no service vaul.'],
    [['--replicas', 'vault=0'], 'vault needs a number from 1 to 16.'],
    [['--replicas', 'vault'], 'vault needs a number from 1 to 16.'],
    [['--port', '70000'], 'It must be from 1 to 65535.'],
    [['--set', 'RefreshLease'], 'It must look like'],
    [['--no-demo'], '--no-demo needs --config FILE'],
    [['--config', 'x', '--port', '80'], '[HTTP] Listen'],
    [['--config', 'x', '--set', 'A.B=c'], 'change the file'],
    [['start'], 'too many arguments'],
    [['--detach'], 'unknown option'],
  ])('refuses %j and says why', (argv, reason) => {
    expect(refusal(...argv)).toContain(reason)
  })
})

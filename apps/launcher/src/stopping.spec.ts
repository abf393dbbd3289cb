import { longestStopMs, patienceMs, stopInOrder, type Stoppable, type Tier } from './stopping.js'

describe('the end of everything', () => {
  const log: string[] = []
  beforeEach(() => void log.splice(0))

  function process(tier: Tier, name: string, patienceMs: number, takes: Promise<void> = Promise.resolve()): Stoppable {
    const process = {
      name,
      running: true,
      stop: async (givenMs: number) => {
        log.push(`${name} ${givenMs}`)
        await takes
        process.running = false
        log.push(`${name} ended`)
      },
    }
    return { tier, patienceMs, process }
  }

  it('begins with the gateway, and leaves to the vault the vendor, and to all the database', async () => {
    await stopInOrder(
      [
        process('postgres', 'postgres', 1),
        process('demo', 'vendor', 1),
        process('services', 'vault', 25_000),
        process('nats', 'nats', 1),
        process('services', 'identity', 10_000),
        process('gateway', 'gateway', 10_000),
      ],
      (text) => log.push(text),
    )
    expect(
      log.filter((line) => line.endsWith('ended') || line.includes('_')).map((line) => line.split(' ')[0]),
    ).toEqual(['gateway', 'vault', 'identity', 'vendor', 'nats', 'postgres'])
    expect(log).toEqual(expect.arrayContaining(['gateway 10000', 'vault 25000', 'identity 10000']))
  })

  it('says what it waits for', async () => {
    const vault = Promise.withResolvers<void>()
    const said: string[] = []
    await stopInOrder(
      [process('services', 'identity', 10_000), process('services', 'vault', 25_000, vault.promise)],
      (text) => {
        said.push(text)
        vault.resolve()
      },
      5,
    )
    expect(said).toEqual(['  vault: finishing what is in hand, at most 25 s …'])
  })

  it('has more patience with the vault than a provider has time', () => {
    expect(patienceMs('vault', 20_000)).toBe(25_000)
    expect(patienceMs('vault', 1_000)).toBe(10_000)
    expect(patienceMs('identity', 20_000)).toBe(10_000)
    expect(patienceMs(undefined, 20_000)).toBe(10_000)
  })

  it('takes no longer than one tier after the other', () => {
    expect(longestStopMs(20_000)).toBe(65_000)
  })
})

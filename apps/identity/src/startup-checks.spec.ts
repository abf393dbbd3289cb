import { StartupChecks } from './startup-checks.js'

async function said(...checks: (() => Promise<string[]>)[]): Promise<unknown[]> {
  const lines: unknown[] = []
  const logger = { warn: (line: unknown) => lines.push(line) }
  await new StartupChecks(
    checks.map((warnings) => ({ warnings })),
    logger as never,
  ).onApplicationBootstrap()
  return lines
}

describe('the checks at the start', () => {
  it('CFG-46 say one line for each thing that does not fit, twenty at most, and how many more there are', async () => {
    const many = Array.from({ length: 23 }, (_, index) => `warning ${index}`)
    expect(
      await said(
        () => Promise.resolve(many),
        () => Promise.resolve(['another']),
      ),
    ).toEqual([...many.slice(0, 20), '… and 3 more of this kind.', 'another'])
  })

  it('say nothing when all fits', async () => {
    expect(await said(() => Promise.resolve([]))).toEqual([])
  })

  it('keep no service from starting', async () => {
    const lines = await said(
      () => Promise.reject(new Error('no database')),
      () => Promise.resolve(['another']),
    )
    expect(lines).toEqual([{ err: expect.any(Error) as Error }, 'another'])
  })
})

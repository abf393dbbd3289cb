/** What stops together: after all that depends on it. */
export const TIERS = ['gateway', 'services', 'demo', 'nats', 'postgres'] as const
export type Tier = (typeof TIERS)[number]

export interface Stoppable {
  readonly tier: Tier
  /** Milliseconds for an orderly stop, after which it is killed. */
  readonly patienceMs: number
  readonly process: { readonly name: string; readonly running: boolean; stop(patienceMs: number): Promise<void> }
}

const PATIENCE_MS = 10_000
/** Longer than the vault itself gives to the requests that it has in hand at a provider, and to what follows. */
const BESIDE_TOKEN_REQUEST_MS = 5_000
/** A stop that takes longer than this is explained. */
const SAY_AFTER_MS = 2_000

/** How long a process may take to stop: the vault may have a token on its way that nobody could get again. */
export const patienceMs = (service: string | undefined, tokenRequestTimeoutMs: number): number =>
  service === 'vault' ? Math.max(PATIENCE_MS, tokenRequestTimeoutMs + BESIDE_TOKEN_REQUEST_MS) : PATIENCE_MS

/** Milliseconds after which all that `stopInOrder` stops has ended, or been killed. */
export const longestStopMs = (tokenRequestTimeoutMs: number): number =>
  TIERS.map((tier) => patienceMs(tier === 'services' ? 'vault' : undefined, tokenRequestTimeoutMs)).reduce(
    (sum, each) => sum + each,
  )

/**
 * Stops tier after tier: who comes from outside first, the demo's vendor after those that may be speaking to it.
 * @param say told what is waited for when it takes long
 */
export async function stopInOrder(
  processes: Iterable<Stoppable>,
  say: (text: string) => void,
  sayAfterMs = SAY_AFTER_MS,
): Promise<void> {
  const all = [...processes]
  for (const tier of TIERS) {
    const own = all.filter((each) => each.tier === tier)
    const notice = setTimeout(() => {
      const late = own.filter(({ process }) => process.running)
      const limit = Math.max(...late.map(({ patienceMs }) => patienceMs)) / 1000
      if (late.length > 0) {
        say(`  ${late.map(({ process }) => process.name).join(', ')}: finishing what is in hand, at most ${limit} s …`)
      }
    }, sayAfterMs)
    await Promise.all(own.map(({ process, patienceMs }) => process.stop(patienceMs)))
    clearTimeout(notice)
  }
}

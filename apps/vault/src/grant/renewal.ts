/** Tokens that live shorter than this are left until they are needed, in ms. */
const SHORTEST_LIFE_MS = 60_000
/** The parts of its life after which a token is renewed: between these, so that those obtained together are not all. */
const FROM = 0.75
const TO = 0.85

/**
 * Whether an access token should be renewed although it is still good. Each generation of a grant has its own moment,
 * the same for every process.
 * @param now the database's clock
 */
export function renewalDue(
  grant: {
    readonly guid: string
    readonly generation: number
    readonly expiresAt: Date | null
    readonly tokenSince?: Date | null
  },
  now: Date,
): boolean {
  const { guid, generation, expiresAt, tokenSince } = grant
  if (!expiresAt || !tokenSince) return false
  const life = expiresAt.getTime() - tokenSince.getTime()
  if (life < SHORTEST_LIFE_MS) return false
  return now.getTime() >= tokenSince.getTime() + life * (FROM + (TO - FROM) * share(guid, generation))
}

/** From 0 to 1, spread evenly over grants (their guids are hashes) and over the generations of one. */
const share = (guid: string, generation: number): number =>
  ((Number.parseInt(guid.slice(-4), 16) + generation * 40_503) % 65_536) / 65_536

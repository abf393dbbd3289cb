/** Who and why: what stands in the `meta` of every event that a command makes. */
export interface CommandContext {
  /** One of `Actor` in `#libs/contracts`: guids only. */
  readonly actor: object
  /** A UUID. The same id again finds the events of the first time instead of acting twice. */
  readonly commandId: string
  /** A keyed digest of the request, to tell a repeat from another request under the same idempotency key. */
  readonly requestFingerprint?: string
  readonly correlationId?: string
  /** The event or message that led to this command, if one did. */
  readonly causationId?: string
}

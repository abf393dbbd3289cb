/**
 * Whether a NATS subject falls under a pattern: `*` stands for one token, a last `>` for one or more.
 * @see https://docs.nats.io/nats-concepts/subjects#wildcards
 */
export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.')
  const given = subject.split('.')
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index
    if (given[index] === undefined || (token !== '*' && token !== given[index])) return false
  }
  return wanted.length === given.length
}

/** The last token of a change's subject. */
export const guidOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1)

/** The thing's guid in a stream id: `content-6f2…`. */
export const guidOfStream = (streamId: string): string => streamId.slice(streamId.indexOf('-') + 1)

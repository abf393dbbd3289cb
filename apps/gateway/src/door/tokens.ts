/** The injection token of the connection pools to content. */
export const AGENTS = Symbol('agents')

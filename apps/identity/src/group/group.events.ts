/** Everything that can have happened to a group. Append-only: add an event or a version, never edit one. */
export type GroupEvent = { type: 'GroupCreated'; data: { name: string } }

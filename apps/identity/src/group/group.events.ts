/** Everything that can have happened to a group. Append-only: add an event or a version, never edit one. */
export type GroupEvent =
  /** Without an owner when a login made it. `uniqueId` is the provider's, where groups are matched by it. */
  | { type: 'GroupCreated'; data: { name: string; ownerGuid: string | null; uniqueId: string | null } }
  | { type: 'GroupRenamed'; data: { name: string } }
  | { type: 'GroupOwnerChanged'; data: { ownerGuid: string | null } }
  | { type: 'GroupUniqueIdChanged'; data: { uniqueId: string | null } }
  /** Its memberships and its access to content count no more; a group made again is another one. */
  | { type: 'GroupDeleted'; data: Record<string, never> }

/**
 * Everything that can have happened to the tags, which are one tree and one stream. Append-only: add an event or a
 * version, never edit one.
 */
export type TagEvent =
  | { type: 'TagAdded'; data: { tagGuid: string; parentGuid: string | null; name: string } }
  | { type: 'TagRenamed'; data: { tagGuid: string; name: string } }
  | { type: 'TagMoved'; data: { tagGuid: string; parentGuid: string | null } }
  /** With everything under it. */
  | { type: 'TagsRemoved'; data: { tagGuids: readonly string[] } }

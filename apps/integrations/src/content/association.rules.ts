import {
  DomainError,
  needsVisitor,
  obstacleTo,
  type AccessType,
  type AuthType,
  type ContentKind,
} from '#libs/contracts'

/** What the controller has looked up about an integration, so that `decide` need not ask. */
export interface Candidate {
  readonly guid: string
  readonly authType: AuthType
  /** Whether the one who asks may use it: what is associated already may stay without. */
  readonly usable: boolean
}

/** What of a content item its associations rest on. */
export interface Associable {
  readonly kind: ContentKind
  readonly accessType: AccessType
  /** The integrations that it has, by guid. */
  readonly associated: ReadonlyMap<string, AuthType>
}

type AssociationEvent =
  | { type: 'IntegrationAssociated'; data: { integrationGuid: string; authType: AuthType } }
  | { type: 'IntegrationDissociated'; data: { integrationGuid: string } }

/**
 * The whole list replaced: all of it, or nothing.
 * @throws DomainError `association.integration_unknown`, `association.duplicate`, `association.unsupported_auth_type`
 */
export function setAssociations(wanted: readonly Candidate[], content: Associable): AssociationEvent[] {
  const { associated } = content
  if (wanted.some(({ guid, usable }) => !usable && !associated.has(guid))) throw associatedUnknown()
  const wantedGuids = new Set(wanted.map(({ guid }) => guid))
  if (wantedGuids.size < wanted.length) {
    throw new DomainError('invalid', 'association.duplicate', 'An integration is named more than once.')
  }
  for (const { authType } of wanted) mustSupport(authType, content)
  return [
    ...[...associated.keys()]
      .filter((guid) => !wantedGuids.has(guid))
      .map((integrationGuid) => ({ type: 'IntegrationDissociated', data: { integrationGuid } }) as const),
    ...wanted
      .filter(({ guid }) => !associated.has(guid))
      .map(
        ({ guid, authType }) => ({ type: 'IntegrationAssociated', data: { integrationGuid: guid, authType } }) as const,
      ),
  ]
}

/**
 * The same rule when it is the access that changes.
 * @throws DomainError `association.prevents_public_access`
 */
export function mayBeOpenedTo(accessType: AccessType, { associated }: Pick<Associable, 'associated'>): void {
  if (accessType !== 'all' || ![...associated.values()].some(needsVisitor)) return
  throw new DomainError(
    'invalid',
    'association.prevents_public_access',
    'Content that is open to everybody cannot have a Viewer integration: take it away first, or have visitors log in.',
  )
}

/** One that nobody may know of is answered as one that does not exist. */
export const associatedUnknown = (): DomainError =>
  new DomainError('invalid', 'association.integration_unknown', 'An oauth_integration_guid names no integration.')

function mustSupport(authType: AuthType, { kind, accessType }: Associable): void {
  const unsupported = (message: string): DomainError =>
    new DomainError('invalid', 'association.unsupported_auth_type', message)
  // The exchange asks again.
  switch (obstacleTo(authType, { kind, access_type: accessType })) {
    case 'kind':
      throw unsupported(`${kind} content cannot use a ${authType} integration.`)
    case 'access_type':
      throw unsupported(`Content that is open to everybody cannot use a ${authType} integration: have visitors log in.`)
    case undefined:
  }
}

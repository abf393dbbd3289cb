import { ACCESS_TYPES, DomainError, type AccessType } from '#libs/contracts'

export const isWider = (accessType: AccessType, than: AccessType): boolean =>
  ACCESS_TYPES.indexOf(accessType) > ACCESS_TYPES.indexOf(than)

/**
 * What the operator permits nobody to open further.
 * @param widest what `[Applications]` says for whoever asks
 * @throws DomainError `content.access_type_prohibited`
 */
export function mustBeWithin(widest: AccessType, accessType: AccessType): void {
  if (!isWider(accessType, widest)) return
  throw new DomainError(
    'forbidden',
    'content.access_type_prohibited',
    `This server permits you no access wider than ${widest}.`,
  )
}

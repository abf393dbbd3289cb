import { DomainError } from '#libs/contracts'

export const tagNotFound = (): DomainError =>
  new DomainError('not_found', 'object.not_found', 'This tag does not exist.')

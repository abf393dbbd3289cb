import { DomainError } from '#libs/contracts'

export const contentNotFound = (): DomainError =>
  new DomainError('not_found', 'content.not_found', 'This content does not exist.')

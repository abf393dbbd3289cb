import { DomainError } from '#libs/contracts'

export const integrationNotFound = (): DomainError =>
  new DomainError('not_found', 'integration.not_found', 'This OAuth integration does not exist.')

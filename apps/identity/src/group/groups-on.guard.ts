import { Injectable, type CanActivate } from '@nestjs/common'
import { DomainError } from '#libs/contracts'
import { AuthorizationSettings } from '#libs/service'

/** With `Authorization.UserGroups = false` there is nothing to say about groups. */
@Injectable()
export class GroupsOnGuard implements CanActivate {
  constructor(private readonly authorization: AuthorizationSettings) {}

  /** @throws DomainError `group.off` */
  canActivate(): boolean {
    if (this.authorization.userGroups) return true
    throw new DomainError('invalid', 'group.off', 'Groups are off on this server (Authorization.UserGroups).')
  }
}

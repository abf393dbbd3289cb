import { IsString, IsUUID } from 'class-validator'
import type { ChangeContract } from './change-message.js'

export class GroupState {
  @IsUUID()
  guid: string

  @IsString()
  name: string
}

export const groupContract: ChangeContract<GroupState> = {
  service: 'identity',
  category: 'group',
  type: 'GroupChanged',
  revision: 1,
  state: GroupState,
}

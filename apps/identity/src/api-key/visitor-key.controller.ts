import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsIn } from 'class-validator'
import { ROLES, type Role } from '#libs/contracts'
import { IsGuid, NotAudited, ServiceOnly } from '#libs/service'
import { VisitorKeys } from './visitor-keys.js'

class VisitorKeyBody {
  @IsGuid()
  user_guid: string

  @IsIn(ROLES)
  role: Role

  @IsGuid()
  content_guid: string
}

/** Makes short-lived keys of visitors for the vault. */
@ApiExcludeController()
@Controller('internal/visitor-keys')
export class VisitorKeyController {
  constructor(private readonly visitorKeys: VisitorKeys) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ServiceOnly('issueVisitorKey')
  @NotAudited('the vault writes down to which content it hands the key')
  async issue(@Body() { user_guid, role, content_guid }: VisitorKeyBody): Promise<{ key: string; expires_in: number }> {
    const { key, expiresIn } = await this.visitorKeys.make(user_guid, role, content_guid)
    return { key: key.reveal(), expires_in: expiresIn }
  }
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator'
import { AUTH_TYPES, type AuthType } from '#libs/contracts'
import { refusedAs, toTime } from '#libs/service'
import type { Config } from '../template/template.js'
import type { Integration } from './integration.entity.js'

export class NewIntegrationBody {
  @ApiProperty({ description: 'Which kind of provider it is.', example: 'custom' })
  @IsString()
  template: string

  @ApiPropertyOptional({
    description: 'Helps publishers choose; at most 255 characters.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsString()
  @MaxLength(255, refusedAs('integration.name_invalid', 'The name may have at most 255 characters.'))
  name?: string | null

  @ApiPropertyOptional({ description: 'Free text; at most 4096 characters.', nullable: true, type: String })
  @IsOptional()
  @IsString()
  @MaxLength(4096, refusedAs('integration.description_invalid', 'The description may have at most 4096 characters.'))
  description?: string | null

  @ApiProperty({ description: 'The template’s fields and options, flat. `client_secret` goes in and never comes out.' })
  @IsObject()
  config: Record<string, unknown>
}

/** An integration as the API shows it: never with a secret, not even a masked one. */
export class IntegrationView {
  @ApiProperty({ description: 'Digits; for clients of old. Use `guid`.' })
  id: string

  @ApiProperty({ description: 'The integration; the `audience` of a token exchange.' })
  guid: string

  @ApiProperty({ description: 'When it was created.' })
  created_time: string

  @ApiProperty({ description: 'When it last changed.' })
  updated_time: string

  @ApiProperty({ description: 'Helps publishers choose.', nullable: true, type: String })
  name: string | null

  @ApiProperty({ description: 'Free text.', nullable: true, type: String })
  description: string | null

  @ApiProperty({ description: 'Which kind of provider it is.' })
  template: string

  @ApiProperty({ description: 'Whose authorization it is.', enum: AUTH_TYPES })
  auth_type: AuthType

  @ApiProperty({ description: 'The template’s fields and options, without secrets.' })
  config: Config
}

export const integrationView = (integration: Integration): IntegrationView => ({
  id: integration.position,
  guid: integration.guid,
  created_time: toTime(integration.createdAt),
  updated_time: toTime(integration.updatedAt),
  name: integration.name,
  description: integration.description,
  template: integration.template,
  auth_type: integration.authType,
  config: integration.config,
})

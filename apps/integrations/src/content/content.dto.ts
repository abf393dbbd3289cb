import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, IsString, IsUrl, Length, Matches, MaxLength, ValidateIf } from 'class-validator'
import { ACCESS_TYPES, type AccessType, type Person } from '#libs/contracts'
import { IsGuid, MayBeAbsent, refusedAs, type ServerSettings, toTime } from '#libs/service'
import { APP_MODES, type AppMode } from './app-mode.js'
import { roleOf, type AppRole } from './app-role.js'
import type { ContentChanges } from './content.decider.js'
import type { Content } from './content.entity.js'

const NAME = refusedAs(
  'content.name_invalid',
  'The name must have 3 to 64 letters, digits, dots, hyphens or underscores.',
)
const TITLE = refusedAs('content.title_invalid', 'The title must have 3 to 1024 characters.')
const DESCRIPTION = refusedAs('content.description_invalid', 'The description may have at most 4096 characters.')
const ACCESS_TYPE = refusedAs(
  'content.access_type_unknown',
  `The access_type must be one of (${ACCESS_TYPES.join(', ')}).`,
)

export class NewContentBody {
  @ApiPropertyOptional({ description: 'Unique among the owner’s content; generated when absent.', example: 'sales' })
  @MayBeAbsent()
  @IsString(NAME)
  @Matches(/^[\w.-]{3,64}$/, NAME)
  name?: string

  @ApiPropertyOptional({ description: 'What people see; 3 to 1024 characters.', nullable: true, type: String })
  @IsOptional()
  @Length(3, 1024, TITLE)
  title?: string | null

  @ApiPropertyOptional({ description: 'At most 4096 characters.' })
  @MayBeAbsent()
  @MaxLength(4096, DESCRIPTION)
  description?: string

  @ApiPropertyOptional({
    description: 'Who may visit: those named, everybody who logs in, everybody.',
    enum: ACCESS_TYPES,
  })
  @MayBeAbsent()
  @IsIn(ACCESS_TYPES, ACCESS_TYPE)
  access_type?: AccessType
}

export class ContentBody extends NewContentBody {
  @ApiPropertyOptional({
    description: 'What runs the content; decides which integrations it can use.',
    enum: APP_MODES,
  })
  @MayBeAbsent()
  @IsIn(APP_MODES, { message: 'The app_mode is not one that is known.' })
  app_mode?: AppMode

  @ApiPropertyOptional({
    description: 'Where the gateway finds the running app: http or https, without credentials. `null` takes it away.',
    nullable: true,
    type: String,
    example: 'http://apps.internal:8501/',
  })
  @ValidateIf((body: ContentBody) => body.upstream_url !== undefined && body.upstream_url !== null)
  @IsUrl(
    { protocols: ['http', 'https'], require_protocol: true, require_tld: false, disallow_auth: true },
    { message: 'The upstream_url must be an http or https URL without credentials.' },
  )
  @MaxLength(2048, { message: 'The upstream_url may have at most 2048 characters.' })
  upstream_url?: string | null
}

export class ContentFilter {
  @ApiPropertyOptional({ description: 'Only content of exactly this name.' })
  @MayBeAbsent()
  @IsString()
  name?: string

  @ApiPropertyOptional({ description: 'Only content of this owner.' })
  @MayBeAbsent()
  @IsGuid()
  owner_guid?: string
}

/** A content item as the API shows it. Times are RFC 3339 without fractions of a second. */
export class ContentView {
  @ApiProperty({ description: 'Digits; for clients of old. Use `guid`.' })
  id: string

  @ApiProperty({ description: 'The content item.' })
  guid: string

  @ApiProperty({ description: 'Unique among the owner’s content.' })
  name: string

  @ApiProperty({ description: 'What people see.', nullable: true, type: String })
  title: string | null

  @ApiProperty({ description: 'Free text.' })
  description: string

  @ApiProperty({ description: 'Who may visit.', enum: ACCESS_TYPES })
  access_type: AccessType

  @ApiProperty({ description: 'Whether visits are refused for the time being.' })
  locked: boolean

  @ApiProperty({ description: 'Why it is locked.' })
  locked_message: string

  @ApiProperty({ description: 'When it was registered.' })
  created_time: string

  @ApiProperty({ description: 'When it last changed.' })
  last_deployed_time: string

  @ApiProperty({ description: '`unknown` until somebody says what runs it.', enum: APP_MODES })
  app_mode: AppMode

  @ApiProperty({ description: 'Always empty.' })
  content_category: string

  @ApiProperty({ description: 'The person it belongs to.' })
  owner_guid: string

  @ApiProperty({ description: 'Where visitors go.' })
  content_url: string

  @ApiProperty({ description: 'Where the gateway finds the running app.', nullable: true, type: String })
  upstream_url: string | null

  @ApiProperty({ description: 'What the caller is to it.', enum: ['owner', 'editor', 'viewer', 'none'] })
  app_role: AppRole
}

export const changesOf = (body: ContentBody): ContentChanges => ({
  name: body.name,
  title: body.title,
  description: body.description,
  accessType: body.access_type,
  appMode: body.app_mode,
  upstreamUrl: body.upstream_url,
})

export function contentView(content: Content, caller: Person, server: ServerSettings): ContentView {
  return {
    id: content.position,
    guid: content.guid,
    name: content.name,
    title: content.title,
    description: content.description,
    access_type: content.accessType,
    locked: false,
    locked_message: '',
    created_time: toTime(content.createdAt),
    last_deployed_time: toTime(content.updatedAt),
    app_mode: content.appMode,
    content_category: '',
    owner_guid: content.ownerGuid,
    content_url: server.urlOf(`/content/${content.guid}/`),
    upstream_url: content.upstreamUrl,
    app_role: roleOf(content, caller),
  }
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { applyDecorators } from '@nestjs/common'
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
} from 'class-validator'
import { ACCESS_TYPES, IsHttpUrl, type AccessType } from '#libs/contracts'
import { IsGuid, MayBeAbsent, refusedAs, type ServerSettings, toTime } from '#libs/service'
import { APP_MODES, type AppMode } from './app-mode.js'
import { isEditing, type AppRole } from './app-role.js'
import type { ContentChanges } from './content.decider.js'
import type { SeenContent } from './content.queries.js'
import { DEFAULT_SETTINGS, settingsIn, type RuntimeSettings } from './runtime-settings.js'

const NAME = refusedAs(
  'content.name_invalid',
  'The name must have 3 to 64 letters, digits, dots, hyphens or underscores.',
)
const TITLE = refusedAs('content.title_invalid', 'The title must have 3 to 1024 characters.')
const DESCRIPTION = refusedAs('content.description_invalid', 'The description may have at most 4096 characters.')
const LOCKED_MESSAGE = refusedAs(
  'content.locked_message_invalid',
  'The locked_message may have at most 1024 characters.',
)
const ACCESS_TYPE = refusedAs(
  'content.access_type_unknown',
  `The access_type must be one of (${ACCESS_TYPES.join(', ')}).`,
)

const UPSTREAM = 'The upstream_url must be an http or https URL without credentials, query and fragment.'

const KEPT = 'Kept for whoever runs the content.'

const Count = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ description: KEPT, type: 'integer', nullable: true }),
    IsOptional(),
    IsInt(),
    Min(0),
    Max(Number.MAX_SAFE_INTEGER),
  )

const Amount = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ description: KEPT, type: Number, nullable: true }),
    IsOptional(),
    IsNumber(),
    Min(0),
    Max(Number.MAX_SAFE_INTEGER),
  )

const Text = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ description: KEPT, type: String, nullable: true }),
    IsOptional(),
    IsString(),
    MaxLength(1024),
  )

const Choice = (): PropertyDecorator =>
  applyDecorators(ApiPropertyOptional({ description: KEPT, type: Boolean, nullable: true }), IsOptional(), IsBoolean())

/** How the content is to be run. */
export class RuntimeSettingsBody implements Partial<RuntimeSettings> {
  @Count()
  connection_timeout?: number | null

  @Count()
  read_timeout?: number | null

  @Count()
  init_timeout?: number | null

  @Count()
  idle_timeout?: number | null

  @Count()
  max_processes?: number | null

  @Count()
  min_processes?: number | null

  @Count()
  max_conns_per_process?: number | null

  @Amount()
  load_factor?: number | null

  @Count()
  memory_request?: number | null

  @Count()
  memory_limit?: number | null

  @Amount()
  cpu_request?: number | null

  @Amount()
  cpu_limit?: number | null

  @Count()
  amd_gpu_limit?: number | null

  @Count()
  nvidia_gpu_limit?: number | null

  @Text()
  service_account_name?: string | null

  @Text()
  default_image_name?: string | null

  @ApiPropertyOptional({ description: KEPT, type: String, format: 'uuid', nullable: true })
  @IsOptional()
  @IsGuid()
  default_environment_guid?: string | null

  @Choice()
  default_r_environment_management?: boolean | null

  @Choice()
  default_py_environment_management?: boolean | null

  @ApiPropertyOptional({ description: `Administrators only. ${KEPT}`, type: String, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  run_as?: string | null

  @ApiPropertyOptional({ description: `Administrators only. ${KEPT}` })
  @MayBeAbsent()
  @IsBoolean()
  run_as_current_user?: boolean
}

export class NewContentBody extends RuntimeSettingsBody {
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
    description:
      'Where the gateway finds the running app: http or https, without credentials, query and fragment. `null` takes it away.',
    nullable: true,
    type: String,
    example: 'http://apps.internal:8501/',
  })
  @ValidateIf((body: ContentBody) => body.upstream_url !== undefined && body.upstream_url !== null)
  @IsHttpUrl({ message: UPSTREAM })
  // As it will be shown and compared: what the parser passes over, such as a tab or a missing slash, is no part of it.
  @Matches(/^https?:\/\/[^\s@?#\\\p{Cc}]+$/iu, { message: UPSTREAM })
  @MaxLength(2048, { message: 'The upstream_url may have at most 2048 characters.' })
  upstream_url?: string | null

  @ApiPropertyOptional({ description: 'Gives the content to somebody else: for its owner and administrators.' })
  @MayBeAbsent()
  @IsGuid()
  owner_guid?: string

  @ApiPropertyOptional({ description: 'Refuses visits and tokens: for its owner and administrators.' })
  @MayBeAbsent()
  @IsBoolean()
  locked?: boolean

  @ApiPropertyOptional({ description: 'What visitors are told while it is locked; at most 1024 characters.' })
  @MayBeAbsent()
  @IsString(LOCKED_MESSAGE)
  @MaxLength(1024, LOCKED_MESSAGE)
  locked_message?: string
}

export class ContentInclude {
  @ApiPropertyOptional({
    description: 'What to add, separated by commas: owner, tags, vanity_url; bookmarked and schedule add nothing.',
    example: 'owner,tags,vanity_url',
  })
  @MayBeAbsent()
  @IsString()
  include?: string
}

export class ContentFilter extends ContentInclude {
  @ApiPropertyOptional({ description: 'Only content of exactly this name.' })
  @MayBeAbsent()
  @IsString()
  name?: string

  @ApiPropertyOptional({ description: 'Only content of this owner.' })
  @MayBeAbsent()
  @IsGuid()
  owner_guid?: string
}

/** Whose content it is. */
export class ContentOwnerView {
  @ApiProperty({ description: 'The person.' })
  guid: string

  @ApiProperty({ description: 'Empty for somebody who is no more.' })
  username: string

  @ApiProperty({ description: 'Given name.' })
  first_name: string

  @ApiProperty({ description: 'Family name.' })
  last_name: string
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

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  connection_timeout: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  read_timeout: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  init_timeout: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  idle_timeout: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  max_processes: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  min_processes: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  max_conns_per_process: number | null

  @ApiProperty({ description: KEPT, type: Number, nullable: true })
  load_factor: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  memory_request: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  memory_limit: number | null

  @ApiProperty({ description: KEPT, type: Number, nullable: true })
  cpu_request: number | null

  @ApiProperty({ description: KEPT, type: Number, nullable: true })
  cpu_limit: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  amd_gpu_limit: number | null

  @ApiProperty({ description: KEPT, type: 'integer', nullable: true })
  nvidia_gpu_limit: number | null

  @ApiProperty({ description: KEPT, type: String, nullable: true })
  service_account_name: string | null

  @ApiProperty({ description: KEPT, type: String, nullable: true })
  default_image_name: string | null

  @ApiProperty({ description: KEPT, type: String, nullable: true })
  default_environment_guid: string | null

  @ApiProperty({ description: KEPT, type: Boolean, nullable: true })
  default_r_environment_management: boolean | null

  @ApiProperty({ description: KEPT, type: Boolean, nullable: true })
  default_py_environment_management: boolean | null

  @ApiProperty({ description: `${KEPT} \`null\` for whoever may not edit it.`, type: String, nullable: true })
  run_as: string | null

  @ApiProperty({ description: KEPT })
  run_as_current_user: boolean

  @ApiProperty({ description: 'When it was registered.' })
  created_time: string

  @ApiProperty({ description: 'When it was last deployed or, before that, registered.' })
  last_deployed_time: string

  @ApiProperty({ description: 'The bundle that is deployed.', nullable: true, type: String })
  bundle_id: string | null

  @ApiProperty({ description: '`unknown` until somebody says what runs it.', enum: APP_MODES })
  app_mode: AppMode

  @ApiProperty({ description: 'As the deployed bundle has it.' })
  content_category: string

  @ApiProperty({ description: 'Always false.' })
  parameterized: boolean

  @ApiProperty({ description: 'Always `null`.', nullable: true, type: String })
  environment_guid: string | null

  @ApiProperty({ description: 'Always `null`.', nullable: true, type: String })
  cluster_name: string | null

  @ApiProperty({ description: 'Always `null`.', nullable: true, type: String })
  image_name: string | null

  @ApiProperty({ description: 'As the deployed bundle has it.', nullable: true, type: String })
  r_version: string | null

  @ApiProperty({ description: 'As the deployed bundle has it.', nullable: true, type: String })
  py_version: string | null

  @ApiProperty({ description: 'As the deployed bundle has it.', nullable: true, type: String })
  quarto_version: string | null

  @ApiProperty({ description: 'Always `null`.', nullable: true, type: Boolean })
  r_environment_management: boolean | null

  @ApiProperty({ description: 'Always `null`.', nullable: true, type: Boolean })
  py_environment_management: boolean | null

  @ApiProperty({ description: 'The person it belongs to.' })
  owner_guid: string

  @ApiProperty({ description: 'Where visitors go.' })
  content_url: string

  @ApiProperty({ description: 'Its page in a dashboard.' })
  dashboard_url: string

  @ApiProperty({
    description: 'Where the gateway finds the running app; `null` for whoever may not edit the content.',
    nullable: true,
    type: String,
  })
  upstream_url: string | null

  @ApiProperty({ description: 'What the caller is to it.', enum: ['owner', 'editor', 'viewer', 'none'] })
  app_role: AppRole

  @ApiPropertyOptional({ description: 'With `include=owner`.', type: () => ContentOwnerView })
  owner?: ContentOwnerView

  @ApiPropertyOptional({
    description: 'With `include=tags`, and only where there are any.',
    type: 'array',
    items: { type: 'object' },
  })
  tags?: object[]

  @ApiPropertyOptional({ description: 'With `include=vanity_url`, and only where there is one.' })
  vanity_url?: string
}

export const changesOf = (body: ContentBody): ContentChanges => ({
  name: body.name,
  title: body.title,
  description: body.description,
  accessType: body.access_type,
  appMode: body.app_mode,
  upstreamUrl: body.upstream_url,
  ownerGuid: body.owner_guid,
  locked: body.locked,
  lockedMessage: body.locked_message,
  settings: settingsIn(body),
})

/** @param included what `include` asks for */
export function contentView(content: SeenContent, server: ServerSettings, included: object = {}): ContentView {
  const edits = isEditing(content.appRole)
  return {
    id: content.position,
    guid: content.guid,
    name: content.name,
    title: content.title,
    description: content.description,
    access_type: content.accessType,
    locked: content.locked,
    locked_message: content.lockedMessage,
    ...DEFAULT_SETTINGS,
    ...content.settings,
    // What only those who run it need: it tells of the house's own network and machines.
    ...(edits ? {} : { run_as: null }),
    created_time: toTime(content.createdAt),
    last_deployed_time: toTime(content.deployedAt ?? content.createdAt),
    bundle_id: content.bundleId,
    app_mode: content.appMode,
    content_category: content.contentCategory,
    parameterized: false,
    environment_guid: null,
    cluster_name: null,
    image_name: null,
    r_version: content.rVersion,
    py_version: content.pyVersion,
    quarto_version: content.quartoVersion,
    r_environment_management: null,
    py_environment_management: null,
    owner_guid: content.ownerGuid,
    content_url: server.urlOf(`/content/${content.guid}/`),
    dashboard_url: server.urlOf(`/connect/#/apps/${content.guid}`),
    upstream_url: edits ? content.upstreamUrl : null,
    app_role: content.appRole,
    ...included,
  }
}

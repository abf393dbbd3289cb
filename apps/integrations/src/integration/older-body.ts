import { Injectable, type PipeTransform } from '@nestjs/common'
import { plainToInstance } from 'class-transformer'
import {
  ArrayMaxSize,
  IsArray,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  validate,
  type ValidationOptions,
} from 'class-validator'
import { invalidParameter, refusedAs } from '#libs/service'
import { OLDEST_TEMPLATE } from '../template/registry.js'
import { NewIntegrationBody } from './integration.dto.js'

const MEMBERS = ['client_id', 'client_secret', 'tenant_id', 'default_scopes']
const TENANT = new RegExp(OLDEST_TEMPLATE.questions.find(({ name }) => name === 'tenant_id')!.validation)
const SCOPE = refusedAs(
  'integration.default_scope_invalid',
  'The default_scopes must be a list of scopes, each without spaces.',
)
const SCOPES = refusedAs('integration.default_scopes_over_limit', 'The default_scopes may be at most 50.')
const CLIENT_ID = refusedAs('integration.client_id_invalid', 'The client_id is required, as text.')
const TENANT_ID = refusedAs(
  'integration.tenant_id_invalid',
  'The tenant_id is required: the GUID or the domain of the organization.',
)
const CLIENT_SECRET = refusedAs('integration.client_secret_invalid', 'The client_secret is required, as text.')
const DESCRIPTION = refusedAs(
  'integration.older_description_invalid',
  'The description must be text of at most 4096 characters.',
)
const each = (options: ValidationOptions): ValidationOptions => ({ ...options, each: true })

/** How integrations were made before there were templates: one kind of provider, its fields at the top. */
export class OlderIntegrationBody {
  @IsString(CLIENT_ID)
  @Length(1, 4096, CLIENT_ID)
  client_id: string

  @IsString(CLIENT_SECRET)
  @Length(1, 4096, CLIENT_SECRET)
  client_secret: string

  @IsString(TENANT_ID)
  @Matches(TENANT, TENANT_ID)
  tenant_id: string

  @IsOptional()
  @IsString(DESCRIPTION)
  @MaxLength(4096, DESCRIPTION)
  description?: string | null

  @IsOptional()
  @Matches(/^[!#-[\]-~]{1,255}$/, each(SCOPE))
  @IsString(each(SCOPE))
  @ArrayMaxSize(50, SCOPES)
  @IsArray(SCOPE)
  default_scopes?: string[] | null
}

/** The body of a creation in either shape, as the later one. */
@Injectable()
export class NewIntegrationPipe implements PipeTransform<unknown, Promise<NewIntegrationBody>> {
  async transform(value: unknown): Promise<NewIntegrationBody> {
    if (!isOlder(value)) return await checked(NewIntegrationBody, value)
    const { client_id, client_secret, tenant_id, description, default_scopes } = await checked(
      OlderIntegrationBody,
      value,
    )
    const scopes = default_scopes?.join(' ')
    return {
      template: OLDEST_TEMPLATE.id,
      description: description ?? null,
      config: { client_id, client_secret, tenant_id, ...(scopes && { scopes }) },
    }
  }
}

const isOlder = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !('template' in value) &&
  !('config' in value) &&
  MEMBERS.some((member) => member in value)

async function checked<T extends object>(type: new () => T, value: unknown): Promise<T> {
  const instance = plainToInstance(type, Array.isArray(value) ? {} : value)
  const errors = await validate(instance, { whitelist: true, forbidUnknownValues: true, stopAtFirstError: true })
  if (errors.length > 0) throw invalidParameter(errors)
  return instance
}

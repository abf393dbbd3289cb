import { ApiProperty } from '@nestjs/swagger'
import type { AuthType } from '#libs/contracts'
import { IsGuid, refusedAs, toTime } from '#libs/service'
import type { Integration } from '../integration/integration.entity.js'
import type { Association } from './content.entity.js'

/** As many as one content item may have. */
export const MOST_ASSOCIATIONS = 100

export class AssociationBody {
  @ApiProperty({ description: 'The integration that the content may use.' })
  @IsGuid(refusedAs('association.integration_unknown', 'The oauth_integration_guid must be a GUID.'))
  oauth_integration_guid: string
}

/** One integration that a content item may use. */
export class AssociationView {
  @ApiProperty({ description: 'Same as content_guid.', deprecated: true })
  app_guid: string

  @ApiProperty({ description: 'The content item.' })
  content_guid: string

  @ApiProperty({ description: 'The integration.' })
  oauth_integration_guid: string

  @ApiProperty({ description: 'Its name.', nullable: true, type: String })
  oauth_integration_name: string | null

  @ApiProperty({ description: 'Its description.', nullable: true, type: String })
  oauth_integration_description: string | null

  @ApiProperty({ description: 'The template that it was made from.' })
  oauth_integration_template: string

  @ApiProperty({ description: 'Whose authorization it is: the viewer’s or the service account’s.' })
  oauth_integration_auth_type: AuthType

  @ApiProperty({ description: 'When it was associated.' })
  created_time: string
}

export const associationView = (association: Association, integration: Integration): AssociationView => ({
  app_guid: association.contentGuid,
  content_guid: association.contentGuid,
  oauth_integration_guid: association.integrationGuid,
  oauth_integration_name: integration.name,
  oauth_integration_description: integration.description,
  oauth_integration_template: integration.template,
  oauth_integration_auth_type: integration.authType,
  created_time: toTime(association.createdAt),
})

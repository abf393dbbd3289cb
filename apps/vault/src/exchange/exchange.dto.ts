import { ApiProperty } from '@nestjs/swagger'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE, TOKEN_TYPE } from '#libs/contracts'

/** For the documentation only: the form is read by `decide.ts`, which has a code for each fault. */
export class ExchangeForm {
  @ApiProperty({ enum: [GRANT_TYPE_TOKEN_EXCHANGE], description: 'Always this one.' })
  grant_type: string

  @ApiProperty({
    enum: [SUBJECT_TOKEN_TYPE.userSession, SUBJECT_TOKEN_TYPE.contentSession],
    description: 'What the subject token is: a viewer’s session in one content item, or the content item itself.',
  })
  subject_token_type: string

  @ApiProperty({
    description:
      'The token that the content got in the header Posit-Connect-User-Session-Token, or one that was made for it at ' +
      '/v1/content/{guid}/session-token.',
  })
  subject_token: string

  @ApiProperty({
    required: false,
    enum: Object.keys(TOKEN_TYPE),
    description: 'What is wanted; an access token if absent.',
  })
  requested_token_type?: string

  @ApiProperty({
    required: false,
    format: 'uuid',
    description: 'GUID of the integration; needed when the content is associated with more than one.',
  })
  audience?: string
}

export class ExchangeAnswer {
  @ApiProperty({
    description:
      'The provider’s access token for the viewer, or of the service account; a short-lived API key of the viewer; or ' +
      'temporary credentials, base64 of JSON with accessKeyId, secretAccessKey, sessionToken and expiration.',
  })
  access_token: string

  @ApiProperty({
    enum: Object.keys(TOKEN_TYPE),
    description: 'What access_token is.',
  })
  issued_token_type: string

  @ApiProperty({
    enum: Object.values(TOKEN_TYPE),
    description:
      'How it is used: `Bearer` (RFC 6750), `Key` for an API key of this server, or as temporary credentials.',
  })
  token_type: string

  @ApiProperty({
    required: false,
    type: 'integer',
    description: 'Seconds that it is still good for; absent when the provider did not say.',
  })
  expires_in?: number

  @ApiProperty({
    required: false,
    description:
      'What the viewer has granted, perhaps less than the integration asks for; absent when the provider did not say.',
  })
  scope?: string
}

export class ExchangeRefusal {
  @ApiProperty({ description: 'Number of the error.' })
  code: number

  @ApiProperty({ description: 'What is wrong, for people.' })
  error: string

  @ApiProperty({
    nullable: true,
    type: 'object',
    additionalProperties: true,
    description:
      'oauth_error is the error of RFC 6749 or RFC 8693; consent_url is where the viewer can mend it, and comes back from.',
    example: { oauth_error: 'consent_required', consent_url: 'https://…/__oauth__/integrations/…/login?return_to=…' },
  })
  payload: Record<string, unknown> | null
}

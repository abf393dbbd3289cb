import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsBoolean, IsString, Length, registerDecorator } from 'class-validator'
import { MayBeAbsent } from '#libs/service'
import type { RepositoryRow } from './repository.entity.js'

export class RepositoryBody {
  @ApiProperty({ description: 'http or https, without credentials.', example: 'https://git.example/sales' })
  @IsString({ message: 'The repository must be text.' })
  @IsOpenUrl()
  repository: string

  @ApiPropertyOptional({ description: 'What is to be deployed.', default: 'main' })
  @MayBeAbsent()
  @Length(1, 255, { message: 'The branch must have 1 to 255 characters.' })
  branch = 'main'

  @ApiPropertyOptional({ description: 'Where in the repository the content is.', default: '.' })
  @MayBeAbsent()
  @Length(1, 1024, { message: 'The directory must have 1 to 1024 characters.' })
  directory = '.'

  @ApiPropertyOptional({ description: 'Whether changes are to be deployed by themselves.', default: true })
  @MayBeAbsent()
  @IsBoolean({ message: 'polling must be true or false.' })
  polling = true
}

export class RepositoryChangesBody {
  @ApiPropertyOptional({ description: 'http or https, without credentials.' })
  @MayBeAbsent()
  @IsString({ message: 'The repository must be text.' })
  @IsOpenUrl()
  repository?: string

  @ApiPropertyOptional({ description: 'What is to be deployed.' })
  @MayBeAbsent()
  @Length(1, 255, { message: 'The branch must have 1 to 255 characters.' })
  branch?: string

  @ApiPropertyOptional({ description: 'Where in the repository the content is.' })
  @MayBeAbsent()
  @Length(1, 1024, { message: 'The directory must have 1 to 1024 characters.' })
  directory?: string

  @ApiPropertyOptional({ description: 'Whether changes are to be deployed by themselves.' })
  @MayBeAbsent()
  @IsBoolean({ message: 'polling must be true or false.' })
  polling?: boolean
}

/** Where the sources of a content item are. It is kept for clients: nothing is fetched from there. */
export class RepositoryView {
  @ApiProperty({ description: 'Its URL.' })
  repository: string

  @ApiProperty({ description: 'What is to be deployed.' })
  branch: string

  @ApiProperty({ description: 'Where in the repository the content is.' })
  directory: string

  @ApiProperty({ description: 'Whether changes are to be deployed by themselves.' })
  polling: boolean

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  last_error: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  last_known_commit: null
}

export const repositoryView = ({ repository, branch, directory, polling }: RepositoryRow): RepositoryView => ({
  repository,
  branch,
  directory,
  polling,
  last_error: null,
  last_known_commit: null,
})

/** It stands in the log for ever, so no credential may be in it, in whatever part. */
function IsOpenUrl(): PropertyDecorator {
  return (prototype, property) =>
    registerDecorator({
      name: 'isOpenUrl',
      target: prototype.constructor,
      propertyName: String(property),
      options: { message: 'The repository must be an http or https URL without credentials, query or fragment.' },
      validator: {
        validate(text: unknown): boolean {
          const url = typeof text === 'string' && text.length <= 2048 ? URL.parse(text) : null
          return url !== null && /^https?:\/\//i.test(url.href) && !/[@?#\s]/.test(url.host + (text as string))
        },
      },
    })
}

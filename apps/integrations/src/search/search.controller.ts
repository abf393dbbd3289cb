import { Controller, Get, Query } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator'
import { mustBePerson, type Actor } from '#libs/contracts'
import { CurrentActor, MayBeAbsent, NotAudited, RequireRole } from '#libs/service'
import { includesOf } from '../content/content-includes.js'
import { ContentView } from '../content/content.dto.js'
import { ContentSearch } from './content-search.js'
import { searchTermsOf } from './search-terms.js'

class SearchQuery {
  @ApiPropertyOptional({
    description:
      'Words, by their beginning, of name, title and description; `owner:` a username or @me, `tag:`, `type:` an app_mode, `is:` locked or unlocked; each also with `-`. Nothing finds everything.',
    example: 'sales owner:priya -draft',
  })
  @MayBeAbsent()
  @IsString({ message: 'The q must be given once.' })
  @MaxLength(1_000, { message: 'The q may have at most 1000 characters.' })
  q = ''

  @ApiPropertyOptional({ description: 'Some of owner, tags, vanity_url, separated by commas.' })
  @MayBeAbsent()
  @IsString({ message: 'The include must be given once.' })
  include?: string

  @ApiPropertyOptional({ description: 'Counted from 1.', type: Number, default: 1 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  page_number = 1

  @ApiPropertyOptional({ description: 'At most 500.', type: Number, default: 20 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  page_size = 20
}

class ContentPage {
  @ApiProperty({ description: 'Oldest first.', type: [ContentView] })
  results: ContentView[]

  @ApiProperty({ description: 'Counted from 1.' })
  current_page: number

  @ApiProperty({ description: 'How many there are on all pages.' })
  total: number
}

@ApiTags('Content')
@Controller('__api__/v1/search/content')
export class SearchController {
  constructor(private readonly search: ContentSearch) {}

  @Get()
  @ApiOperation({ summary: 'Searches the content that the caller may see' })
  @ApiOkResponse({ type: ContentPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  async find(
    @Query() { q, include, page_number: number, page_size: size }: SearchQuery,
    @CurrentActor() actor: Actor,
  ): Promise<ContentPage> {
    const includes = includesOf(include)
    const { results, total } = await this.search.find(searchTermsOf(q), mustBePerson(actor), { number, size }, includes)
    return { results, current_page: number, total }
  }
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { IsInt, Max, Min } from 'class-validator'
import { MayBeAbsent } from '#libs/service'

/** Which page of a list is asked for. */
export class PageQuery {
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

/** What a page says beside its `results`; clients know exactly these three members. */
export class PageView {
  @ApiProperty({ description: 'Counted from 1.' })
  current_page: number

  @ApiProperty({ description: 'How many there are on all pages.' })
  total: number
}

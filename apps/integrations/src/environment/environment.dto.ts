import { ApiProperty } from '@nestjs/swagger'
import { IsString, Matches, MaxLength, ValidateIf } from 'class-validator'

/** No `=`, which ends a name, and no control characters. */
const NAME = /^[^=\p{Cc}]+$/u

export class VariableBody {
  @ApiProperty({ description: 'Its name; may begin with an underscore.', example: 'REGION' })
  @IsString({ message: 'The name must be text.' })
  @MaxLength(255, { message: 'The name may have at most 255 characters.' })
  @Matches(NAME, { message: 'The name must have no = and no control characters, and must not be empty.' })
  name: string

  @ApiProperty({
    description: 'Not kept, since content does not run here; `null` removes the name.',
    nullable: true,
    type: String,
    writeOnly: true,
  })
  @ValidateIf((body: VariableBody) => body.value !== null && body.value !== undefined)
  @IsString({ message: 'The value must be text or null.' })
  value: string | null
}

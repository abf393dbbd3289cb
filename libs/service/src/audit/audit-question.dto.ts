import { Type } from 'class-transformer'
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator'
import {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditAction,
  type AuditCondition,
  type AuditPlace,
  type AuditQuestion,
  type AuditSource,
} from '#libs/contracts'
import { MayBeAbsent } from '../errors/may-be-absent.js'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
const MOST = 2_000

class AuditPlaceBody implements AuditPlace {
  @Matches(TIME)
  at: string

  @IsIn(Object.values(AUDIT_SOURCES))
  source: AuditSource

  @Matches(/^\d{1,19}$/)
  position: string
}

class AuditConditionBody implements AuditCondition {
  @MayBeAbsent()
  @IsBoolean()
  not?: boolean

  @MayBeAbsent()
  @IsArray()
  @IsIn(Object.keys(AUDIT_ACTIONS), { each: true })
  actions?: AuditAction[]

  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST)
  @IsString({ each: true })
  people?: string[]

  @MayBeAbsent()
  @IsBoolean()
  system?: boolean

  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST)
  @IsString({ each: true })
  things?: string[]

  @MayBeAbsent()
  @IsString()
  @MaxLength(MOST)
  words?: string
}

/** An `AuditQuestion` as a body. */
export class AuditQuestionBody implements AuditQuestion {
  @IsInt()
  @Min(1)
  @Max(501)
  limit: number

  @IsIn(['ascending', 'descending'])
  order: 'ascending' | 'descending'

  @MayBeAbsent()
  @Type(() => AuditPlaceBody)
  @ValidateNested()
  after?: AuditPlaceBody

  @MayBeAbsent()
  @Matches(TIME)
  until?: string

  @MayBeAbsent()
  @Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/)
  since?: string

  @MayBeAbsent()
  @Matches(TIME)
  before?: string

  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(100)
  @Type(() => AuditConditionBody)
  @ValidateNested({ each: true })
  conditions?: AuditConditionBody[]

  @MayBeAbsent()
  @IsBoolean()
  count?: boolean
}

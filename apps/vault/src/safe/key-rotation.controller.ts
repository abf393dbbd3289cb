import { Body, Controller, Delete, Get, HttpCode, Param, ParseIntPipe, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator'
import type { SafeKeyVersion, SafeRewrapping } from '#libs/contracts'
import { NotAudited, ServiceOnly } from '#libs/service'
import { KeyRotation } from './key-rotation.js'
import { SafeKeys } from './safe-keys.js'

class RewrappingBody {
  @IsOptional()
  @Matches(/^[\w./-]+#\d{1,10}$/)
  after?: string

  @IsInt()
  @Min(1)
  @Max(5_000)
  limit: number

  @IsOptional()
  @IsBoolean()
  delete_damaged?: boolean
}

const KEYS_ONLY = 'changes no fact, and keys are in no log of events; the service’s own log says it'

/** The keys of the safe, for somebody at the shell. No answer holds a key. */
@ApiExcludeController()
@Controller('internal/operator/safe-keys')
export class KeyRotationController {
  constructor(
    private readonly keys: SafeKeys,
    private readonly rotation: KeyRotation,
  ) {}

  @Get()
  @ServiceOnly('operatorListsSafeKeys')
  @NotAudited('read only')
  async list(): Promise<{ versions: SafeKeyVersion[] }> {
    return { versions: await this.keys.list() }
  }

  @Post()
  @ServiceOnly('operatorMakesSafeKey')
  @NotAudited(KEYS_ONLY)
  async make(): Promise<{ version: number }> {
    return { version: await this.keys.make() }
  }

  @Post('rewrapping')
  @HttpCode(200)
  @ServiceOnly('operatorRewrapsSafe')
  @NotAudited(KEYS_ONLY)
  rewrap(@Body() { after, limit, delete_damaged }: RewrappingBody): Promise<SafeRewrapping> {
    return this.rotation.rewrap(after, limit, delete_damaged)
  }

  @Delete(':version')
  @ServiceOnly('operatorRetiresSafeKey')
  @NotAudited(KEYS_ONLY)
  async retire(@Param('version', ParseIntPipe) version: number): Promise<{ removed: boolean }> {
    return { removed: await this.keys.retire(version) }
  }
}

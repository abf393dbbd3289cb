import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Transform } from 'class-transformer'
import { IsBoolean, IsString } from 'class-validator'
import { MayBeAbsent, toTime } from '#libs/service'
import type { Bundle } from './bundle.entity.js'

export class DeployBody {
  @ApiPropertyOptional({ description: 'The bundle; without one, the one deployed before, or the newest.' })
  @MayBeAbsent()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'number' ? String(value) : value))
  @IsString({ message: 'The bundle_id must be text.' })
  bundle_id?: string

  @ApiPropertyOptional({ description: 'Must not be false: there are no drafts.' })
  @MayBeAbsent()
  @IsBoolean({ message: 'activate must be true or false.' })
  activate?: boolean
}

export class DeployView {
  @ApiProperty({ description: 'See `GET /v1/tasks/{id}`.' })
  task_id: string
}

class BundleMetadata {
  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  source: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  source_repo: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  source_branch: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  source_commit: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  archive_md5: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  archive_sha1: null
}

/** An uploaded archive and what its manifest says. It is kept and never run. */
export class BundleView {
  @ApiProperty({ description: 'Digits.' })
  id: string

  @ApiProperty({ description: 'The content item.' })
  content_guid: string

  @ApiProperty({ description: 'When it was uploaded.' })
  created_time: string

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  cluster_name: null

  @ApiProperty({ description: 'Always null.', nullable: true, type: String })
  image_name: null

  @ApiProperty({ description: 'As the manifest has it.', nullable: true, type: String })
  r_version: string | null

  @ApiProperty({ description: 'Always null.', nullable: true, type: Boolean })
  r_environment_management: null

  @ApiProperty({ description: 'As the manifest has it.', nullable: true, type: String })
  py_version: string | null

  @ApiProperty({ description: 'Always null.', nullable: true, type: Boolean })
  py_environment_management: null

  @ApiProperty({ description: 'As the manifest has it.', nullable: true, type: String })
  quarto_version: string | null

  @ApiProperty({ description: 'Whether it is the one that is deployed.' })
  active: boolean

  @ApiProperty({ description: 'Of the archive, in bytes.' })
  size: number

  @ApiProperty({ description: 'Always without values.' })
  metadata: BundleMetadata
}

/** @param activeId of the bundle that is deployed */
export const bundleView = (bundle: Bundle, activeId: string | null): BundleView => ({
  id: bundle.position,
  content_guid: bundle.contentGuid,
  created_time: toTime(bundle.createdAt),
  cluster_name: null,
  image_name: null,
  r_version: bundle.rVersion,
  r_environment_management: null,
  py_version: bundle.pyVersion,
  py_environment_management: null,
  quarto_version: bundle.quartoVersion,
  active: bundle.position === activeId,
  size: Number(bundle.size),
  metadata: {
    source: null,
    source_repo: null,
    source_branch: null,
    source_commit: null,
    archive_md5: null,
    archive_sha1: null,
  },
})

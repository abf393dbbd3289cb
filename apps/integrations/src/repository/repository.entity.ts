import { Column, Entity, PrimaryColumn } from 'typeorm'

/** A row of `repository`, written by its projection only. */
@Entity('repository')
export class RepositoryRow {
  @PrimaryColumn('uuid', { name: 'content_guid' })
  contentGuid: string

  @Column('text')
  repository: string

  @Column('text')
  branch: string

  @Column('text')
  directory: string

  @Column('boolean')
  polling: boolean
}

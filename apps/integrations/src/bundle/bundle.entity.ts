import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { AppMode } from '../content/app-mode.js'

/** A row of `bundle`, written by its projection only. */
@Entity('bundle')
export class Bundle {
  @PrimaryColumn('uuid')
  guid: string

  /** Of the event of its upload: the API's id. */
  @Column('bigint')
  position: string

  @Column('uuid', { name: 'content_guid' })
  contentGuid: string

  /** Bytes. */
  @Column('bigint')
  size: string

  /** Of the archive, in hex. */
  @Column('text')
  sha256: string

  @Column('text', { name: 'app_mode' })
  appMode: AppMode

  @Column('text', { name: 'content_category' })
  contentCategory: string

  @Column('text', { name: 'r_version', nullable: true })
  rVersion: string | null

  @Column('text', { name: 'py_version', nullable: true })
  pyVersion: string | null

  @Column('text', { name: 'quarto_version', nullable: true })
  quartoVersion: string | null

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date
}

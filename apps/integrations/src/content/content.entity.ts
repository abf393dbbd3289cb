import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { AccessType, AuthType } from '#libs/contracts'
import type { AppMode } from './app-mode.js'
import type { RuntimeSettings } from './runtime-settings.js'

/** A row of `content`, written by its projection only. */
@Entity('content')
export class Content {
  @PrimaryColumn('uuid')
  guid: string

  /** Of the event that registered it: the API's numeric id. */
  @Column('bigint')
  position: string

  @Column('uuid', { name: 'owner_guid' })
  ownerGuid: string

  @Column('text')
  name: string

  @Column('text', { nullable: true })
  title: string | null

  @Column('text')
  description: string

  @Column('text', { name: 'access_type' })
  accessType: AccessType

  @Column('text', { name: 'app_mode' })
  appMode: AppMode

  @Column('text', { name: 'upstream_url', nullable: true })
  upstreamUrl: string | null

  /** Begins and ends with a slash. */
  @Column('text', { name: 'vanity_path', nullable: true })
  vanityPath: string | null

  @Column('timestamptz', { name: 'vanity_at', nullable: true })
  vanityAt: Date | null

  /** Of the bundle that is deployed: the position of its upload. */
  @Column('bigint', { name: 'bundle_id', nullable: true })
  bundleId: string | null

  @Column('timestamptz', { name: 'deployed_at', nullable: true })
  deployedAt: Date | null

  @Column('text', { name: 'content_category' })
  contentCategory: string

  @Column('text', { name: 'r_version', nullable: true })
  rVersion: string | null

  @Column('text', { name: 'py_version', nullable: true })
  pyVersion: string | null

  @Column('text', { name: 'quarto_version', nullable: true })
  quartoVersion: string | null

  @Column('boolean')
  locked: boolean

  @Column('text', { name: 'locked_message' })
  lockedMessage: string

  /** What was said of how to run it; absent members are the default. */
  @Column('jsonb')
  settings: Partial<RuntimeSettings>

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date
}

/** A row of `association`, written by its projection only. */
@Entity('association')
export class Association {
  @PrimaryColumn('uuid', { name: 'content_guid' })
  contentGuid: string

  @PrimaryColumn('uuid', { name: 'integration_guid' })
  integrationGuid: string

  @Column('text', { name: 'auth_type' })
  authType: AuthType

  @Column('bigint')
  position: string

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date
}

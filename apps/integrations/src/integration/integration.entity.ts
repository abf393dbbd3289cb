import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { AuthType } from '#libs/contracts'
import type { Config } from '../template/template.js'

/** A row of `integration`, written by its projection only. */
@Entity('integration')
export class Integration {
  @PrimaryColumn('uuid')
  guid: string

  /** Of the event that created it: the API's numeric id. */
  @Column('bigint')
  position: string

  @Column('text')
  template: string

  @Column('text', { name: 'auth_type' })
  authType: AuthType

  @Column('text', { nullable: true })
  name: string | null

  @Column('text', { nullable: true })
  description: string | null

  /** What the administrator gave, without secrets. */
  @Column('json')
  config: Config

  /** The place of the client secret in the vault's safe. */
  @Column('uuid', { name: 'client_secret_reference', nullable: true })
  clientSecretReference: string | null

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date
}

/** A row of `integration_permission`, written by its projection only. */
@Entity('integration_permission')
export class IntegrationPermission {
  @PrimaryColumn('uuid')
  guid: string

  @Column('uuid', { name: 'integration_guid' })
  integrationGuid: string

  /** Of the event that granted it: the API's numeric id. */
  @Column('bigint')
  position: string

  @Column('uuid', { name: 'user_guid', nullable: true })
  userGuid: string | null

  @Column('uuid', { name: 'group_guid', nullable: true })
  groupGuid: string | null
}

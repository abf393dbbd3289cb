import { Injectable, type OnModuleInit } from '@nestjs/common'
import { Client, type ClientBase, type Pool } from 'pg'
import { DataSource } from 'typeorm'
import { poolOf } from '#libs/event-sourcing'
import { findSecretKey, PrivateFileError, ServerSettings, SettingsError } from '#libs/service'

/**
 * Sees to it that the key of encrypted settings is the one that this system began with: with another key, values that
 * were encrypted elsewhere in its time (backups, other replicas' files) could not be opened any more, and nobody would
 * notice until they are needed.
 */
@Injectable()
export class KnownSecretKey implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly server: ServerSettings,
  ) {}

  /** @throws SettingsError when the key is another one, or its file is not sound; without a file nothing is checked */
  async onModuleInit(): Promise<void> {
    let fingerprint: string | undefined
    try {
      fingerprint = findSecretKey(this.server.secretKeyFile)?.fingerprint
    } catch (error) {
      if (!(error instanceof PrivateFileError)) throw error
      throw refused(`names a file that ${error.problem}`)
    }
    if (fingerprint === undefined || (await isKnown(poolOf(this.dataSource), fingerprint))) return
    throw refused(
      'names a file with another key than this system began with. Put the former key back; or, if that is lost, ' +
        'encrypt the settings again and start with `npm start -- --reset-secret-key`',
    )
  }
}

const refused = (problem: string): SettingsError =>
  new SettingsError([{ section: 'Server', setting: 'SecretKeyFile', problem }])

/** Whether the key has been this system's so far; the first one is from now on. */
export async function isKnown(client: Pool | ClientBase, fingerprint: string): Promise<boolean> {
  await client.query('insert into record.secret_key (fingerprint) values ($1) on conflict do nothing', [fingerprint])
  const { rowCount } = await client.query('select from record.secret_key where fingerprint = $1', [fingerprint])
  return rowCount === 1
}

/**
 * Forgets which key it was, so that the next start takes the one it finds.
 * @param ownerUrl of identity's database, as the role that owns it
 * @returns whether there was one
 */
export async function resetSecretKey(ownerUrl: string): Promise<boolean> {
  const client = new Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    return (await client.query('delete from record.secret_key')).rowCount === 1
  } finally {
    await client.end()
  }
}

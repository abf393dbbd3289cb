import pg from 'pg'

export interface RolePasswords {
  /** Of `<service>_owner`, who migrates. */
  readonly owner: string
  /** Of `<service>`, who serves. */
  readonly serving: string
}

/** Makes a service's two roles, or gives them these passwords. Neither may do anything but log in. */
export async function createServiceRoles(
  admin: pg.Client | pg.Pool,
  service: string,
  passwords: RolePasswords,
): Promise<void> {
  for (const [role, password] of [
    [`${service}_owner`, passwords.owner],
    [service, passwords.serving],
  ] as const) {
    const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [role])
    const verb = rowCount ? 'alter' : 'create'
    await admin.query(`${verb} role ${pg.escapeIdentifier(role)} login password ${pg.escapeLiteral(password)}`)
  }
}

/**
 * Makes a service's database, owned by `<service>_owner`, which `<service>` may enter; schemas and what is granted in
 * them are the migrations' business. Does nothing to the tables of one that exists.
 * @param template an existing database to copy
 */
export async function createServiceDatabase(
  admin: pg.Client | pg.Pool,
  service: string,
  { database = service, template }: { database?: string; template?: string } = {},
): Promise<void> {
  const [name, owner, serving] = [database, `${service}_owner`, service].map((each) => pg.escapeIdentifier(each))
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [database])
  if (!rowCount) {
    await admin.query(
      `create database ${name} owner ${owner}${template ? ` template ${pg.escapeIdentifier(template)}` : ''}`,
    )
  }
  // A copy has none of these: they are kept outside the database.
  await admin.query(`revoke all on database ${name} from public`)
  await admin.query(`grant connect on database ${name} to ${serving}`)
  await admin.query(`alter role ${serving} in database ${name} set search_path = model, record, log`)
  // public comes first: there TypeORM keeps its table of migrations, before and after the other schemas exist.
  await admin.query(`alter role ${owner} in database ${name} set search_path = public, model, record, log`)
}

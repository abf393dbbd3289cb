/** Where the servers of this run are; set by jest's global setup of project `int`. */
export function coordinate(
  name: 'KEYBEARER_TEST_POSTGRES_URL' | 'KEYBEARER_TEST_PASSWORD' | 'KEYBEARER_TEST_NATS_URL',
): string {
  const value = process.env[name]
  if (!value) throw new Error('PostgreSQL and NATS are started for specs of project int (*.int.spec.ts) only')
  return value
}

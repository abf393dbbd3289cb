import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** As many connections as a service has. */
const POOL = 16
const TAG_BYTES = 16

/** A row for each grant, sealed, and a log: the least that an exchange has to touch. */
export async function prepareFloor(url: string, rows: number, key: Buffer): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    create table sealed (id int primary key, expires_at timestamptz not null, nonce bytea not null, content bytea not null);
    create table issued (position bigint generated always as identity primary key, id int not null, at timestamptz not null default now())`)
  for (let id = 0; id < rows; id++) {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    const content = Buffer.concat([
      cipher.update(randomBytes(32).toString('base64url')),
      cipher.final(),
      cipher.getAuthTag(),
    ])
    await client.query(`insert into sealed values ($1, now() + interval '1 hour', $2, $3)`, [id, nonce, content])
  }
  await client.query('analyze sealed')
  await client.end()
}

/** Nothing but node:http: one prepared SELECT, one decryption, one INSERT a request. */
function serve(url: string, key: Buffer): void {
  const pool = new pg.Pool({ connectionString: url, max: POOL })
  const answer = async (id: number): Promise<string> => {
    const select = {
      name: 'one',
      text: 'select expires_at, nonce, content from sealed where id = $1 and expires_at > now()',
    }
    const { rows } = await pool.query<{ nonce: Buffer; content: Buffer }>({ ...select, values: [id] })
    const { nonce, content } = rows[0]!
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(content.subarray(-TAG_BYTES))
    const token = decipher.update(content.subarray(0, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    await pool.query({ name: 'two', text: 'insert into issued (id) values ($1)', values: [id] })
    return JSON.stringify({ access_token: token, token_type: 'Bearer' })
  }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.once('end', () => {
      answer(Number(new URLSearchParams(body).get('id'))).then(
        (text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text),
        () => response.writeHead(500).end(),
      )
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.once('disconnect', () => process.exit(0))
}

export const FLOOR = fileURLToPath(import.meta.url)

if (process.argv[1] === FLOOR) serve(process.env.FLOOR_URL ?? '', Buffer.from(process.env.FLOOR_KEY ?? '', 'base64'))

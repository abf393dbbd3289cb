import { randomBytes, randomUUID } from 'node:crypto'
import { Pool } from 'pg'
import { sql } from '#libs/event-sourcing'
import { Keyring } from './keyring.js'
import { placeName, seal, type Place } from './seal.js'
import { sealRepeatedly } from './seals.js'

// What `npm run prove` needs from inside the safe, as a process of its own:
//   prove.js seals COUNT                       seals one text so often, and prints what was alike
//   prove.js fill COUNT KEY_FILE DATABASE_URL  puts so many secrets into a safe, of which nobody has heard

const BATCH = 5_000

const [command, count = '', keyFile = '', databaseUrl] = process.argv.slice(2)
if (command === 'seals') {
  const key = randomBytes(32).toString('base64')
  const began = performance.now()
  const seals = sealRepeatedly(Keyring.parse(JSON.stringify({ active: 1, keys: { 1: key } })), Number(count))
  process.stdout.write(`${JSON.stringify({ ...seals, ms: Math.round(performance.now() - began) })}\n`)
} else {
  await fill(Number(count), Keyring.load(keyFile))
}

async function fill(wanted: number, keys: Keyring): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 })
  for (let done = 0; done < wanted; done += BATCH) {
    const places = Array.from({ length: Math.min(BATCH, wanted - done) }, (): Place => ['proof', randomUUID(), 'text'])
    const envelopes = places.map((place) =>
      seal(keys, place, 0, 'a refresh token of usual length, which is some 60 bytes long'),
    )
    await pool.query(sql`
      insert into safe (place, generation, envelope, kek_version)
      select place, 0, envelope, ${keys.active}
      from unnest(${places.map(placeName)}::text[], ${envelopes}::bytea[]) as given(place, envelope)`)
  }
  await pool.end()
}

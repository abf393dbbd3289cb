import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { machine, revision, round, writeReport } from '../bench/report.js'
import { DIST } from '../house.js'
import { print } from '../print.js'

const SEALS = Number(process.env.SEALS ?? 1_000_000)

interface Sealed {
  readonly seals: number
  readonly nonces: number
  readonly keystreams: number
  readonly ms: number
}

const program = path.join(DIST, 'vault/src/safe/prove.js')
const { stdout } = await promisify(execFile)(process.execPath, [program, 'seals', String(SEALS)])
const { seals, nonces, keystreams, ms } = JSON.parse(stdout) as Sealed
const text = `# One text, sealed a million times

\`npm run prove -- seals\`, ${revision()} The keys and nonces are the system’s random bytes, so no seed.

Machine: ${machine()}

The same 32 bytes of text go into the same place, under one key-encrypting key (E18).

| what | must be | was |
| --- | --- | --- |
| seals | ${SEALS} | ${seals} |
| different nonces under the key-encrypting key | ${SEALS} | ${nonces} |
| different ciphertexts of the same text, so different pairs of data key and nonce | ${SEALS} | ${keystreams} |
| seals each second | | ${round((seals / ms) * 1000)} |

With random nonces of 96 bits NIST SP 800-38D permits 2³² uses of a key. A data key is used once; the key-encrypting key
once for each secret that is sealed or rewrapped: a thousand secrets a second would use it up in 49 days, one a second in
136 years.
`
print(text)
await writeReport('seals', text)
if (nonces !== SEALS || keystreams !== SEALS) process.exitCode = 1

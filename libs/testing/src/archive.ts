import { gzipSync } from 'node:zlib'

export interface TarEntry {
  readonly name: string
  readonly data: string | Buffer
  /** `0` a file, `x` an extended header, `5` a folder. */
  readonly type?: string
  /** What the header claims, if not the truth. */
  readonly size?: number
  readonly prefix?: string
}

/** A tar archive, byte by byte. */
export const tar = (...entries: TarEntry[]): Buffer => Buffer.concat([...entries.map(entry), Buffer.alloc(1024)])

export const bundleOf = (manifest: unknown, ...others: TarEntry[]): Buffer =>
  gzipSync(tar(...others, { name: 'manifest.json', data: JSON.stringify(manifest) }))

export const manifestFor = (appmode: string, more: object = {}): object => ({
  version: 1,
  metadata: { appmode, entrypoint: 'app.py' },
  ...more,
})

function entry({ name, data, type = '0', size, prefix = '' }: TarEntry): Buffer {
  const bytes = Buffer.from(data)
  const header = Buffer.alloc(512)
  header.write(name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\0' + '00', 257)
  header.write(prefix, 345, 155)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

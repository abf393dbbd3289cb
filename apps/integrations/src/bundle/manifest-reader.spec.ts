import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundleOf, manifestFor, tar, type TarEntry } from '#libs/testing'
import { ManifestReader } from './manifest-reader.js'
import { TarReader } from './tar-reader.js'

async function read(bytes: Buffer, partSize = 1000) {
  const reader = new ManifestReader()
  try {
    for (let at = 0; at < bytes.length; at += partSize) await reader.write(bytes.subarray(at, at + partSize))
    return await reader.end()
  } finally {
    reader.destroy()
  }
}
const file = (name: string, data: TarEntry['data'] = 'x'): TarEntry => ({ name, data })
const manifest = (value: unknown): TarEntry => file('manifest.json', JSON.stringify(value))
const shiny = manifestFor('python-shiny')

describe('the manifest of a bundle', () => {
  it('is found wherever it stands, in parts of any size', async () => {
    const bundle = bundleOf(shiny, file('app.py', 'print(1)'), file('data.csv', Buffer.alloc(5_000, 7)))
    for (const size of [1, 7, 512, 100_000]) expect(await read(bundle, size)).toMatchObject({ appMode: 'python-shiny' })
  })

  it('says what runs the content, what it is and with which versions', async () => {
    const given = {
      version: 1,
      metadata: { appmode: 'rmd-static', content_category: 'site' },
      platform: '4.5.1',
      python: { version: '3.12.4' },
      quarto: { version: '1.7.0' },
    }
    expect(await read(bundleOf(given))).toEqual({
      appMode: 'rmd-static',
      contentCategory: 'site',
      rVersion: '4.5.1',
      pyVersion: '3.12.4',
      quartoVersion: '1.7.0',
    })
    expect(await read(bundleOf(shiny))).toMatchObject({ contentCategory: '', rVersion: null, pyVersion: null })
  })

  it('is read from what tar itself writes, with its folder before it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'))
    try {
      writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(shiny))
      writeFileSync(path.join(folder, 'a'.repeat(120)), 'a long name')
      for (const format of ['gnu', 'pax']) {
        const packed = execFileSync('tar', ['-C', folder, `--format=${format}`, '-czf', '-', '.'], {
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        expect(await read(packed)).toMatchObject({ appMode: 'python-shiny' })
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is the one at the root, and no other', async () => {
    const bundle = gzipSync(
      tar(
        manifest(shiny).name === 'manifest.json' ? file('sub/manifest.json', '{}') : file('x'),
        { ...file('manifest.json', '{}'), prefix: 'deep' },
        { name: 'manifest.json', data: '', type: '5' },
        { name: 'manifest.json', data: 'ignored', type: 'x' },
        file('./manifest.json', JSON.stringify(shiny)),
      ),
    )
    expect(await read(bundle)).toMatchObject({ appMode: 'python-shiny' })
  })

  it.each<[string, Buffer]>([
    ['no manifest', gzipSync(tar(file('app.py')))],
    ['a manifest that is no JSON', gzipSync(tar(file('manifest.json', '{canary')))],
    ['a manifest that is no UTF-8', gzipSync(tar(file('manifest.json', Buffer.from([0x7b, 0xff, 0x7d]))))],
    ['an empty manifest', gzipSync(tar(file('manifest.json', '')))],
    ['a manifest without metadata', gzipSync(tar(manifest({ version: 1 })))],
    ['metadata by another way', gzipSync(tar(file('manifest.json', '{"__proto__":{"metadata":{"appmode":"shiny"}}}')))],
    ['an app mode that nobody knows', gzipSync(tar(manifest(manifestFor('canary'))))],
    ['the app mode unknown', gzipSync(tar(manifest(manifestFor('unknown'))))],
    ['an empty archive', gzipSync(tar())],
  ])('is refused with 38: %s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'bundle.manifest_invalid',
      message: expect.not.stringContaining('canary') as string,
    })
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no gzip', tar(manifest(shiny))],
    ['a gzip that breaks off', bundleOf(shiny, file('a', Buffer.alloc(50_000, 1))).subarray(0, 60)],
    ['a gzip of something else', gzipSync('canary'.repeat(1000))],
    ['a manifest larger than it says it may be', gzipSync(tar({ ...manifest(shiny), size: 9 * 1024 * 1024 }))],
    ['a JSON document', Buffer.from('{}')],
  ])('cannot be read from %s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: 'request.body_unreadable' })
  })

  it('H11 is not looked for behind a bomb: few packed bytes cannot unpack to gigabytes', async () => {
    const zeros = gzipSync(Buffer.alloc(160_000_000), { level: 9 })
    const begun = process.memoryUsage().rss
    // A file of zeros that claims to be as long as a header can say.
    const head = gzipSync(tar({ name: 'zeros', data: '', size: 8 ** 11 - 1 }).subarray(0, 512))
    await expect(read(Buffer.concat([head, zeros]), 64 * 1024)).rejects.toMatchObject({
      code: 'bundle.manifest_invalid',
    })
    expect(process.memoryUsage().rss - begun).toBeLessThan(100 * 1024 * 1024)
  })

  it('is all that is kept of an archive, whatever its headers claim', () => {
    const reader = new TarReader('manifest.json', 100)
    const long = tar({ name: 'path', data: '', type: 'x', size: 8 ** 11 - 1 }).subarray(0, 512)
    expect(reader.push(long)).toBeUndefined()
    for (let part = 0; part < 100; part++) expect(reader.push(Buffer.alloc(1_000_000))).toBeUndefined()
  })
})

import { gzipSync } from 'node:zlib'

/** A bundle as existing clients upload it, of content that runs in this mode. */
export function bundle(appmode: string): Buffer {
  const manifest = { version: 1, metadata: { appmode, entrypoint: 'app.py' }, files: {} }
  return archive([
    ['manifest.json', JSON.stringify(manifest)],
    ['app.py', 'print("hello")\n'],
  ])
}

/** A gzip-compressed tar archive. @see POSIX.1-1988 ustar */
export function archive(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const blocks = files.flatMap(([name, text]) => {
    const bytes = Buffer.from(text)
    return [header(name, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(name, 0)
  block.write(octal(0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\0' + '00', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

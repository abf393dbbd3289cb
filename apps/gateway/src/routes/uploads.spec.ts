import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { Uploads } from './uploads.js'

const bodyOf = (source: Readable, headers = {}): IncomingMessage =>
  Object.assign(source, { headers }) as unknown as IncomingMessage
const response = (): ServerResponse => new EventEmitter() as ServerResponse
const read = async (parts: AsyncIterable<Buffer>): Promise<string> => {
  let text = ''
  for await (const part of parts) text += String(part)
  return text
}

describe('an upload', () => {
  it('is read once somebody takes it', async () => {
    const upload = new Uploads({ most: 10 }).take(
      bodyOf(Readable.from([Buffer.from('one'), Buffer.from('two')])),
      response(),
    )
    expect(upload.begun).toBe(false)
    expect(await read(upload)).toBe('onetwo')
    expect(upload.begun).toBe(true)
  })

  it('H01 is refused when it is too large, before or while it comes', async () => {
    const uploads = new Uploads({ most: 5 })
    const declared = () => uploads.take(bodyOf(Readable.from([]), { 'content-length': '6' }), response())
    expect(declared).toThrow(expect.objectContaining({ code: 'request.body_too_large' }))
    const grown = uploads.take(bodyOf(Readable.from([Buffer.from('three'), Buffer.from('!')])), response())
    await expect(read(grown)).rejects.toMatchObject({ code: 'request.body_too_large' })
  })

  it('H16 is given up when nothing comes', async () => {
    const silent = new Uploads({ most: 5, idleMs: 10 }).take(
      bodyOf(new Readable({ read: () => undefined })),
      response(),
    )
    await expect(read(silent)).rejects.toMatchObject({ code: 'request.body_too_slow' })
  })

  it('that breaks off is no whole body', async () => {
    const source = new Readable({ read: () => undefined })
    const cut = read(new Uploads({ most: 5 }).take(bodyOf(source), response()))
    source.destroy(new Error('aborted'))
    await expect(cut).rejects.toMatchObject({ code: 'request.body_unreadable' })
  })

  it('waits for others to end when there are many', () => {
    const uploads = new Uploads({ most: 5, mostAtOnce: 1 })
    const first = response()
    const take = (answer: ServerResponse) => uploads.take(bodyOf(Readable.from([])), answer)
    take(first)
    expect(() => take(response())).toThrow(expect.objectContaining({ code: 'service.unavailable' }))
    first.emit('close')
    expect(() => take(response())).not.toThrow()
  })
})

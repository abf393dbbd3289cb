import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10]

/**
 * Sends every message back: enough of RFC 6455 to see that a proxy lets WebSockets through. Messages of one frame and
 * under 64 KiB; anything else ends the connection.
 */
export function echoWebSocket(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key']
  if (request.url?.split('?')[0] !== '/ws' || !key) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    return
  }
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  )
  let pending = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let frame = parse(pending); frame; frame = parse(pending)) {
      pending = pending.subarray(frame.size)
      if (frame.opcode === TEXT || frame.opcode === BINARY) socket.write(build(frame.opcode, frame.payload))
      else if (frame.opcode === PING) socket.write(build(PONG, frame.payload))
      else if (frame.opcode !== PONG) return void socket.end(build(CLOSE, frame.payload.subarray(0, 2)))
    }
  })
}

/** The first whole frame of a client, if it has come; an opcode of `CLOSE` stands for all that we do not speak. */
function parse(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 6) return undefined
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const whole = (first & 0x80) !== 0 && (second & 0x80) !== 0 && short < 127
  if (!whole) return { opcode: CLOSE, payload: Buffer.alloc(0), size: bytes.length }
  const start = short === 126 ? 4 : 2
  const length = short === 126 ? bytes.readUInt16BE(2) : short
  const size = start + 4 + length
  if (bytes.length < size) return undefined
  const mask = bytes.subarray(start, start + 4)
  const payload = Buffer.from(bytes.subarray(start + 4, size).map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
  return { opcode: first & 0x0f, payload, size }
}

function build(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? [0x80 | opcode, payload.length]
      : [0x80 | opcode, 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from(head), payload])
}

import { eventually } from '#libs/testing'
import { isAlive } from './process.js'
import { runOnce, Supervised } from './supervise.js'

function supervise(script: string, options: { stopSignal?: NodeJS.Signals } = {}) {
  const lines: string[] = []
  const notices: string[] = []
  const supervised = new Supervised({
    name: 'child',
    command: { file: process.execPath, args: ['-e', script], ...options },
    line: (text) => lines.push(text),
    notice: (text) => notices.push(text),
    backoffMs: 5,
  })
  return { supervised, lines, notices }
}

const SERVES = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); setInterval(() => {}, 1000); console.log('up ' + process.pid)`

describe('a supervised process', () => {
  it('is started again when it is killed, which is said', async () => {
    const { supervised, lines, notices } = supervise(SERVES)
    await supervised.start()
    await eventually(() => lines.length === 1)
    const first = supervised.pid!
    process.kill(first, 'SIGKILL')
    await eventually(() => lines.length === 2)
    expect(supervised.pid).not.toBe(first)
    expect(notices).toEqual(['child died (SIGKILL) and is started again'])
    await supervised.stop(5000)
  })

  it('ends by its stop signal and stays away', async () => {
    const { supervised, lines, notices } = supervise(SERVES)
    await supervised.start()
    await eventually(() => lines.length === 1)
    const pid = supervised.pid!
    await supervised.stop(5000)
    expect(isAlive(pid)).toBe(false)
    expect(supervised.pid).toBeUndefined()
    await eventually(() => lines.at(-1) === 'bye')
    expect(notices).toEqual([])
    expect(supervised.starts).toBe(1)
  })

  it('is killed when it does not stop in time', async () => {
    const { supervised, lines, notices } = supervise(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`,
    )
    await supervised.start()
    await eventually(() => lines.length === 1)
    await supervised.stop(50)
    expect(supervised.running).toBe(false)
    expect(notices).toEqual(['child did not stop within 0.05 s and is killed'])
  })

  it('is not started again when it says that its settings are wrong', async () => {
    const { supervised, notices } = supervise('process.exit(78)')
    await supervised.start()
    await eventually(() => supervised.refused)
    expect(notices).toEqual(['child refuses to start'])
    expect(supervised.starts).toBe(1)
  })

  it('waits longer from death to death, and not at all for one that is stopped meanwhile', async () => {
    const { supervised, notices } = supervise('process.exit(3)')
    await supervised.start()
    await eventually(() => supervised.starts >= 4)
    await supervised.stop(5000)
    const { starts } = supervised
    expect(notices[0]).toBe('child died (exit code 3) and is started again')
    await new Promise(setImmediate)
    expect(supervised.starts).toBe(starts)
  })

  it('says that a program is not there', async () => {
    const notices: string[] = []
    const command = { file: '/nowhere/at-all', args: [] }
    const supervised = new Supervised({
      name: 'child',
      command,
      line: () => undefined,
      notice: (text) => notices.push(text),
      backoffMs: 5,
    })
    await supervised.start()
    await eventually(() => notices.some((text) => text.includes('ENOENT')))
    await supervised.stop(1000)
  })
})

describe('a program that ends by itself', () => {
  it('gives its exit code and all of its lines', async () => {
    const lines: string[] = []
    const command = {
      file: process.execPath,
      args: ['-e', `console.log('one'); console.error('two'); process.exitCode = 4`],
    }
    expect(await runOnce(command, (text) => lines.push(text), new AbortController().signal)).toBe(4)
    expect(lines.toSorted()).toEqual(['one', 'two'])
  })

  it('is ended when everything is stopped', async () => {
    const abort = new AbortController()
    const command = { file: process.execPath, args: ['-e', `console.log('up'); setInterval(() => {}, 1000)`] }
    expect(await runOnce(command, () => abort.abort(), abort.signal)).toBe(1)
  })
})

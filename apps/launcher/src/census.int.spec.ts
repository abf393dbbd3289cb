import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually } from '#libs/testing'
import { Census } from './census.js'
import { isAlive, startedAt } from './process.js'

let data: string
beforeEach(async () => (data = await mkdtemp(path.join(tmpdir(), 'keybearer-census-'))))
afterEach(() => rm(data, { recursive: true, force: true }))

function idle(): number {
  return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid!
}

describe('the census', () => {
  it('ends what a killed launcher left behind', async () => {
    const stray = idle()
    const former = [
      { name: 'launcher', pid: process.pid, startedAt: 'another life' },
      { name: 'vault', pid: stray, startedAt: await startedAt(stray) },
    ]
    await writeFile(path.join(data, 'processes.json'), JSON.stringify(former))
    const census = new Census(data)
    expect(await census.begin()).toEqual(['vault'])
    await eventually(() => !isAlive(stray))
    await census.end()
  })

  it('leaves alone a process that has the id of a former one', async () => {
    const other = idle()
    await writeFile(path.join(data, 'processes.json'), JSON.stringify([{ name: 'vault', pid: other, startedAt: '1' }]))
    const census = new Census(data)
    expect(await census.begin()).toEqual([])
    expect(isAlive(other)).toBe(true)
    process.kill(other, 'SIGKILL')
    await census.end()
  })

  it('keeps a second launcher out, which leaves the first one’s list as it is', async () => {
    const first = new Census(data)
    await first.begin()
    const before = await readFile(path.join(data, 'processes.json'), 'utf8')
    const second = new Census(data)
    await expect(second.begin()).rejects.toThrow('running on this data already')
    await second.end()
    expect(await readFile(path.join(data, 'processes.json'), 'utf8')).toBe(before)
    await first.end()
  })
})

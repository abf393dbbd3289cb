import 'reflect-metadata'
import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync, readFileSync } from 'node:fs'
import { ServerResponse } from 'node:http'
import pg from 'pg'
import { Streams } from '#libs/event-sourcing'
import { Outbound } from '#libs/oauth'
import { Supervised } from '../../launcher/src/supervise.js'

// Loaded by `node --import` into the processes of a house that is under test: in the vault it holds a refresh up at labelled
// moments, at which the test then kills the process. The vault's own code knows nothing of it, and no other house loads it.

/** The file that names the point; reached points and measured windows are appended to the same name with `.reached`. */
const file = process.env.KEYBEARER_E2E_FAILPOINTS
const instance = process.env.KEYBEARER_INSTANCE

if (file !== undefined && instance?.startsWith('vault')) install(file)
if (file !== undefined && instance === undefined) restartAtOnce()

/** In the launcher, which otherwise takes a rest that grows with each death. */
function restartAtOnce(): void {
  const { start } = Supervised.prototype
  Supervised.prototype.start = function (this: Supervised) {
    Object.assign(this, { options: { ...(this as unknown as { options: object }).options, backoffMs: 5 } })
    return start.call(this)
  }
}

function install(control: string): void {
  const say = (line: string): void => appendFileSync(`${control}.reached`, `${line}\n`)
  const isArmed = (point: string): boolean => {
    try {
      return readFileSync(control, 'utf8').trim() === point
    } catch {
      return false
    }
  }
  const holdAt = async (point: string): Promise<void> => {
    if (!isArmed(point)) return
    say(point)
    await new Promise<never>(() => undefined)
  }
  const storing = new AsyncLocalStorage<boolean>()
  let heardAt = 0

  const request = Outbound.prototype.request
  Outbound.prototype.request = async function (options) {
    const isRefresh = typeof options.body === 'string' && options.body.includes('grant_type=refresh_token')
    if (isRefresh) await holdAt('FP1')
    const answer = await request.call(this, options)
    if (isRefresh) {
      heardAt = performance.now()
      await holdAt('FP5')
    }
    return answer
  }

  const handle = Streams.prototype.handle
  Streams.prototype.handle = async function (this: Streams, ...args: Parameters<typeof handle>) {
    const { type } = args[2] as { type?: string }
    if (type === 'BeginRefresh') await holdAt('FP0')
    if (type !== 'RecordRefreshed') return await handle.apply(this, args)
    const handled = await storing.run(true, () => handle.apply(this, args))
    say(`W ${performance.now() - heardAt}`)
    await holdAt('FP7')
    return handled
  } as typeof handle

  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => Promise<unknown> }
  const { query } = prototype
  prototype.query = function (this: unknown, ...args: unknown[]) {
    const send = (): Promise<unknown> => query.apply(this, args)
    if (args[0] !== 'commit' || !storing.getStore()) return send()
    return holdAt('FP6, not stored')
      .then(send)
      .then((answer) => holdAt('FP6, stored').then(() => answer))
  }

  const end = ServerResponse.prototype.end as (...args: unknown[]) => ServerResponse
  ServerResponse.prototype.end = function (this: ServerResponse, ...args: unknown[]) {
    if (this.req?.url?.endsWith('/oauth/integrations/credentials') && this.statusCode === 200 && isArmed('FP8')) {
      say('FP8')
      return this
    }
    return end.apply(this, args)
  } as typeof ServerResponse.prototype.end
}

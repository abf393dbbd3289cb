import type { Request, Response } from 'express'
import type { Streams } from '#libs/event-sourcing'
import { ServerSettings } from '#libs/service'
import type { UserQueries } from '../user/user.queries.js'
import { LogoutController } from './logout.controller.js'
import { newSession } from './session.js'

describe('the way out', () => {
  const { secret, sid } = newSession(new Date(), 1_000)
  let ended: unknown[]
  let controller: LogoutController

  beforeEach(() => {
    ended = []
    const streams = { handle: (_: unknown, __: string, command: unknown) => Promise.resolve(ended.push(command)) }
    const users = {
      ofSession: (asked: string) => Promise.resolve(asked === sid ? { guid: 'vera', role: 'viewer' } : undefined),
    }
    const server = Object.assign(new ServerSettings(), { address: 'http://localhost:3939/kb/' })
    controller = new LogoutController(streams as unknown as Streams, users as unknown as UserQueries, server)
  })

  async function leave(headers: Record<string, string>) {
    const answer = { status: 0, location: '', body: '', headers: {} as Record<string, unknown> }
    const response = {
      append: (name: string, value: string) => void (answer.headers[name] = value),
      setHeader: (name: string, value: string) => void (answer.headers[name] = value),
      set: (all: object) => (Object.assign(answer.headers, all), response),
      status: (status: number) => ((answer.status = status), response),
      send: (body: string) => void (answer.body = body),
      redirect: (status: number, location: string) => void Object.assign(answer, { status, location }),
    }
    const request = { headers: { cookie: `keybearer_session=${secret.reveal()}`, ...headers } }
    await controller.leave(request as unknown as Request, response as unknown as Response)
    return answer
  }

  it.each<Record<string, string>>([{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }])(
    'is taken at once by who follows our link, or types it: %j',
    async (headers) => {
      expect(await leave(headers)).toMatchObject({ status: 302, location: 'http://localhost:3939/kb/' })
      expect(ended).toEqual([{ type: 'EndSession', sid, reason: 'logout' }])
    },
  )

  it.each(['cross-site', 'same-site', 'anything'])(
    'is asked about first when a page of others leads to it: %s',
    async (site) => {
      const answer = await leave({ 'sec-fetch-site': site })
      expect(ended).toEqual([])
      expect(answer.status).toBe(200)
      expect(answer.headers).not.toHaveProperty('Set-Cookie')
      expect(answer.headers['Content-Security-Policy']).toMatch("frame-ancestors 'none'")
      expect(answer.body).toContain(
        '<form action="http://localhost:3939/kb/__logout__"><button>Log out</button></form>',
      )
    },
  )
})

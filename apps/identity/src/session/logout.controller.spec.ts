import { Logger } from '@nestjs/common'
import type { Request, Response } from 'express'
import type { ProviderMetadata } from '#libs/oauth'
import { ServerSettings } from '#libs/service'
import type { OpenIdProvider } from '../login/open-id-provider.js'
import type { UserQueries } from '../user/user.queries.js'
import { LogoutController } from './logout.controller.js'
import { newSession } from './session.js'
import type { Sessions } from './sessions.js'

describe('the way out', () => {
  const { secret, sid } = newSession(new Date(), 1_000)
  let ended: unknown[]
  let controller: LogoutController
  let metadata: () => Promise<Partial<ProviderMetadata>>

  beforeAll(() => Logger.overrideLogger(false))
  beforeEach(() => {
    ended = []
    metadata = () => Promise.resolve({})
    const sessions = {
      end: (session: object, reason: string) => Promise.resolve(ended.push({ ...session, reason })),
    }
    const users = {
      ofSession: (asked: string) => Promise.resolve(asked === sid ? { guid: 'vera', role: 'viewer' } : undefined),
    }
    const server = Object.assign(new ServerSettings(), { address: 'http://localhost:3939/kb/' })
    const provider = { clientId: 'keybearer', issuer: 'https://openid.example.com', metadata: () => metadata() }
    controller = new LogoutController(
      sessions as unknown as Sessions,
      users as unknown as UserQueries,
      provider as unknown as OpenIdProvider,
      server,
    )
  })

  const answering = () => {
    const answer = {
      status: 0,
      location: '',
      body: '',
      cookies: [] as string[],
      headers: {} as Record<string, unknown>,
    }
    const response = {
      append: (_name: 'Set-Cookie', value: string) => void answer.cookies.push(value),
      setHeader: (name: string, value: string) => void (answer.headers[name] = value),
      set: (all: object) => (Object.assign(answer.headers, all), response),
      status: (status: number) => ((answer.status = status), response),
      send: (body: string) => void (answer.body = body),
      redirect: (status: number, location: string) => void Object.assign(answer, { status, location }),
    }
    return { answer, response: response as unknown as Response }
  }

  async function leave(headers: Record<string, string>) {
    const { answer, response } = answering()
    const request = { headers: { cookie: `keybearer_session=${secret.reveal()}`, ...headers } }
    await controller.leave(request as unknown as Request, response)
    return answer
  }

  it.each<Record<string, string>>([{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }])(
    'is taken at once by who follows our link, or types it: %j',
    async (headers) => {
      expect(await leave(headers)).toMatchObject({ status: 302, location: 'http://localhost:3939/kb/' })
      expect(ended).toEqual([{ userGuid: 'vera', sid, reason: 'logout' }])
    },
  )

  it.each(['cross-site', 'same-site', 'anything'])(
    'is asked about first when a page of others leads to it: %s',
    async (site) => {
      const answer = await leave({ 'sec-fetch-site': site })
      expect(ended).toEqual([])
      expect(answer.status).toBe(200)
      expect(answer.cookies).toEqual([])
      expect(answer.headers['Content-Security-Policy']).toMatch("frame-ancestors 'none'")
      expect(answer.body).toContain('<a class="button" href="http://localhost:3939/kb/__logout__">Log out</a>')
    },
  )

  describe('at a provider with a logout of its own', () => {
    const come = (state: unknown, cookie = '') => {
      const { answer, response } = answering()
      controller.done({ headers: { cookie } } as Request, response, state)
      return answer
    }

    it('leads there, without an ID token, and back to a page that knows it', async () => {
      metadata = () => Promise.resolve({ end_session_endpoint: 'https://openid.example.com/bye?tenant=1' })
      const { location, cookies } = await leave({})
      const url = new URL(location)
      expect(url.origin + url.pathname).toBe('https://openid.example.com/bye')
      const state = url.searchParams.get('state')!
      expect(Object.fromEntries(url.searchParams)).toEqual({
        tenant: '1',
        client_id: 'keybearer',
        post_logout_redirect_uri: 'http://localhost:3939/kb/__logout__/done',
        state: expect.stringMatching(/^[\w-]{43}$/) as string,
      })
      expect(ended).toHaveLength(1)
      expect(cookies.at(-1)).toBe(`keybearer_logout=${state}; Max-Age=600; Path=/kb/__logout__; HttpOnly; SameSite=Lax`)

      const back = come(state, `keybearer_logout=${state}`)
      expect(back).toMatchObject({ status: 200, body: expect.stringContaining('logged out here and at') as string })
      expect(back.cookies).toEqual(['keybearer_logout=; Max-Age=0; Path=/kb/__logout__; HttpOnly; SameSite=Lax'])
    })

    it.each([
      ['no state', undefined, 'keybearer_logout=a'],
      ['another state', 'b', 'keybearer_logout=a'],
      ['two states', ['a', 'a'], 'keybearer_logout=a'],
      ['no cookie', 'a', ''],
    ])('tells nobody that they are logged out who come with %s', (_name, state, cookie) => {
      expect(come(state, cookie)).toMatchObject({ status: 302, location: 'http://localhost:3939/kb/', body: '' })
    })

    it('that cannot be reached ends here', async () => {
      metadata = () => Promise.reject(new Error('down'))
      expect(await leave({})).toMatchObject({ status: 302, location: 'http://localhost:3939/kb/' })
      expect(ended).toHaveLength(1)
    })

    it('is not shown to somebody who has no session', async () => {
      metadata = () => Promise.resolve({ end_session_endpoint: 'https://openid.example.com/bye' })
      expect(await leave({ cookie: '' })).toMatchObject({ location: 'http://localhost:3939/kb/' })
    })
  })
})

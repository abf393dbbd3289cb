import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { apiKeyContract, contentContract, groupContract, userContract } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { Street } from '../door/street.conformance.js'

const UST = 'posit-connect-user-session-token'
const CREDENTIALS = 'rstudio-connect-credentials'

describe('a visit to content', () => {
  let street: Street

  beforeEach(async () => {
    street = new Street()
    await street.open()
  })
  afterEach(() => street.close())

  describe('may be refused', () => {
    it('with the way to log in, to somebody unknown', async () => {
      const { guid } = await street.content()
      const answer = await street.get(`/content/${guid}/a/b?c=d&e=%2F`)
      expect(answer.status).toBe(302)
      expect(answer.headers.location).toBe(
        `/__login__?return_to=${encodeURIComponent(`/content/${guid}/a/b?c=d&e=%2F`)}`,
      )
      expect((await street.send('POST', `/content/${guid}/`)).status).toBe(401)
      expect(street.app.seen).toHaveLength(0)
    })

    it('with a page, to somebody who is not on its list', async () => {
      const { header } = await street.login()
      const { guid } = await street.content({ access_type: 'acl' })
      const answer = await street.get(`/content/${guid}/`, { cookie: header })
      expect(answer.status).toBe(403)
      expect(answer.headers['content-type']).toMatch('text/html')
      expect(answer.headers['content-security-policy']).toMatch("default-src 'none'")
      expect(street.app.seen).toHaveLength(0)
    })

    it('with a page, when there is no such content', async () => {
      const answer = await street.get('/content/00000000-0000-4000-8000-000000000000/')
      expect(answer.status).toBe(404)
      expect(answer.headers['content-type']).toMatch('text/html')
      expect((await street.get('/content/nonsense/')).status).toBe(404)
    })

    it('when it is locked, even to everybody’s content', async () => {
      const { guid } = await street.content({ access_type: 'all', locked: true })
      expect((await street.get(`/content/${guid}/`)).status).toBe(403)
    })

    it('to a session that has ended, or whose person is locked', async () => {
      const { guid } = await street.content()
      const { user, cookie, header } = await street.login()
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(200)

      await street.user({ ...user, locked: true })
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(302)

      street.actors.delete(cookie)
      await street.user({ ...user, sessions: [] })
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(302)
    })

    it.each(['..%2f', '%2e%2e/', '../', '.%2e/', 'a/..%5c', '%2E%2e%2F'])(
      'G16 when its path climbs out by %s',
      async (climb) => {
        const { header } = await street.login()
        const [a, b] = [await street.content(), await street.content()]
        const answer = await street.get(`/content/${a.guid}/${climb}${b.guid}/`, { cookie: header })
        expect(answer.status).toBe(400)
        expect(street.app.seen).toHaveLength(0)
      },
    )
  })

  describe('is let in', () => {
    it('by group, if the group lives', async () => {
      const group = await street.group('analysts')
      const { header } = await street.login({ group_guids: [group.guid] })
      const { guid } = await street.content({
        access_type: 'acl',
        permissions: [{ principal_guid: group.guid, principal_type: 'group', role: 'viewer' }],
      })
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(200)
    })

    it('GRP-12 by group no more once the group is deleted, although list and membership are as they were', async () => {
      const group = await street.group('analysts')
      const { header } = await street.login({ group_guids: [group.guid] })
      const { guid } = await street.content({
        access_type: 'acl',
        permissions: [{ principal_guid: group.guid, principal_type: 'group', role: 'viewer' }],
      })
      const visit = async () => (await street.get(`/content/${guid}/`, { cookie: header })).status
      expect(await visit()).toBe(200)
      await street.tell(groupContract, group.guid, null)
      expect(await visit()).toBe(403)
    })

    it('R16 after the owner of the list has been asked, when only the copy did not know', async () => {
      const { user, header } = await street.login()
      const content = await street.content({ access_type: 'acl' })
      street.owned.set(content.guid, {
        contract: contentContract,
        state: { ...content, permissions: [{ principal_guid: user.guid, principal_type: 'user', role: 'viewer' }] },
      })
      expect((await street.get(`/content/${content.guid}/`, { cookie: header })).status).toBe(200)
    })

    it('although neither content nor session have arrived in the copies yet', async () => {
      const { user, header } = await street.login()
      const late = await street.login({ username: 'late' })
      // Another login of the same moment: identity knows the session, the copy has the person without it.
      await street.tell(userContract, late.user.guid, { ...late.user, sessions: [] })
      street.owned.set(late.user.guid, { contract: userContract, state: late.user })
      const content = street.contentState()
      street.owned.set(content.guid, { contract: contentContract, state: content })

      expect((await street.get(`/content/${content.guid}/`, { cookie: late.header })).status).toBe(200)
      expect(JSON.parse(String(street.app.last.headers[CREDENTIALS]))).toMatchObject({ user: 'late' })
      expect((await street.get(`/content/${content.guid}/`, { cookie: header })).status).toBe(200)
      expect(user.username).not.toBe('late')
    })

    it('by API key, for programs, without an introduction', async () => {
      const user = await street.user()
      const { key } = await street.apiKey(user)
      const { guid } = await street.content({ owner_guid: user.guid, access_type: 'acl' })
      const answer = await street.get(`/content/${guid}/`, { authorization: `Key ${key}` })
      expect(answer.status).toBe(200)
      for (const name of ['authorization', UST, CREDENTIALS]) expect(street.app.last.headers).not.toHaveProperty(name)
      expect((await street.get(`/content/${guid}/`, { authorization: 'Key wrong' })).status).toBe(401)
    })
  })

  describe('tells the app', () => {
    it('who the visitor is, and the path below the content', async () => {
      const groups = [await street.group('viewers'), await street.group('analysts'), await street.group('Ägypten')]
      const { header } = await street.login({ username: 'vera', group_guids: groups.map(({ guid }) => guid) })
      const { guid } = await street.content()
      const answer = await street.get(`/content/${guid}/a//b%20c?d=%2e`, {
        cookie: `${header}; mine=1`,
        'x-custom': 'yes',
      })

      expect(answer).toMatchObject({ status: 200, text: 'ok' })
      const { url, headers } = street.app.last
      expect(url).toBe('/a//b%20c?d=%2e')
      expect(headers).toMatchObject({
        [UST]: `ust-${guid}-1`,
        host: new URL(street.appUrl).host,
        cookie: 'mine=1',
        'x-custom': 'yes',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-host': street.address.host,
        'x-forwarded-proto': 'http',
        'x-forwarded-prefix': `/content/${guid}`,
      })
      const credentials = String(headers[CREDENTIALS])
      expect(credentials).toMatch(/^[\x20-\x7e]+$/)
      expect(JSON.parse(credentials)).toMatchObject({ user: 'vera', groups: ['analysts', 'viewers', 'Ägypten'] })
    })

    it('ID-31 GRP-37 who the visitor and their groups are, where names occur twice', async () => {
      const groups = [await street.group('staff'), await street.group('board'), await street.group('staff')]
      const { guid } = await street.content()
      for (const group_guids of [[groups[0]!, groups[1]!], [groups[2]!]].map((some) => some.map((each) => each.guid))) {
        const { user, header } = await street.login({ username: 'vera', group_guids })
        await street.get(`/content/${guid}/`, { cookie: header })
        expect(JSON.parse(String(street.app.last.headers[CREDENTIALS]))).toEqual({
          user: 'vera',
          user_guid: user.guid,
          groups: group_guids.length === 2 ? ['board', 'staff'] : ['staff'],
          group_guids: group_guids.toReversed(),
        })
      }
    })

    it('G18 the same session token until the session ends', async () => {
      const { guid } = await street.content()
      const { user, header } = await street.login()
      const visit = async () => {
        await street.get(`/content/${guid}/`, { cookie: header })
        return street.app.last.headers[UST]
      }
      expect(await visit()).toBe(await visit())
      const again = await street.login({ guid: user.guid })
      await street.get(`/content/${guid}/`, { cookie: again.header })
      expect(street.app.last.headers[UST]).toBe(`ust-${guid}-2`)
    })

    it('G06 nothing of an anonymous visitor, whatever they say', async () => {
      const { guid } = await street.content({ access_type: 'all' })
      await street.get(`/content/${guid}/`, {
        [UST]: 'forged',
        [CREDENTIALS]: 'forged',
        cookie: 'keybearer_session=unknown',
      })
      for (const name of [UST, CREDENTIALS, 'cookie']) expect(street.app.last.headers).not.toHaveProperty(name)
    })

    it.each([
      ['G01', UST],
      ['G01', 'Posit-Connect-User-Session-Token'],
      ['G02', 'Posit_Connect-User_Session-Token'],
      ['G02', 'POSIT_CONNECT_USER_SESSION_TOKEN'],
      ['G02', 'posit%2dconnect-user-session-token'],
      ['G02', 'posit.connect.user.session.token'],
      ['G03', CREDENTIALS],
      ['G03', 'RStudio_Connect_Credentials'],
      ['G03', 'X-RSC-Request'],
      ['G03', 'X-Auth-Request-User'],
      ['G03', 'X-Forwarded-User'],
      ['G03', 'Remote-User'],
      ['G03', 'Remote_User'],
      ['G03', 'Shiny-Server-Credentials'],
      ['G13', 'X-Forwarded-For'],
      ['G13', 'X_Forwarded_Proto'],
      ['G13', 'X-Forwarded-Prefix'],
      ['G13', 'Forwarded'],
      ['G13', 'X-Original-URL'],
      ['G13', 'X-Rewrite-Url'],
      ['G13', 'X-Real-IP'],
    ])('%s nothing that a client says under the name %s', async (_, name) => {
      const { header } = await street.login()
      const { guid } = await street.content()
      // Twice, and as a list.
      await street.get(`/content/${guid}/`, { cookie: header, [name]: ['forged', 'forged, forged'] })
      const { rawHeaders, headers } = street.app.last
      expect(JSON.stringify(rawHeaders)).not.toContain('forged')
      expect(headers[UST]).toBe(`ust-${guid}-1`)
      expect(rawHeaders.filter((each) => /posit.connect.user/i.test(each))).toHaveLength(1)
    })

    it('G04 who the visitor is, although the client’s Connection header names our headers', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      await street.get(`/content/${guid}/`, {
        cookie: header,
        connection: `close, ${UST}, ${CREDENTIALS}, x-gone`,
        'x-gone': '1',
      })
      const { headers } = street.app.last
      expect(headers[UST]).toBe(`ust-${guid}-1`)
      expect(headers).toHaveProperty(CREDENTIALS)
      expect(headers).not.toHaveProperty('x-gone')
      expect(headers.connection).not.toMatch(/posit/i)
    })

    it('G05 nothing in trailers', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      let trailers: unknown
      street.app.behave = (incoming, response) => {
        incoming.resume().on('end', () => {
          trailers = incoming.trailers
          response.end()
        })
      }
      const socket = connect(Number(street.address.port), '127.0.0.1')
      socket.write(
        `POST /content/${guid}/ HTTP/1.1\r\nHost: ${street.address.host}\r\nCookie: ${header}\r\nTransfer-Encoding: chunked\r\nTrailer: ${UST}\r\n\r\n` +
          `2\r\nab\r\n0\r\n${UST}: forged\r\n\r\n`,
      )
      await once(socket, 'data')
      socket.destroy()
      expect(street.app.last.body).toBe('ab')
      expect(trailers).toEqual({})
      expect(street.app.last.headers).not.toHaveProperty('trailer')
    })

    it('an Authorization that is not ours', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      const serviceToken = `${Buffer.from('{"typ":"keybearer-service+jwt"}').toString('base64url')}.e30.x`
      await street.get(`/content/${guid}/`, { cookie: header, authorization: 'Bearer the-apps-own' })
      expect(street.app.last.headers.authorization).toBe('Bearer the-apps-own')
      for (const authorization of [`Bearer ${serviceToken}`, 'Connect-Bootstrap eyJ']) {
        await street.get(`/content/${guid}/`, { cookie: header, authorization })
        expect(street.app.last.headers).not.toHaveProperty('authorization')
      }
    })
  })

  describe('gives back', () => {
    it('G07 G09 G10 G11 the app’s answer without what one content may not decide for all', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      const base = `/content/${guid}`
      street.app.behave = (_, response) => {
        response.writeHead(418, 'Short and stout', [
          ...['Set-Cookie', 'keybearer_session=stolen; Path=/'],
          ...['Set-Cookie', '__Host-keybearer_session=stolen; Path=/; Secure'],
          ...['Set-Cookie', 'RSC-XSRF=stolen'],
          ...['Set-Cookie', '__Host-app=1; Path=/; Secure'],
          ...['Set-Cookie', '=keybearer_session=stolen; Path=/', 'Set-Cookie', ' = keybearer_session=stolen'],
          ...['Set-Cookie', 'app=1; Domain=localhost; Path=/; HttpOnly'],
          ...['Set-Cookie', 'deep=2; path=/deep'],
          ...['Clear-Site-Data', '"*"', 'Service-Worker-Allowed', '/', 'Strict-Transport-Security', 'max-age=1'],
          ...[
            'Posit-Connect-User-Session-Token',
            'echo',
            'RStudio_Connect_Credentials',
            'echo',
            'Keybearer-Actor',
            'echo',
          ],
          ...['Connection', 'x-hop', 'X-Hop', '1', 'X-App', 'yes', 'Content-Security-Policy', "default-src 'self'"],
        ])
        response.end('body')
      }
      const answer = await street.get(`${base}/`, { cookie: header })
      expect(answer).toMatchObject({ status: 418, text: 'body' })
      expect(answer.headers['set-cookie']).toEqual([`app=1; HttpOnly; Path=${base}/`, `deep=2; Path=${base}/deep`])
      expect(answer.headers).toMatchObject({ 'x-app': 'yes', 'content-security-policy': "default-src 'self'" })
      expect(JSON.stringify(answer.headers)).not.toMatch(
        /stolen|echo|clear-site|service-worker|strict-transport|x-hop/i,
      )
    })

    it('redirects of the app as seen from outside', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      const targets = ['/in', `${street.appUrl}/in?a=b`, 'in', 'https://elsewhere.example.org/', `/content/${guid}/in`]
      const locations = []
      for (const location of targets) {
        street.app.behave = (_, response) => void response.writeHead(302, { location }).end()
        locations.push((await street.get(`/content/${guid}/`, { cookie: header })).headers.location)
      }
      const base = `/content/${guid}`
      expect(locations).toEqual([`${base}/in`, `${base}/in?a=b`, 'in', 'https://elsewhere.example.org/', `${base}/in`])
    })

    it('a redirect to the same place with a slash, where it is missing', async () => {
      const { guid } = await street.content()
      const answer = await street.get(`/content/${guid.toUpperCase()}?a=b`)
      expect(answer).toMatchObject({ status: 302, headers: { location: `/content/${guid}/?a=b` } })
    })

    it('streams, both ways, as they come', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      street.app.behave = (incoming, response) => void incoming.pipe(response)
      const outgoing = request({
        host: '127.0.0.1',
        port: street.address.port,
        method: 'POST',
        path: `/content/${guid}/`,
        headers: { host: street.address.host, cookie: header },
      })
      outgoing.write('first')
      const [answer] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream]
      expect(String((await once(answer, 'data'))[0])).toBe('first')
      outgoing.end('last')
      expect(String((await once(answer, 'data'))[0])).toBe('last')
    })

    it('G20 a page that says who can mend it, when the app cannot be reached', async () => {
      const { user, header } = await street.login()
      const owner = await street.user({ username: 'priya' })
      await street.app.close()
      const gone = await street.content({ owner_guid: owner.guid })
      const nowhere = await street.content({ owner_guid: owner.guid, upstream_url: null })
      for (const { guid } of [gone, nowhere]) {
        const answer = await street.get(`/content/${guid}/`, { cookie: header, 'x-correlation-id': 'abc' })
        expect(answer.status).toBe(502)
        expect(answer.text).toContain('Its owner (priya) can')
        expect(answer.text).toContain('abc')
      }
      expect(user.locked).toBe(false)
    })

    it('G20 half an answer as half an answer', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      street.app.behave = (_, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half', () => response.destroy())
      }
      await expect(street.get(`/content/${guid}/`, { cookie: header })).rejects.toThrow()
      expect(street.app.seen).toHaveLength(1)
    })

    it('never the answer of one of our own processes', async () => {
      const { header } = await street.login()
      const own = [...street.vault.seen]
      const vault = street.calls(street.vault, '/readyz')
      const address = street.vault.server.address() as { port: number }
      for (const host of ['127.0.0.1', 'localhost', '127.0.0.2', '[::1]', '[::ffff:127.0.0.1]']) {
        const { guid } = await street.content({ upstream_url: `http://${host}:${address.port}` })
        const answer = await street.get(`/content/${guid}/readyz`, { cookie: header })
        expect(answer.status).toBe(502)
        expect(answer.text).toContain('administrator')
      }
      const { guid } = await street.content({ upstream_url: street.address.href })
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(502)
      expect(street.vault.seen).toHaveLength(own.length + vault.length)
    })
  })

  describe('whose content wants tokens in the visitor’s name', () => {
    const viewer = '11111111-1111-4111-8111-111111111111'
    const asked = () =>
      [street.vault, street.vault2].flatMap((each) => street.calls(each, '/internal/missing-consents')).length
    const page = { accept: 'text/html,*/*' }

    it('leads through the consent first, and asks the vault once it is there no more', async () => {
      const { header } = await street.login()
      const { guid } = await street.content({ associations: [{ oauth_integration_guid: viewer, auth_type: 'Viewer' }] })
      street.missingConsents = [viewer]
      const answer = await street.get(`/content/${guid}/x?y=1`, { ...page, cookie: header })
      expect(answer.status).toBe(302)
      expect(answer.headers.location).toBe(
        `/__oauth__/integrations/${viewer}/login?return_to=${encodeURIComponent(`/content/${guid}/x?y=1`)}`,
      )

      street.missingConsents = []
      expect((await street.get(`/content/${guid}/`, { ...page, cookie: header })).status).toBe(200)
      expect((await street.get(`/content/${guid}/`, { ...page, cookie: header })).status).toBe(200)
      expect(asked()).toBe(2)
      expect(street.vault.seen.concat(street.vault2.seen)[0]!.headers['keybearer-actor']).toBe('user-for-vault')
    })

    it('is not held up when it is a part of a page, when nothing is wanted, or when the vault is down', async () => {
      const { header } = await street.login()
      const wanting = await street.content({ associations: [{ oauth_integration_guid: viewer, auth_type: 'Viewer' }] })
      const content = await street.content({
        associations: [{ oauth_integration_guid: viewer, auth_type: 'Service Account' }],
      })
      street.missingConsents = [viewer]
      expect(
        (await street.get(`/content/${wanting.guid}/`, { cookie: header, accept: 'application/json' })).status,
      ).toBe(200)
      expect(
        (await street.get(`/content/${wanting.guid}/`, { ...page, cookie: header, 'sec-fetch-dest': 'iframe' })).status,
      ).toBe(200)
      expect((await street.get(`/content/${content.guid}/`, { ...page, cookie: header })).status).toBe(200)
      expect(asked()).toBe(0)

      await Promise.all([street.vault.close(), street.vault2.close()])
      expect((await street.get(`/content/${wanting.guid}/`, { ...page, cookie: header })).status).toBe(200)
    })
  })

  describe('by WebSocket', () => {
    it('is introduced like any other, and passes bytes both ways', async () => {
      const { header } = await street.login({ username: 'vera' })
      const { guid } = await street.content()
      const { status, headers, socket } = await street.upgrade(`/content/${guid}/ws?x=1`, {
        cookie: `${header}; mine=1`,
        origin: street.address.origin,
        Posit_Connect_User_Session_Token: 'forged',
      })
      expect(status).toBe(101)
      expect(headers['set-cookie']).toEqual([`app=1; Path=/content/${guid}/`])
      expect(headers['sec-websocket-accept']).toBe('x')
      socket!.write('echo')
      expect(String((await once(socket!, 'data'))[0])).toBe('echo')
      const seen = street.app.last
      expect(seen.url).toBe('/ws?x=1')
      expect(seen.headers).toMatchObject({
        [UST]: `ust-${guid}-1`,
        cookie: 'mine=1',
        origin: new URL(street.appUrl).origin,
        upgrade: 'websocket',
      })
      expect(JSON.stringify(seen.rawHeaders)).not.toContain('forged')
      socket!.destroy()
    })

    it('D28 is refused without a session, to pages of other origins, and where there is nothing', async () => {
      const { header } = await street.login()
      const { guid } = await street.content()
      expect((await street.upgrade(`/content/${guid}/`)).status).toBe(401)
      expect(
        (await street.upgrade(`/content/${guid}/`, { cookie: header, origin: 'https://evil.example.org' })).status,
      ).toBe(403)
      expect((await street.upgrade('/content/00000000-0000-4000-8000-000000000000/')).status).toBe(404)
      expect((await street.upgrade('/__api__/v1/user', { cookie: header })).status).toBe(404)
      await street.app.close()
      expect((await street.upgrade(`/content/${guid}/`, { cookie: header })).status).toBe(502)
    })

    it.each(['the session ends', 'the person is locked', 'the access is taken away'])(
      'D28 is closed when %s',
      async (what) => {
        const { user, header } = await street.login()
        const content = await street.content({
          access_type: 'acl',
          permissions: [{ principal_guid: user.guid, principal_type: 'user', role: 'viewer' }],
        })
        const { socket } = await street.upgrade(`/content/${content.guid}/`, { cookie: header })
        let closed = false
        socket!.resume().once('close', () => (closed = true))
        await street.user({ ...user, first_name: 'New' })
        expect(closed).toBe(false)

        if (what === 'the session ends') await street.user({ ...user, sessions: [] })
        else if (what === 'the person is locked') await street.user({ ...user, locked: true })
        else await street.tell(contentContract, content.guid, { ...content, permissions: [] })
        await eventually(() => closed)
      },
    )

    it('D28 GRP-12 is closed when the group that gave access is deleted', async () => {
      const group = await street.group('analysts')
      const { header } = await street.login({ group_guids: [group.guid] })
      const content = await street.content({
        access_type: 'acl',
        permissions: [{ principal_guid: group.guid, principal_type: 'group', role: 'viewer' }],
      })
      const { socket } = await street.upgrade(`/content/${content.guid}/`, { cookie: header })
      let closed = false
      socket!.resume().once('close', () => (closed = true))
      await street.tell(groupContract, group.guid, { ...group, name: 'scientists' })
      expect(closed).toBe(false)
      await street.tell(groupContract, group.guid, null)
      await eventually(() => closed)
    })

    const openedBy = async (headers: Record<string, string>) => {
      const { guid } = await street.content()
      const { status, socket } = await street.upgrade(`/content/${guid}/`, headers)
      expect(status).toBe(101)
      const opened = { guid, closed: false }
      socket!.resume().once('close', () => (opened.closed = true))
      return opened
    }

    it('D28 is closed when its session has ended although nothing is heard of it, and no other is', async () => {
      const [gone, here] = [await street.login(), await street.login()]
      const [closing, staying] = [await openedBy({ cookie: gone.header }), await openedBy({ cookie: here.header })]
      street.silence()
      street.owned.set(gone.user.guid, { contract: userContract, state: { ...gone.user, sessions: [] } })
      await street.sockets.sweep()
      await eventually(() => closing.closed)
      expect(staying.closed).toBe(false)
    })

    it('D28 is closed when its content is gone although nothing is heard of it', async () => {
      const opened = await openedBy({ cookie: (await street.login()).header })
      street.silence()
      street.owned.delete(opened.guid)
      await street.sockets.sweep()
      await eventually(() => opened.closed)
    })

    it.each(['is deleted', 'runs out', 'is deleted, unheard'])('D28 is closed when its API key %s', async (what) => {
      const expiresAt = what === 'runs out' ? new Date(Date.now() + 1_000).toISOString() : null
      const { key, guid } = await street.apiKey(await street.user(), { expires_at: expiresAt })
      const opened = await openedBy({ authorization: `Key ${key}` })
      await street.sockets.sweep()
      expect(opened.closed).toBe(false)

      if (what === 'is deleted') await street.tell(apiKeyContract, guid, null)
      else if (what !== 'runs out') {
        street.silence()
        street.owned.delete(guid)
      }
      await eventually(async () => {
        if (what !== 'is deleted') await street.sockets.sweep()
        return opened.closed
      })
    })
  })
})

describe('a WebSocket that content opened for its visitor, by a key of the visit', () => {
  it('D28 is closed when identity does not know the key any more', async () => {
    const street = new Street()
    try {
      await street.open()
      const user = await street.user()
      const { guid } = await street.content({ owner_guid: user.guid })
      const key = `kb_${randomUUID().replaceAll('-', '')}_x`
      street.actors.set(key, { type: 'key', guid: randomUUID(), user: user.guid, role: 'viewer', visit: randomUUID() })
      const { socket } = await street.upgrade(`/content/${guid}/`, { authorization: `Key ${key}` })
      let closed = false
      socket!.resume().once('close', () => (closed = true))
      await street.sockets.sweep()
      expect(closed).toBe(false)

      street.actors.delete(key)
      street.silence()
      await eventually(async () => {
        await street.sockets.sweep()
        return closed
      })
    } finally {
      await street.close()
    }
  })
})

describe('content under a path prefix', () => {
  it('is reached, linked and left under the prefix', async () => {
    const street = new Street()
    try {
      await street.open({ prefix: '/kb' })
      const { header } = await street.login()
      const { guid } = await street.content()
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(404)
      expect((await street.get(`/kb/content/${guid}/`)).headers.location).toMatch(
        /^\/kb\/__login__\?return_to=%2Fcontent%2F/,
      )
      expect((await street.get(`/kb/content/${guid}/a`, { cookie: header })).status).toBe(200)
      expect(street.app.last).toMatchObject({ url: '/a', headers: { 'x-forwarded-prefix': `/kb/content/${guid}` } })
      street.identity.behave = (_, response) => void response.writeHead(302, { location: '/content/x' }).end()
      expect((await street.get('/kb/__login__')).headers.location).toBe('/kb/content/x')
    } finally {
      await street.close()
    }
  })
})

describe('content where groups are turned off', () => {
  it('CFG-39 lets nobody in by group, and tells it of none', async () => {
    const street = new Street()
    try {
      await street.open({ settings: '[Authorization]\nUserGroups = false' })
      const group = await street.group('analysts')
      const { header } = await street.login({ group_guids: [group.guid] })
      const permissions = [{ principal_guid: group.guid, principal_type: 'group', role: 'viewer' } as const]
      const { guid } = await street.content({ access_type: 'acl', permissions })
      expect((await street.get(`/content/${guid}/`, { cookie: header })).status).toBe(403)
      const open = await street.content({ access_type: 'logged_in' })
      expect((await street.get(`/content/${open.guid}/`, { cookie: header })).status).toBe(200)
      expect(JSON.parse(String(street.app.last!.headers['rstudio-connect-credentials']))).toMatchObject({ groups: [] })
    } finally {
      await street.close()
    }
  })
})

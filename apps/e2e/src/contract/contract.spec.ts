import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { bundleOf, eventually, manifestFor, tar } from '#libs/testing'
import { ACTS } from './acts.js'
import { Cast, fresh, newUser } from './cast.js'
import { OPERATIONS } from './document.js'
import { SHAPES } from './shapes.js'

jest.setTimeout(120_000)

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const GZIP = { 'content-type': 'application/gzip' }
const JSON_TYPE = /^application\/json\b/

type Thing = Readonly<Record<string, unknown>> & { readonly id: string; readonly guid: string }
interface Page {
  readonly results: Thing[]
  readonly current_page: number
  readonly total: number
}

describe('what existing clients rely on', () => {
  let cast: Cast
  let owner: string

  beforeAll(async () => {
    cast = await Cast.start()
    owner = cast.keys.owner!
  })
  afterAll(() => cast?.stop())

  const call = (method: string, path: string, body?: unknown, key = cast.administrator, headers = {}) =>
    cast.api.call({ method, path, key, body, headers })
  const get = async (path: string, key = cast.administrator): Promise<unknown> => {
    const { status, json } = await call('GET', path, undefined, key)
    expect(status).toBe(200)
    return json
  }

  describe('an address', () => {
    it.each([
      ['GET', '/v1/nothing'],
      ['POST', '/v1/nothing'],
      ['GET', '/nothing'],
      ['GET', '/'],
      ['GET', `/v1/content/${randomUUID()}/nothing`],
      ['GET', '/v1/oauth/nothing'],
      ['PUT', '/v1/oauth/integrations'],
      ['DELETE', '/v1/content'],
      ['PATCH', '/v1/user'],
      ['GET', '/v2/user'],
      ['GET', '/v1/User'],
    ])('that is none is 404 in plain text, without a code: %s %s', async (method, path) => {
      const { status, text, headers, code } = await call(method, path)
      expect({ status, text, code }).toEqual({ status: 404, text: '404 page not found', code: undefined })
      expect(headers['content-type']).toMatch(/^text\/plain/)
    })

    it('may end with a slash and have two in a row', async () => {
      const guid = await cast.content()
      const plain = await get(`/v1/content/${guid}`, owner)
      for (const path of [`/v1/content/${guid}/`, `//v1/content//${guid}`, `/v1//content/${guid}//`]) {
        expect(await get(path, owner)).toEqual(plain)
      }
      const { status } = await call('PATCH', `//v1/content/${guid}/`, { title: 'Twice' }, owner)
      expect(status).toBe(200)
    })

    it('D03 has a guid in one form: capitals mean the same, all else is 3', async () => {
      const guid = await cast.content()
      expect(await get(`/v1/content/${guid.toUpperCase()}`, owner)).toEqual(await get(`/v1/content/${guid}`, owner))
      const variants = [`{${guid}}`, guid.replaceAll('-', ''), '1', '-1', guid + '0', 'x'.repeat(5_000), 'undefined']
      for (const variant of variants) {
        const { status, code } = await call('GET', `/v1/content/${encodeURIComponent(variant)}`, undefined, owner)
        expect([variant, status, code]).toEqual([variant, 400, 3])
      }
      for (const variant of [`${guid}%00`, `..%2f${guid}`, `${guid}%2f..`, `${guid};x`]) {
        const { status } = await call('GET', `/v1/content/${variant}`, undefined, owner)
        expect([variant, [400, 404].includes(status)]).toEqual([variant, true])
      }
    })
  })

  describe('a request', () => {
    it('H06 API-04 has a body of JSON, whatever it is labelled', async () => {
      for (const headers of [
        FORM,
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/json; charset=utf-7' },
        {},
      ]) {
        const { status, json } = await call('POST', '/v1/content', '{"title":"Labelled"}', owner, headers)
        expect({ status, title: (json as Thing)['title'] }).toEqual({ status: 200, title: 'Labelled' })
      }
    })

    it('API-01 needs a key, in this form and no other', async () => {
      for (const authorization of [undefined, 'Bearer x', 'Basic eDp4', 'key', 'Token x', `Key${owner}`]) {
        const headers = { ...(authorization !== undefined && { authorization }) }
        const { status, code } = await cast.api.call({ method: 'GET', path: '/me', headers })
        expect([authorization, status]).toEqual([authorization, 401])
        expect([24, 30]).toContain(code)
      }
      for (const authorization of ['Key ', 'Key x', `Key ${owner}x`]) {
        const { status, code } = await cast.api.call({ method: 'GET', path: '/me', headers: { authorization } })
        expect([authorization.slice(0, 5), status, code]).toEqual([authorization.slice(0, 5), 401, 30])
      }
      const wrong = await cast.api.call({ method: 'GET', path: '/server_settings', key: 'wrong' })
      expect([wrong.status, wrong.code]).toEqual([401, 30])
    })

    it('has booleans as Go reads them', async () => {
      for (const flag of ['True', 'true', 't', '1', 'TRUE']) await get(`/v1/users?asc_order=${flag}&page_size=1`)
      for (const flag of ['False', '0', 'f']) await get(`/v1/audit_logs?ascOrder=${flag}&limit=1`)
      const { status } = await call('GET', '/v1/users?asc_order=yes')
      expect(status).toBe(400)
    })

    it('H05 gives nothing a name that could be taken for another, and leaves titles as they are', async () => {
      for (const name of ['sa\u200bles', 'sales\u202egpj', 's\u0430les', 'cafe\u0301s', 'sales😀']) {
        expect([name, (await call('POST', '/v1/content', { name }, owner)).code]).toEqual([name, 5])
      }
      // With this provider usernames are the provider's, but for what turns the writing and what nobody sees.
      for (const username of ['sales\u202egpj', 'sa\u200bles']) {
        expect((await call('POST', '/v1/users', newUser({ username }))).code).toBe(7)
      }
      expect((await call('POST', '/v1/groups', { name: 'sa\u200bles' })).code).toBe(14)
      const category = fresh('Cafe\u0301')
      expect((await call('POST', '/v1/tags', { name: category })).json).toMatchObject({
        name: category.normalize('NFC'),
      })
      expect((await call('POST', '/v1/tags', { name: category.normalize('NFC') })).code).toBe(81)
      const title = 'Umsätze \u05d0 😀 e\u0301'
      const { guid } = (await call('POST', '/v1/content', { title }, owner)).json as Thing
      expect(await get(`/v1/content/${guid}`, owner)).toMatchObject({ title })
      expect((await call('PATCH', `/v1/content/${guid}`, { title: `a${'\u0301'.repeat(1024)}` }, owner)).code).toBe(122)
    })

    it('H17 may have a body where none is needed, and members that nobody knows, which change nothing', async () => {
      const guid = await cast.content()
      expect((await call('POST', `/v1/users/${cast.guids.viewer}/lock`, { locked: false, more: 1 })).status).toBe(200)
      expect((await call('DELETE', `/v1/content/${guid}/vanity`, {}, owner)).status).toBe(204)
      const before = await get(`/v1/content/${guid}`, owner)
      const { status, json } = await call('PATCH', `/v1/content/${guid}`, { nobody_knows: { a: 1 }, id: '7' }, owner)
      expect(status).toBe(200)
      expect(json).toStrictEqual(before)
    })

    it('H09 may be long, but not without end', async () => {
      const many = Array.from({ length: 600 }, (_, index) => `p${index}=${index}`).join('&')
      expect((await call('GET', `/v1/content?${many}&name=none`, undefined, owner)).json).toEqual([])
      const { status } = await call('GET', `/v1/content?name=${'x'.repeat(100_000)}`, undefined, owner)
      expect(status).toBe(431)
    })

    it('H11 is not unpacked', async () => {
      const { status, code } = await call('POST', '/v1/content', gzipSync('{"title":"Packed"}'), owner, {
        'content-encoding': 'gzip',
      })
      expect([status, code]).toEqual([415, 87])
    })

    it('D05 changes only what its sender may change, and what there is', async () => {
      const guid = await cast.content()
      const before = (await get(`/v1/content/${guid}`, owner)) as Thing
      const more = {
        id: '1',
        guid: randomUUID(),
        created_time: '2000-01-01T00:00:00Z',
        app_role: 'owner',
        bundle_id: '1',
        content_url: 'https://evil.example/',
        role: 'administrator',
        title: 'Changed',
      }
      const key = cast.keys.collaborator!
      const changed = await call('PATCH', `/v1/content/${guid}`, more, key)
      expect(changed.json).toStrictEqual({ ...before, title: 'Changed', app_role: 'editor' })
      for (const body of [{ owner_guid: cast.guids.collaborator }, { run_as: 'root' }]) {
        const { status, code } = await call('PATCH', `/v1/content/${guid}`, body, key)
        expect([status, code]).toEqual([403, expect.any(Number)])
      }
      for (const body of ['{"__proto__":{"role":"administrator"}}', '{"constructor":{"prototype":{"a":1}}}']) {
        const { status, code } = await call('PATCH', `/v1/content/${guid}`, body, key)
        expect([status, code]).toEqual([400, 121])
      }
      expect(await get(`/v1/content/${guid}`, owner)).toStrictEqual({ ...before, title: 'Changed' })
      const self = `/v1/users/${cast.guids.publisher}`
      expect((await call('PUT', self, { user_role: 'administrator' }, cast.keys.publisher)).status).toBe(403)
      const integration = `/v1/oauth/integrations/${await cast.integration()}`
      const config = { token_uri: 'https://evil.example/token' }
      expect((await call('PATCH', integration, { config }, cast.keys.publisher)).code).toBe(22)
    })

    it('H13 counts once under an Idempotency-Key, whatever it changed, and no other counts under it', async () => {
      const path = `/v1/content/${await cast.content()}`
      const change = (title: string, key: string) => call('PATCH', path, { title }, owner, { 'idempotency-key': key })
      const refused = { status: 409, code: 80 }
      await call('PATCH', path, { title: 'As it is' }, owner)
      expect(await change('As it is', 'no change')).toMatchObject({ status: 200 })
      expect(await change('Otherwise', 'no change')).toMatchObject(refused)
      expect(await change('Changed', 'a change')).toMatchObject({ status: 200 })
      expect(await change('As it is', 'a change')).toMatchObject(refused)
      // Late repeats are answered, and undo nothing.
      for (const [title, key] of [
        ['As it is', 'no change'],
        ['Changed', 'a change'],
      ] as const) {
        expect(await change(title, key)).toMatchObject({ status: 200, json: { title: 'Changed' } })
      }
      // What was refused has not counted.
      expect((await change('x', 'mended')).code).toBe(122)
      expect(await change('Mended', 'mended')).toMatchObject({ status: 200, json: { title: 'Mended' } })
    })

    it('gets its correlation id back, or a new one', async () => {
      const id = randomUUID()
      const { headers } = await call('GET', '/v1/user', undefined, owner, { 'x-correlation-id': id })
      expect(headers['x-correlation-id']).toBe(id)
    })
  })

  describe('a thing', () => {
    /** POST, GET and the row of the list are one object, of exactly this shape. */
    async function same(shape: object, created: unknown, one: string, list: string, key = owner): Promise<void> {
      expect(created).toStrictEqual(shape)
      expect(await get(one, key)).toStrictEqual(created)
      const listed = await get(list, key)
      const rows = Array.isArray(listed) ? (listed as Thing[]) : (listed as Page).results
      const { guid, id } = created as Thing
      expect(rows.find((row) => (guid === undefined ? row.id === id : row.guid === guid))).toStrictEqual(created)
    }

    it('of content is the same in every answer', async () => {
      for (const body of [
        {},
        {
          name: fresh('named'),
          title: 'With a title',
          description: 'And more',
          access_type: 'logged_in',
          max_processes: 3,
        },
      ]) {
        const created = (await call('POST', '/v1/content', body, owner)).json as Thing
        await same(SHAPES.content, created, `/v1/content/${created.guid}`, '/v1/content', owner)
        expect((await call('PATCH', `/v1/content/${created.guid}`, {}, owner)).json).toStrictEqual(created)
        const search = `/v1/search/content?q=${created['name'] as string}&page_size=500`
        expect(((await get(search, owner)) as Page).results).toStrictEqual([created])
      }
    })

    it('of content has what `include` asks for, and tags and vanity_url only where there are any', async () => {
      const guid = await cast.content()
      const bare = (await get(`/v1/content/${guid}?include=owner,tags,vanity_url`, owner)) as Thing
      expect(bare).toStrictEqual({ ...SHAPES.content, owner: SHAPES.contentOwner })
      const { id: parent_id } = await cast.must<Thing>('POST', '/v1/tags', { name: fresh('Category') })
      const tag = await cast.must<Thing>('POST', '/v1/tags', { name: fresh('Tag'), parent_id })
      await cast.must('POST', `/v1/content/${guid}/tags`, { tag_id: tag.id }, owner)
      const path = `/${fresh('way')}/`
      await cast.must('PUT', `/v1/content/${guid}/vanity`, { path }, owner)
      const full = (await get(`/v1/content/${guid}?include=owner%2Ctags%2Cvanity_url`, owner)) as Thing
      expect(full).toStrictEqual({
        ...SHAPES.content,
        owner: SHAPES.contentOwner,
        tags: [tag],
        vanity_url: expect.stringMatching(new RegExp(`${path}$`)) as string,
      })
      const rows = (await get(`/v1/content?include=owner,tags,vanity_url`, owner)) as Thing[]
      expect(rows.find((row) => row.guid === guid)).toStrictEqual(full)
    })

    it('D06 of integrations is the same in every answer, without a secret', async () => {
      const body = {
        template: 'databricks',
        name: 'Databricks',
        description: 'For everybody',
        config: {
          auth_mode: 'Confidential',
          auth_type: 'Viewer',
          workspace_host: 'cust-success.cloud.databricks.com',
          client_id: 'an id',
          client_secret: 'not-a-real-secret',
        },
      }
      const created = (await call('POST', '/v1/oauth/integrations', body)).json as Thing
      await same(SHAPES.integration, created, `/v1/oauth/integrations/${created.guid}`, '/v1/oauth/integrations')
      expect(JSON.stringify(created)).not.toContain('not-a-real-secret')
      // What a client reads, it can send back.
      const { config } = created
      const sentBack = await call('PATCH', `/v1/oauth/integrations/${created.guid}`, { config, template: 'databricks' })
      expect(sentBack.json).toStrictEqual({ ...created, updated_time: SHAPES.integration.updated_time })
      const bare = (await call('POST', '/v1/oauth/integrations', { ...body, name: undefined, description: undefined }))
        .json
      expect(bare).toMatchObject({ name: null, description: null })
    })

    it('INT-19 of integrations is in the audit log with each new secret, and no secret is', async () => {
      const config = { client_id: 'an id', client_secret: 'not-a-real-secret' }
      const created = await call('POST', '/v1/oauth/integrations', { template: 'github', name: 'Audited', config })
      const { guid } = created.json as Thing
      const renewed = { config: { client_secret: 'another-secret' } }
      expect((await call('PATCH', `/v1/oauth/integrations/${guid}`, renewed)).status).toBe(200)
      const entries = await eventually(async () => {
        const { results } = (await get(`/v1/search/auditlogs?q=${guid}&limit=10`)) as Page
        return results.length >= 2 && results
      })
      expect(entries).toHaveLength(2)
      for (const [action, entry] of [
        ['edit_oauth_integration', entries[0]],
        ['add_oauth_integration', entries[1]],
      ]) {
        expect(entry).toMatchObject({ action, user_guid: cast.guids.administrator })
      }
      expect(JSON.stringify(entries)).not.toMatch(/not-a-real-secret|another-secret/)
    })

    it('of associations is the same in both lists', async () => {
      const content = await cast.content({ app_mode: 'python-streamlit' })
      const integration = await cast.integration()
      const path = `/v1/content/${content}/oauth/integrations/associations`
      expect(await get(path, owner)).toStrictEqual([])
      const { status, text } = await call('PUT', path, [{ oauth_integration_guid: integration }], owner)
      expect([status, text]).toEqual([204, ''])
      const listed = await get(path, owner)
      expect(listed).toStrictEqual([SHAPES.association])
      expect(await get(`/v1/oauth/integrations/${integration}/associations`)).toStrictEqual(listed)
      expect((await call('PUT', path, '[]', owner)).status).toBe(204)
      expect(await get(path, owner)).toStrictEqual([])
    })

    it('of permissions is the same in every answer, and keeps its id when its role changes', async () => {
      const content = await cast.content()
      const path = `/v1/content/${content}/permissions`
      const body = { principal_guid: cast.guids.publisher, principal_type: 'user', role: 'viewer' }
      const created = (await call('POST', path, body, owner)).json as Thing
      await same(SHAPES.permission, created, `${path}/${created.id}`, path)
      const again = await call('POST', path, { ...body, role: 'owner' }, owner)
      expect(again.json).toStrictEqual({ ...created, role: 'owner' })
      expect((await call('PUT', `${path}/${created.id}`, { role: 'viewer' }, owner)).json).toStrictEqual(created)
      expect((await call('DELETE', `${path}/${created.id}`, undefined, owner)).status).toBe(204)
      expect((await call('GET', `${path}/${created.id}`, undefined, owner)).code).toBe(4)
    })

    it('of share links shows what opens it once', async () => {
      const path = `/v1/content/${await cast.content()}/share-links`
      const created = (await call('POST', path, { expires_at: '2999-01-01T00:00:00Z' }, owner)).json as Thing
      expect(created).toStrictEqual({ ...SHAPES.shareLink, url: expect.stringContaining('/content/') as string })
      const { url: _, ...shown } = created
      expect(await get(path, owner)).toStrictEqual([shown])
    })

    it('of users, groups, members and keys is the same in every answer', async () => {
      const user = (await call('POST', '/v1/users', newUser())).json as Thing
      await same(
        SHAPES.user,
        user,
        `/v1/users/${user.guid}`,
        `/v1/users?prefix=${user['username'] as string}`,
        cast.administrator,
      )
      expect(await get(`/v1/users/${user.guid}`, cast.keys.viewer)).toStrictEqual(SHAPES.userForEverybody)
      expect(await get('/v1/user', owner)).toStrictEqual(SHAPES.user)
      expect(await get('/me', owner)).toStrictEqual(SHAPES.me)

      const group = (await call('POST', '/v1/groups', { name: fresh('group') })).json as Thing
      const groups = `/v1/groups?prefix=${group['name'] as string}`
      await same(SHAPES.group, group, `/v1/groups/${group.guid}`, groups, cast.administrator)
      const added = await call('POST', `/v1/groups/${group.guid}/members`, { user_guid: user.guid })
      expect([added.status, added.text]).toEqual([204, ''])
      expect(await get(`/v1/groups/${group.guid}/members`)).toStrictEqual({
        results: [user],
        current_page: 1,
        total: 1,
      })

      const keys = `/v1/users/${cast.guids.owner}/keys`
      const key = (await call('POST', keys, { name: 'shown once' }, owner)).json as Thing
      expect(String(key['key']).length).toBeGreaterThan(30)
      expect(await get(`${keys}/${key.id}`, owner)).toStrictEqual(SHAPES.key)
    })

    it('of OAuth sessions is the same in every answer, and of what a vendor has not heard has no token', async () => {
      const guid = await cast.sessions.of('to look at')
      const session = await get(`/v1/oauth/sessions/${guid}`, owner)
      const list = '/v1/oauth/sessions'
      await same(SHAPES.oauthSession, session, `${list}/${guid}`, list, owner)
      expect(session).toMatchObject({ user_guid: cast.guids.owner, has_refresh_token: true })
      expect(await get(`${list}?all=true`)).toContainEqual(session)
      const owed = await cast.sessions.owedRevocation()
      const rows = (await get('/v1/oauth/revocations')) as Thing[]
      expect(rows.find((row) => row.guid === owed)).toStrictEqual(SHAPES.owedRevocation)
    })

    it('of bundles, tasks, vanity paths, tags, variables and repositories is the same in every answer', async () => {
      const path = `/v1/content/${await cast.content()}`
      const uploaded = (await call('POST', `${path}/bundles`, bundleOf(manifestFor('python-shiny')), owner, GZIP))
        .json as Thing
      expect(await get(`${path}/bundles/${uploaded.id}`, owner)).toStrictEqual(uploaded)
      expect(await get(`${path}/bundles`, owner)).toStrictEqual([uploaded])
      const { task_id } = (await call('POST', `${path}/deploy`, { bundle_id: uploaded.id }, owner)).json as {
        task_id: string
      }
      expect(await get(`/v1/tasks/${task_id}?wait=1&first=0`, owner)).toStrictEqual(SHAPES.task)
      expect(await get(path, owner)).toMatchObject({ app_mode: 'python-shiny', bundle_id: uploaded.id })

      const vanity = (await call('PUT', `${path}/vanity`, { path: fresh('way') }, owner)).json
      expect(vanity).toStrictEqual(SHAPES.vanity)
      expect(await get(`${path}/vanity`, owner)).toStrictEqual(vanity)
      expect(await get('/v1/vanities')).toContainEqual(vanity)

      const category = (await call('POST', '/v1/tags', { name: fresh('Category') })).json as Thing
      await same(SHAPES.tag, category, `/v1/tags/${category.id}`, '/v1/tags')

      const variables = [
        { name: '_B', value: 'x' },
        { name: 'A', value: 'y' },
      ]
      expect((await call('PATCH', `${path}/environment`, variables, owner)).json).toStrictEqual(['A', '_B'])
      expect(await get(`${path}/environment`, owner)).toStrictEqual(['A', '_B'])

      const repository = { repository: 'https://git.example/x', branch: 'main', directory: '.', polling: true }
      const other = `/v1/content/${await cast.content()}`
      const set = (await call('PUT', `${other}/repository`, repository, owner)).json
      expect(set).toMatchObject(repository)
      expect(await get(`${other}/repository`, owner)).toStrictEqual(set)
    })
  })

  describe('a list', () => {
    it.each(['/v1/users', '/v1/groups', '/v1/search/content'])(
      'of pages has three members and no other: %s',
      async (path) => {
        const first = (await get(`${path}?page_size=1&page_number=1`)) as Page
        expect(Object.keys(first).sort()).toEqual(['current_page', 'results', 'total'])
        const all: unknown[] = []
        for (let page = 1; all.length < first.total; page++) {
          const { results, current_page } = (await get(`${path}?page_size=2&page_number=${page}`)) as Page
          expect(current_page).toBe(page)
          expect(results.length).toBeGreaterThan(0)
          all.push(...results)
        }
        expect(all).toHaveLength(first.total)
        expect(((await get(`${path}?page_size=500`)) as Page).results).toEqual(all)
        expect(await get(`${path}?page_number=1000`)).toEqual({ results: [], current_page: 1000, total: first.total })
      },
    )

    it.each(['/v1/users', '/v1/groups', '/v1/search/content'])('H12 of pages has limits: %s', async (path) => {
      for (const query of [
        'page_size=0',
        'page_size=-1',
        'page_size=501',
        'page_number=0',
        'page_size=1e9',
        'page_size=x',
        'page_number=1.5',
      ]) {
        const { status, code } = await call('GET', `${path}?${query}`)
        expect([query, status, code]).toEqual([query, 400, 25])
      }
    })

    it('of the audit log goes on by cursors and by addresses', async () => {
      interface Cursors {
        results: Thing[]
        paging: {
          cursors: { previous: string | null; next: string | null }
          first: string
          next: string | null
          previous: string | null
          last: string
        }
      }
      const page = (await get('/v1/audit_logs?limit=2&ascOrder=true')) as Cursors
      expect(Object.keys(page).sort()).toEqual(['paging', 'results'])
      expect(Object.keys(page.paging).sort()).toEqual(['cursors', 'first', 'last', 'next', 'previous'])
      expect(Object.keys(page.paging.cursors).sort()).toEqual(['next', 'previous'])
      expect(page.results).toStrictEqual([SHAPES.auditEntry, SHAPES.auditEntry])
      const { next } = page.paging.cursors
      const second = (await get(`/v1/audit_logs?limit=2&ascOrder=true&next=${encodeURIComponent(next!)}`)) as Cursors
      expect(page.paging.next).toMatch(new RegExp(`^${cast.world.address}/__api__/v1/audit_logs\\?`))
      const byAddress = await get(page.paging.next!.slice(`${cast.world.address}/__api__`.length))
      expect(byAddress).toEqual(second)
      expect(second.results[0]!.id).not.toBe(page.results[0]!.id)
    })

    it('H12 of the audit log takes no cursor that was forged', async () => {
      for (const cursor of ['x', '-1', '9'.repeat(40), 'eyJhIjoxfQ', '%00', "'--"]) {
        const { status } = await call('GET', `/v1/audit_logs?next=${encodeURIComponent(cursor)}`)
        expect([cursor, status]).toEqual([cursor, 400])
      }
    })

    it.each([
      '/v1/content',
      '/v1/oauth/integrations',
      '/v1/oauth/templates',
      '/v1/tags',
      '/v1/vanities',
      '/v1/audit/actions',
      '/v1/timezones',
    ])('of everything else is a plain array: %s', async (path) => {
      expect(Array.isArray(await get(path))).toBe(true)
    })

    it('of integrations is in the order of their creation', async () => {
      const made = [await cast.integration(), await cast.integration(), await cast.integration()]
      const listed = (await get('/v1/oauth/integrations')) as Thing[]
      expect(listed.slice(-3).map(({ guid }) => guid)).toEqual(made)
    })

    it('D04 shows nobody what is another’s', async () => {
      const guid = await cast.content()
      const { name } = (await get(`/v1/content/${guid}`, owner)) as { name: string }
      const seen = async (key: string): Promise<boolean[]> => [
        ((await get('/v1/content', key)) as Thing[]).some((row) => row.guid === guid),
        ((await get(`/v1/content?name=${name}`, key)) as Thing[]).length === 1,
        ((await get(`/v1/search/content?q=${name}`, key)) as Page).total === 1,
      ]
      expect(await seen(owner)).toEqual([true, true, true])
      expect(await seen(cast.keys.reader!)).toEqual([true, true, true])
      expect(await seen(cast.keys.collaborator!)).toEqual([true, true, true])
      expect(await seen(cast.keys.publisher!)).toEqual([false, false, false])
      expect(await seen(cast.keys.viewer!)).toEqual([false, false, false])
      expect(await seen(cast.keys['viewer-key']!)).toEqual([false, false, false])
    })
  })

  describe('a client', () => {
    it('of posit-sdk sends a body with GET', async () => {
      const content = await cast.content()
      const listed = await call('GET', `/v1/content/${content}/permissions`, {}, owner)
      expect([listed.status, (listed.json as Thing[]).length]).toEqual([200, 2])
    })

    it('of posit-sdk restarts content by a variable that comes and goes, and by a visit', async () => {
      const content = await cast.content({ app_mode: 'python-shiny' })
      expect((await call('PATCH', `/v1/content/${content}`, {}, owner)).json).toMatchObject({
        app_mode: 'python-shiny',
      })
      const name = '_CONNECT_RESTART_TMP_1'
      const path = `/v1/content/${content}/environment`
      expect((await call('PATCH', path, [{ name, value: 'x' }], owner)).json).toEqual([name])
      expect((await call('PATCH', path, [{ name, value: null }], owner)).json).toEqual([])
      // The library has taken the `..` out of /__api__/../content by itself.
      const url = `${cast.world.address}/content/${content}`
      const visit = await fetch(url, { headers: { authorization: `Key ${owner}` }, redirect: 'manual' })
      expect(visit.status).toBeLessThan(400)
      await visit.body?.cancel()
    })

    it('of rsconnect-python deploys from its settings to the address of the content', async () => {
      const { version } = (await get('/server_settings', owner)) as { version: string }
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
      expect(await get('/v1/user', owner)).toMatchObject({ guid: cast.guids.owner })
      const python = (await get('/v1/server_settings/python', owner)) as { installations: unknown[] }
      expect(Array.isArray(python.installations)).toBe(true)
      const name = fresh('deployed')
      const made = (await call('POST', '/v1/content', { name, title: null }, owner)).json as Thing
      const path = `/v1/content/${made.guid}`
      const archive = bundleOf(manifestFor('python-streamlit'))
      const { id } = (await call('POST', `${path}/bundles`, archive, owner, GZIP)).json as Thing
      expect((await call('PATCH', path, { title: 'Deployed' }, owner)).status).toBe(200)
      const deployed = await call('POST', `${path}/deploy`, { bundle_id: id, activate: true }, owner)
      const { task_id } = deployed.json as { task_id: string }
      expect(await get(`/v1/tasks/${task_id}?first=0&wait=1`, owner)).toMatchObject({ finished: true, code: 0 })
      const { content_url } = (await get(path, owner)) as { content_url: string }
      expect(content_url).toBe(`${cast.world.address}/content/${made.guid}/`)
      expect(await get(`/v1/content?name=${name}`, owner)).toHaveLength(1)
    })

    it('of connectapi asks whether anybody is there, sends {} for nothing, and permits twice', async () => {
      expect((await fetch(`${cast.world.address}/__ping__`)).status).toBe(200)
      const content = await cast.content()
      const body = { principal_guid: cast.guids.publisher, principal_type: 'user', role: 'viewer' }
      const path = `/v1/content/${content}/permissions`
      const [one, other] = [await call('POST', path, body, owner), await call('POST', path, body, owner)]
      expect([one.status, other.status, other.json]).toEqual([200, 200, one.json])
      expect((await call('POST', `/v1/content/${content}/share-links`, {}, owner)).status).toBe(200)
      expect(((await get('/v1/users?page_size=500')) as Page).results.length).toBeGreaterThan(5)
    })
  })

  describe('a refusal', () => {
    /** Of an object that is not there: 404 and a code, unless told. */
    const MISSING: Readonly<Record<string, string>> = {
      'GET /v1/oauth/templates/{key}': '404/227',
      'GET /v1/tasks/{id}': '404/141',
      // Whose keys they are is asked first.
      'GET /v1/users/{guid}/keys': '403/22',
      'POST /v1/users/{guid}/keys': '403/22',
      'GET /v1/users/{guid}/keys/{id}': '403/22',
      'DELETE /v1/users/{guid}/keys/{id}': '403/22',
      // Whose content it is, too: nobody learns whether there is any.
      'POST /v1/content/{guid}/session-token': '403/22',
    }
    const withIds = OPERATIONS.filter(
      ({ path, method }) => /\{(guid|id|key|link|user_guid)\}/.test(path) && ACTS[`${method} ${path}`],
    )

    it.each(withIds.map(({ name }) => name))('of what is not there is 404 with a code: %s', async (name) => {
      const act = await ACTS[name]!(cast)
      const expected =
        MISSING[name] ??
        (name.includes('/v1/users') ? '404/(4|9)' : name.includes('/v1/groups') ? '404/(4|153)' : '404/4')
      const { path } = act
      // Its first id is another's, or nobody's.
      const gone = path.replace(
        /\/(v1\/(?:content|users|groups|tags|tasks|oauth\/(?:integrations|templates|sessions|revocations)))\/[^/?]+/,
        (_, root: string) => `/${root}/${root === 'v1/tags' ? '9999999' : randomUUID()}`,
      )
      const { status, code } = await cast.api.call({
        ...act,
        path: gone,
        method: name.split(' ')[0]!,
        key: cast.administrator,
      })
      expect(`${status}/${code}`).toMatch(new RegExp(`^${expected}$`))
    })

    it('D02 of another’s object is that of one that is not there, word for word', async () => {
      const [content, integration] = [await cast.content(), await cast.integration()]
      const publisher = cast.keys.publisher!
      for (const [method, path, body] of [
        ['GET', ''],
        ['PATCH', '', { title: 'Mine now' }],
        ['DELETE', ''],
        ['GET', '/permissions'],
        ['PUT', '/oauth/integrations/associations', [{ oauth_integration_guid: integration }]],
        ['GET', '/environment'],
        ['POST', '/deploy', {}],
        ['PUT', '/vanity', { path: '/mine/' }],
      ] as const) {
        const theirs = await call(method, `/v1/content/${content}${path}`, body, publisher)
        const nobodys = await call(method, `/v1/content/${randomUUID()}${path}`, body, publisher)
        expect([method, path, theirs.status, theirs.text]).toEqual([method, path, nobodys.status, nobodys.text])
        expect(theirs.status).toBe(404)
        expect(Object.keys(theirs.headers)).toEqual(Object.keys(nobodys.headers))
      }
      expect(((await get(`/v1/content/${content}`, owner)) as Thing)['title']).toBeNull()
    })

    it('D02 of what belongs to another’s content is 404, in one’s own content too', async () => {
      const [theirs, own] = [
        await cast.content(),
        (await cast.must<Thing>('POST', '/v1/content', {}, cast.keys.publisher)).guid,
      ]
      const permission = await cast.permission(theirs, cast.guids.viewer, 'viewer')
      const link = await cast.must<Thing>('POST', `/v1/content/${theirs}/share-links`, {}, owner)
      const archive = bundleOf(manifestFor('python-shiny'))
      const { id } = (await call('POST', `/v1/content/${theirs}/bundles`, archive, owner, GZIP)).json as Thing
      for (const content of [theirs, own]) {
        for (const [method, path, body] of [
          ['GET', `permissions/${permission}`],
          ['PUT', `permissions/${permission}`, { role: 'viewer' }],
          ['DELETE', `permissions/${permission}`],
          ['DELETE', `share-links/${link.guid}`],
          ['GET', `bundles/${id}`],
          ['GET', `bundles/${id}/download`],
          ['DELETE', `bundles/${id}`],
          ['POST', 'deploy', { bundle_id: id }],
        ] as const) {
          const { status } = await call(method, `/v1/content/${content}/${path}`, body, cast.keys.publisher)
          expect([method, path, status]).toEqual([method, path, 404])
        }
      }
      expect(await get(`/v1/content/${theirs}/share-links`, owner)).toHaveLength(1)
      expect(await get(`/v1/content/${theirs}/bundles`, owner)).toHaveLength(1)
    })

    const LONG = 'x'.repeat(5_000)
    const REFUSALS: readonly (readonly [
      what: string,
      method: string,
      path: string,
      body: unknown,
      expected: string,
    ])[] = [
      ['a content name of two characters', 'POST', '/v1/content', { name: 'ab' }, '400/5'],
      ['a content name with a space', 'POST', '/v1/content', { name: 'a b c' }, '400/5'],
      ['a content name of 65 characters', 'POST', '/v1/content', { name: 'a'.repeat(65) }, '400/5'],
      ['a title of two characters', 'POST', '/v1/content', { title: 'ab' }, '400/122'],
      ['a title that is too long', 'POST', '/v1/content', { title: LONG }, '400/122'],
      ['a description that is too long', 'POST', '/v1/content', { description: LONG }, '400/123'],
      ['an access type', 'POST', '/v1/content', { access_type: 'everybody' }, '400/117'],
      ['an include', 'GET', '/v1/content?include=everything', undefined, '400/161'],
      ['H07 a number as text', 'POST', '/v1/content', { max_processes: '3' }, '400/25'],
      ['H07 a fraction', 'POST', '/v1/content', { max_processes: 1.5 }, '400/25'],
      ['H07 a number beyond 2^53', 'POST', '/v1/content', '{"max_processes":9007199254740993}', '400/25'],
      ['H07 a flag as text', 'POST', '/v1/content', { run_as_current_user: 'false' }, '400/25'],
      ['JSON that is cut short', 'POST', '/v1/content', '{"title":', '400/121'],
      ['H02 JSON with a comma too many', 'POST', '/v1/content', '{"title":"abc",}', '400/121'],
      ['H02 a member twice', 'POST', '/v1/content', '{"title":"abc","title":"abcd"}', '400/121'],
      ['H02 of a user', 'PUT', '/v1/users/{viewer}', '{"user_role":"viewer","user_role":"viewer"}', '400/121'],
      ['H02 of an integration', 'POST', '/v1/oauth/integrations', '{"name":"a","name":"b"}', '400/121'],
      ['H02 JSON with NaN', 'POST', '/v1/content', '{"max_processes":NaN}', '400/121'],
      ['H02 a number that is infinite', 'POST', '/v1/content', '{"max_processes":1e400}', '400/25'],
      ['H02 10,000 levels', 'POST', '/v1/content', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, '400/121'],
      ['JSON that is no object', 'POST', '/v1/content', '7', '400/121'],
      ['JSON null', 'POST', '/v1/content', 'null', '400/121'],
      ['an array for an object', 'POST', '/v1/content', [], '400/25'],
      ['H04 NUL in a text', 'POST', '/v1/content', '{"title":"abc\\u0000"}', '400/121'],
      ['H04 half a surrogate pair', 'POST', '/v1/content', '{"title":"abc\\ud800"}', '400/121'],
      [
        'H04 bytes that are no UTF-8',
        'POST',
        '/v1/content',
        Buffer.from('7b227469746c65223a22c080227d', 'hex'),
        '400/121',
      ],
      ['H04 UTF-16', 'POST', '/v1/content', Buffer.from('{"title":"abc"}', 'utf16le'), '400/121'],
      ['H04 NUL in a query', 'GET', '/v1/content?name=%00', undefined, '400/25'],
      ['H09 a parameter twice', 'GET', '/v1/users?prefix=a&prefix=b', undefined, '400/25'],
      ['a template', 'POST', '/v1/oauth/integrations', { template: 'nothing', config: {} }, '404/227'],
      ['a template that is shown', 'GET', '/v1/oauth/templates/nothing', undefined, '404/227'],
      [
        'a config',
        'POST',
        '/v1/oauth/integrations',
        { template: 'connect', config: { max_role: 'viewer' } },
        '400/228',
      ],
      [
        'an integration’s name',
        'POST',
        '/v1/oauth/integrations',
        { template: 'connect', name: 7, config: { max_role: 'Viewer' } },
        '400/225',
      ],
      [
        'an integration’s description',
        'POST',
        '/v1/oauth/integrations',
        { template: 'connect', description: 7, config: { max_role: 'Viewer' } },
        '400/226',
      ],
      ['a user’s name', 'POST', '/v1/users', newUser({ username: '' }), '400/7'],
      ['a user’s role', 'GET', '/v1/users?user_role=king', undefined, '400/112'],
      ['an account status', 'GET', '/v1/users?account_status=dead', undefined, '400/(25|115)'],
      ['a group’s name', 'POST', '/v1/groups', { name: '' }, '400/14'],
      ['a tag without a name', 'POST', '/v1/tags', { name: '' }, '400/78'],
      ['a tag’s parent', 'POST', '/v1/tags', { name: 'abc', parent_id: '9999999' }, '400/157'],
      [
        'H08 a leap second',
        'POST',
        '/v1/content/{content}/share-links',
        { expires_at: '2030-06-30T23:59:61Z' },
        '400/136',
      ],
      [
        'H08 the year 10000',
        'POST',
        '/v1/content/{content}/share-links',
        { expires_at: '10000-01-01T00:00:00Z' },
        '400/136',
      ],
      [
        'H08 a time without a zone',
        'POST',
        '/v1/content/{content}/share-links',
        { expires_at: '2030-01-01T00:00:00' },
        '400/136',
      ],
      [
        'a role',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: randomUUID(), principal_type: 'user', role: 'king' },
        '400/112',
      ],
      [
        'a kind of principal',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: randomUUID(), principal_type: 'robot', role: 'viewer' },
        '400/152',
      ],
      [
        'a person',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: randomUUID(), principal_type: 'user', role: 'viewer' },
        '404/9',
      ],
      [
        'a group',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: randomUUID(), principal_type: 'group', role: 'viewer' },
        '404/153',
      ],
      [
        'the owner as a viewer',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: '{owner}', principal_type: 'user', role: 'viewer' },
        '400/34',
      ],
      [
        'a viewer as a collaborator',
        'POST',
        '/v1/content/{content}/permissions',
        { principal_guid: '{viewer}', principal_type: 'user', role: 'owner' },
        '403/33',
      ],
      ['a viewer as the owner', 'PATCH', '/v1/content/{content}', { owner_guid: '{viewer}' }, '403/156'],
      ['a vanity path', 'PUT', '/v1/content/{content}/vanity', { path: '/__api__/' }, '400/52'],
      ['no vanity path', 'GET', '/v1/content/{content}/vanity', undefined, '404/4'],
      ['no repository', 'GET', '/v1/content/{content}/repository', undefined, '404/4'],
      [
        'a variable twice',
        'PATCH',
        '/v1/content/{content}/environment',
        [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
        '409/149',
      ],
      ['no bundle to deploy', 'POST', '/v1/content/{content}/deploy', {}, '404/28'],
      ['a tag that is none', 'POST', '/v1/content/{content}/tags', { tag_id: '9999999' }, '400/158'],
      [
        'an integration that is none',
        'PUT',
        '/v1/content/{content}/oauth/integrations/associations',
        [{ oauth_integration_guid: randomUUID() }],
        '400/207',
      ],
      [
        'a guid that is none',
        'PUT',
        '/v1/content/{content}/oauth/integrations/associations',
        [{ oauth_integration_guid: 'x' }],
        '400/(207|25)',
      ],
      ['an object for an array', 'PUT', '/v1/content/{content}/oauth/integrations/associations', {}, '400/25'],
      [
        'an integration twice',
        'PUT',
        '/v1/content/{content}/oauth/integrations/associations',
        [{ oauth_integration_guid: '{integration}' }, { oauth_integration_guid: '{integration}' }],
        '400/258',
      ],
      [
        'viewers’ tokens for a static page',
        'PUT',
        '/v1/content/{static}/oauth/integrations/associations',
        [{ oauth_integration_guid: '{integration}' }],
        '400/237',
      ],
      [
        'viewers’ tokens for the public',
        'PUT',
        '/v1/content/{public}/oauth/integrations/associations',
        [{ oauth_integration_guid: '{integration}' }],
        '400/237',
      ],
      ['another template', 'PATCH', '/v1/oauth/integrations/{integration}', { template: 'github' }, '400/229'],
      [
        'the config of one',
        'PATCH',
        '/v1/oauth/integrations/{integration}',
        { config: { use_pkce: 'perhaps' } },
        '400/228',
      ],
      ['verification of viewers’ tokens', 'POST', '/v1/oauth/integrations/{integration}/verify', {}, '400/240'],
      ['a key without a name', 'POST', '/v1/users/{owner}/keys', { name: ' ' }, '400/62'],
      [
        'a key above its owner',
        'POST',
        '/v1/users/{owner}/keys',
        { name: 'abc', user_role: 'administrator' },
        '400/234',
      ],
      ['a bundle that is none', 'POST', '/v1/content/{content}/bundles', Buffer.from('no archive'), '400/(38|87)'],
      [
        'a bundle without a manifest',
        'POST',
        '/v1/content/{content}/bundles',
        gzipSync(tar({ name: 'app.py', data: '1' })),
        '400/38',
      ],
    ]

    let names: Record<string, string>
    beforeAll(async () => {
      names = {
        content: await cast.content({ app_mode: 'python-streamlit' }),
        static: await cast.content({ app_mode: 'static' }),
        public: await cast.content({ app_mode: 'python-streamlit', access_type: 'all' }),
        integration: await cast.integration(),
        owner: cast.guids.owner,
        viewer: cast.guids.viewer,
      }
    })
    const filled = (text: string): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => names[name] ?? whole)

    it.each(REFUSALS)('of %s is a row of the table', async (_what, method, path, body, expected) => {
      const sent =
        body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
          ? body
          : (JSON.parse(filled(JSON.stringify(body))) as unknown)
      const key = path.includes('/users/{owner}') ? owner : cast.administrator
      const headers = path.endsWith('/bundles') ? GZIP : {}
      const { status, code, headers: answered } = await call(method, filled(path), sent, key, headers)
      expect(`${status}/${code}`).toMatch(new RegExp(`^${expected}$`))
      expect(answered['content-type']).toMatch(JSON_TYPE)
    })

    it('of a name that is taken is a conflict', async () => {
      const name = fresh('taken')
      await cast.must('POST', '/v1/content', { name }, owner)
      expect((await call('POST', '/v1/content', { name }, owner)).code).toBe(26)
      const user = newUser() as { username: string }
      await cast.must('POST', '/v1/users', user)
      const again = await call('POST', '/v1/users', { ...user, external_id: fresh('x') })
      expect([again.status, again.code]).toEqual([409, 8])
      await cast.must('POST', '/v1/groups', { name })
      const group = await call('POST', '/v1/groups', { name })
      expect([group.status, group.code]).toEqual([409, 15])
      const [one, other] = [await cast.content(), await cast.content()]
      await cast.must('PUT', `/v1/content/${one}/vanity`, { path: `/${name}/` }, owner)
      const vanity = await call('PUT', `/v1/content/${other}/vanity`, { path: `/${name}/` }, owner)
      expect([vanity.status, vanity.code]).toEqual([409, 51])
    })
  })
})

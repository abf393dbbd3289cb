import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Param,
  Post,
  Put,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { Type as TypeOf } from 'class-transformer'
import { IsInt, IsUUID, Length, ValidateNested } from 'class-validator'
import { Agent, request as send } from 'undici'
import { type Actor, DomainError, Secret } from '#libs/contracts'
import { FormBody } from './body/form-body.js'
import { Command, type CommandContext } from './decorators/command.js'
import { CurrentActor } from './decorators/current-actor.js'
import { Audit, ForActor, NotAudited, Open, Public, RequireRole, ServiceOnly } from './decorators/route-policy.js'
import { ArrayBodyPipe, GuidPipe, refusedAs } from './errors/validation.js'
import { Readiness } from './health/readiness.js'
import { createPino, PinoLoggerService } from './log/logger.js'
import { ServiceModule } from './service.module.js'
import { Deployment } from './settings/deployment.js'
import { settingsFrom } from './settings/load-settings.js'
import { OAuth2Settings, ServerSettings } from './settings/sections/index.js'
import { stopServing } from './start-service.js'
import { type House, makeHouse } from './trust/house.fixture.js'
import { assertRoutesArePoliced } from './trust/routes-policed.js'

class Inner {
  @IsInt()
  count: number
}

class Thing {
  @Length(3, 8)
  title: string

  @Length(3, 8, refusedAs('content.name_invalid', 'The name must have 3 to 8 characters'))
  name: string

  @ValidateNested({ each: true })
  @TypeOf(() => Inner)
  parts: Inner[]
}

class Association {
  @IsUUID()
  oauth_integration_guid: string
}

class ConcurrencyConflict extends Error {
  override readonly name = 'ConcurrencyConflict'
}

@Injectable()
class Probe implements OnApplicationShutdown {
  readonly entered: string[] = []
  release: () => void = () => undefined
  closing: () => void | Promise<void> = () => undefined

  constructor(
    readonly oauth2: OAuth2Settings,
    readonly server: ServerSettings,
  ) {}

  onApplicationShutdown(): void | Promise<void> {
    return this.closing()
  }
}

@Controller('things')
class ThingController {
  constructor(private readonly probe: Probe) {}

  @Post()
  @RequireRole('publisher')
  @Audit('thing.create')
  create(@Body() thing: Thing, @CurrentActor() actor: Actor, @Command() context: CommandContext): object {
    return { thing, actor: actor.type, context }
  }

  @Put(':guid/list')
  @RequireRole('publisher')
  @Audit('thing.list')
  list(@Param('guid', GuidPipe) guid: string, @Body(new ArrayBodyPipe(Association, 100)) list: Association[]): object {
    return { guid, list }
  }

  @Get('public')
  @Public('a spec')
  @NotAudited('read only')
  public(@CurrentActor() actor: Actor): object {
    return { actor }
  }

  @Post('token')
  @HttpCode(200)
  @FormBody()
  @ForActor('content_key', 'key')
  @Audit('token.issue')
  token(@Body() form: Record<string, string>): object {
    return { ...form }
  }

  @Get('fail/:how')
  @Public('a spec')
  @NotAudited('read only')
  fail(@Param('how') how: string): never {
    const cause = Object.assign(new Error('the cause'), { body: 'hush-cause' })
    if (how === 'bug') throw Object.assign(new Error('a bug'), { config: 'hush-bug' })
    if (how === 'conflict') throw new ConcurrencyConflict('x')
    if (how === 'reused-key') throw Object.assign(new Error('x'), { name: 'IdempotencyConflict' })
    if (how === 'lost') throw new Error('Connection terminated unexpectedly')
    if (how === 'silent') throw new Error('Query read timeout')
    if (how === 'broken') throw new Error('Client has encountered a connection error and is not queryable')
    if (/^[0-9A-Z]{5}$/.test(how)) throw Object.assign(new Error('of the database'), { code: how })
    throw new DomainError('not_found', 'grant.none', 'There is no grant.', { cause, payload: { consent_url: '/c' } })
  }

  @Get('slow')
  @Public('a spec')
  @NotAudited('read only')
  async slow(): Promise<object> {
    this.probe.entered.push('slow')
    await new Promise<void>((resolve) => (this.probe.release = resolve))
    return { done: true }
  }
}

@Controller('internal')
class InternalController {
  @Put('client-secrets/:reference')
  @HttpCode(204)
  @ServiceOnly('putClientSecret')
  @Audit('client_secret.put')
  put(): void {}

  @Get('missing-consents')
  @ServiceOnly('missingConsents')
  @NotAudited('read only')
  missing(@CurrentActor() actor: Actor): object {
    throw new DomainError('not_found', 'grant.none', `none for ${actor.type}`)
  }

  @Delete('jwks/actor')
  @Open('public keys')
  @NotAudited('read only')
  keys(): object {
    return { keys: [] }
  }
}

@Module({ controllers: [ThingController, InternalController], providers: [Probe] })
class ThingModule {}

const SETTINGS =
  '[Server]\nAddress = https://a.example\n[OAuth2]\nClientId = c\nClientSecret = s\nOpenIDConnectIssuer = https://b.example'
const GUID = 'A11CE000-0000-4000-8000-00000000000A'
const publisher: Actor = { type: 'key', guid: 'k', user: 'p', role: 'publisher' }
const viewer: Actor = { type: 'user', guid: 'v', role: 'viewer', sid: 'hush-sid' }
const contentKey: Actor = { type: 'content_key', guid: 'c', content: 'x', owner: 'p' }

let house: House
beforeAll(async () => {
  house = await makeHouse()
})

async function start(module: Type, lines: string[] = []): Promise<NestExpressApplication> {
  class Root {}
  const deployment = new Deployment({ service: 'vault' })
  const pino = createPino(deployment, { write: (line) => lines.push(line) })
  const service = ServiceModule.forRoot({
    deployment,
    settings: settingsFrom(SETTINGS, [ServerSettings, OAuth2Settings]),
    keys: await house.keysOf('vault'),
    actorKeys: house.actorKeys,
    pino,
  })
  Module({ imports: [service, module] })(Root)
  const app = await NestFactory.create<NestExpressApplication>(Root, {
    bodyParser: false,
    logger: new PinoLoggerService(pino),
    abortOnError: false,
  })
  await app.init()
  return app
}

describe('a service', () => {
  const lines: string[] = []
  let app: NestExpressApplication
  let base: string
  const agent = new Agent({ keepAliveTimeout: 1000 })

  beforeAll(async () => {
    app = await start(ThingModule, lines)
    const server = app.getHttpServer() as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => lines.splice(0))
  afterAll(async () => {
    await agent.close()
    await app.close()
  })

  async function ask(
    route: string,
    {
      actor,
      caller = 'gateway',
      body,
      headers = {},
    }: {
      actor?: Actor
      caller?: 'gateway' | 'integrations' | 'none'
      body?: string | Buffer
      headers?: Record<string, string>
    } = {},
  ) {
    const [method, path] = route.split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string]
    const answer = await send(`${base}${path}`, {
      method,
      dispatcher: agent,
      body: body ?? null,
      headers: {
        ...(caller !== 'none' && { authorization: `Bearer ${await house.serviceToken(caller, 'vault')}` }),
        ...(actor && { 'keybearer-actor': await house.assertion(actor, 'vault') }),
        ...headers,
      },
    })
    const text = await answer.body.text()
    let json: Record<string, unknown> = {}
    try {
      json = JSON.parse(text) as Record<string, unknown>
    } catch {
      // What is not JSON is judged by its text.
    }
    return { status: answer.statusCode, headers: answer.headers, text, json }
  }

  const thing = (more: object = {}) => JSON.stringify({ title: 'title', name: 'name', parts: [{ count: 1 }], ...more })
  const create = (more: object, headers: Record<string, string> = {}) =>
    ask('POST /things', { actor: publisher, body: thing(more), headers })

  describe('to its callers', () => {
    it.each<[string, Parameters<typeof ask>[1], number, number]>([
      ['a request without a service token', { caller: 'none', actor: publisher, body: thing() }, 401, 30],
      ['another service than the gateway', { caller: 'integrations', actor: publisher, body: thing() }, 403, 22],
      ['a request without an actor', { body: thing() }, 401, 24],
      ['a person with too small a role', { actor: viewer, body: thing() }, 403, 22],
      ['a content key', { actor: contentKey, body: thing() }, 403, 95],
      ['two assertions', { actor: publisher, headers: { 'Keybearer-Actor': 'x' }, body: thing() }, 401, 30],
    ])('refuses %s', async (_, options, status, code) => {
      const { status: got, json } = await ask('POST /things', options)
      expect([got, json['code']]).toEqual([status, code])
    })

    it('answers a person with the role', async () => {
      const { status, json } = await create({})
      expect(status).toBe(201)
      expect(json).toMatchObject({ actor: 'key', context: { actor: publisher } })
    })

    it('answers anybody on a public route', async () => {
      expect((await ask('GET /things/public')).json).toEqual({ actor: { type: 'anonymous' } })
      expect((await ask('GET /things/public', { actor: viewer })).json).toEqual({ actor: viewer })
    })

    it('does not read the body of those whom it refuses', async () => {
      const { status } = await ask('POST /things', { caller: 'none', body: 'not JSON' })
      expect(status).toBe(401)
    })

    it('lets a service in by the table only', async () => {
      expect((await ask('PUT /internal/client-secrets/r', { caller: 'integrations' })).status).toBe(204)
      expect((await ask('PUT /internal/client-secrets/r', { caller: 'gateway' })).status).toBe(403)
      expect((await ask('PUT /internal/client-secrets/r', { caller: 'integrations', actor: viewer })).status).toBe(403)
    })

    it('says its own code on internal routes, and nowhere else', async () => {
      const inner = await ask('GET /internal/missing-consents', { actor: viewer })
      expect(inner.headers['keybearer-error']).toBe('grant.none')
      expect(inner.json).toEqual({ code: 220, error: 'none for user', payload: null })
      expect((await ask('GET /things/fail/refusal')).headers['keybearer-error']).toBeUndefined()
    })
  })

  describe('on refusals and failures', () => {
    it('answers a refusal with number, sentence and payload', async () => {
      const { status, json } = await ask('GET /things/fail/refusal')
      expect(status).toBe(404)
      expect(json).toEqual({ code: 220, error: 'There is no grant.', payload: { consent_url: '/c' } })
      expect(lines.join('')).toContain('the cause')
      expect(lines.join('')).not.toContain('hush-cause')
    })

    it.each([
      ['reused-key', 409, 80],
      ['lost', 503, 1],
      ['broken', 503, 1],
      ['silent', 503, 1],
      ['57P01', 503, 1],
      ['08006', 503, 1],
      ['53300', 503, 1],
      ['23505', 500, 1],
    ])('tells what time mends from a bug: %s', async (how, status, code) => {
      const { status: got, json } = await ask(`GET /things/fail/${how}`)
      expect([got, json['code']]).toEqual([status, code])
    })

    it('answers a lost race as a conflict', async () => {
      const { status, json } = await ask('GET /things/fail/conflict')
      expect([status, json['code']]).toEqual([409, 80])
    })

    it('answers a bug with a correlation id and logs the rest', async () => {
      const { status, json, text } = await ask('GET /things/fail/bug', { headers: { 'x-correlation-id': 'c-1' } })
      expect(status).toBe(500)
      expect(json).toEqual({ code: 1, error: 'Internal failure', payload: { correlation_id: 'c-1' } })
      expect(text).not.toContain('a bug')
      expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
        expect.objectContaining({ err: expect.objectContaining({ message: 'a bug' }), correlation_id: 'c-1' }),
      )
      expect(lines.join('')).not.toContain('hush-bug')
    })

    it('answers an unknown route as Go does, so that clients see that there is none', async () => {
      const { status, text, headers } = await ask('GET /nowhere?code=hush')
      expect([status, text]).toEqual([404, '404 page not found'])
      expect(headers['content-type']).toMatch(/^text\/plain/)
      expect(lines.join('')).not.toContain('hush')
    })
  })

  describe('on what it is sent', () => {
    it('drops unknown members', async () => {
      const { json } = await create({ colour: 'blue' })
      expect(json['thing']).toEqual({ title: 'title', name: 'name', parts: [{ count: 1 }] })
    })

    it.each([
      [
        'a member',
        { title: 'hush-hush-hush' },
        25,
        'The parameter title must be shorter than or equal to 8 characters.',
      ],
      [
        'a member of a member',
        { parts: [{ count: 'hush' }] },
        25,
        'The parameter parts.0.count must be an integer number.',
      ],
      ['a member with a code of its own', { name: 'x' }, 5, 'The name must have 3 to 8 characters.'],
      [
        'a missing member',
        { title: undefined },
        25,
        'The parameter title must be longer than or equal to 3 characters.',
      ],
    ])('names %s and never its value', async (_, more, code, error) => {
      const { status, json } = await create(more)
      expect(status).toBe(400)
      expect(json).toEqual({ code, error, payload: null })
    })

    it('names the place in a list', async () => {
      const put = (body: string) => ask(`PUT /things/${GUID}/list`, { actor: publisher, body })
      const good = { oauth_integration_guid: GUID }
      expect((await put(JSON.stringify([good]))).json).toEqual({ guid: GUID.toLowerCase(), list: [good] })
      expect((await put('[]')).json).toMatchObject({ list: [] })
      expect((await put(JSON.stringify([good, {}]))).json).toMatchObject({
        error: 'The parameter [1].oauth_integration_guid must be a UUID.',
      })
      expect((await put('{}')).json).toMatchObject({ code: 25, error: 'The body must be an array.' })
      expect((await put('[1]')).json).toMatchObject({ code: 25, error: 'The parameter [0] must be an object.' })
    })

    it('looks at no entry of a list that is too long, and at none behind the first fault', async () => {
      let looked = 0
      const entries = (many: number, good = false): object[] =>
        Array.from({ length: many }, () =>
          Object.defineProperty({}, 'oauth_integration_guid', {
            enumerable: true,
            get: () => (looked++, good ? GUID.toLowerCase() : 'none'),
          }),
        )
      const pipe = new ArrayBodyPipe(Association, 100, 'association.invalid')
      await expect(pipe.transform(entries(101, true))).rejects.toMatchObject({
        code: 'association.invalid',
        message: 'The body may have at most 100 entries.',
      })
      expect(looked).toBe(0)
      await expect(pipe.transform(entries(1))).rejects.toThrow('[0]')
      const once = looked
      await expect(pipe.transform(entries(100))).rejects.toThrow('[0]')
      expect(looked).toBe(2 * once)
      await expect(pipe.transform(entries(100, true))).resolves.toHaveLength(100)
    })

    it('refuses a list inside a body before its entries are looked at', async () => {
      const { json } = await create({ title: Array.from({ length: 1001 }, () => ({})) })
      expect(json).toMatchObject({ code: 25, error: 'The parameter title may have at most 1000 entries.' })
    })

    it('refuses what is no GUID with code 3', async () => {
      const { status, json } = await ask('PUT /things/x/list', { actor: publisher, body: '[]' })
      expect([status, json['code']]).toEqual([400, 3])
    })

    it('reads JSON whatever the content type says', async () => {
      const { status } = await create({}, { 'content-type': 'application/x-www-form-urlencoded' })
      expect(status).toBe(201)
    })

    it.each([
      ['broken JSON', '{"a": hush', 121],
      ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 121],
      ['a bare value', '"hush"', 121],
      ['null', 'null', 121],
      ['half a surrogate pair', '{"hush":"\\ud800"}', 121],
      ['too much', Buffer.alloc(1024 * 1024 + 1, 0x20), 87, 413],
    ])('refuses %s', async (_, body, code, wanted = 400) => {
      const { status, json, text } = await ask('POST /things', { actor: publisher, body })
      expect([status, json['code']]).toEqual([wanted, code])
      expect(text).not.toContain('hush')
    })

    it('H11 refuses a compressed body', async () => {
      const { status, json, headers } = await create({}, { 'content-encoding': 'gzip' })
      expect([status, json['code'], headers['accept-encoding']]).toEqual([415, 87, 'identity'])
    })

    it('reads a form on routes that take one', async () => {
      const form = (body: string | Buffer, type = 'application/x-www-form-urlencoded; charset=utf-8') =>
        ask('POST /things/token', { actor: contentKey, body, headers: { 'content-type': type } })
      expect((await form('grant_type=a%3Ab&__proto__=x&empty=')).text).toBe(
        '{"grant_type":"a:b","__proto__":"x","empty":""}',
      )
      expect((await form('a=1&a=2')).json['code']).toBe(211)
      expect((await form(Buffer.from([0x61, 0x3d, 0xff]))).json['code']).toBe(211)
      expect((await form('{}', 'application/json')).json['code']).toBe(210)
      expect((await ask('POST /things/token', { actor: contentKey })).json['code']).toBe(210)
    })

    it('knows a repeated command by its key', async () => {
      const first = await create({}, { 'idempotency-key': 'k' })
      const again = await create({}, { 'idempotency-key': 'k' })
      const other = await create({ title: 'other' }, { 'idempotency-key': 'k' })
      const context = ({ json }: typeof first) => json['context'] as CommandContext
      expect(context(again).commandId).toBe(context(first).commandId)
      expect(context(again).requestFingerprint).toBe(context(first).requestFingerprint)
      expect(context(other).commandId).toBe(context(first).commandId)
      expect(context(other).requestFingerprint).not.toBe(context(first).requestFingerprint)
    })
  })

  describe('in its log', () => {
    it('writes one line a request, without query, body and session', async () => {
      await ask('GET /things/public?code=hush', { actor: viewer, headers: { 'x-correlation-id': 'c-2' } })
      expect(lines).toHaveLength(1)
      expect(JSON.parse(lines[0]!)).toMatchObject({
        message: 'request',
        method: 'GET',
        path: '/things/public',
        status: 200,
        ms: expect.any(Number),
        correlation_id: 'c-2',
        caller: 'gateway',
        actor: { type: 'user', guid: 'v' },
      })
      expect(lines[0]).not.toContain('hush')
    })

    it('names the audited action', async () => {
      await create({})
      expect(JSON.parse(lines[0]!)).toMatchObject({ audit: 'thing.create' })
    })

    it('gives the correlation id back, or a new one', async () => {
      expect((await ask('GET /things/public', { headers: { 'x-correlation-id': 'c-3' } })).headers).toMatchObject({
        'x-correlation-id': 'c-3',
      })
      expect((await ask('GET /things/public')).headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
    })
  })

  describe('to those who watch it', () => {
    it('is alive and ready without a token, and quiet about it', async () => {
      expect(await ask('GET /livez', { caller: 'none' })).toMatchObject({ status: 200, json: { status: 'ok' } })
      expect(await ask('GET /readyz', { caller: 'none' })).toMatchObject({ status: 200 })
      expect(lines).toEqual([])
    })

    it('is not ready while a check fails, and says which one but not why', async () => {
      const readiness = app.get(Readiness)
      readiness.add('database', () => Promise.reject(new Error('hush')))
      readiness.add('broker', () => true)
      const { status, text, json } = await ask('GET /readyz', { caller: 'none' })
      expect(status).toBe(503)
      expect(json['details']).toMatchObject({ database: { status: 'down' }, broker: { status: 'up' } })
      expect(text).not.toContain('hush')
      readiness.add('database', () => false)
      expect((await ask('GET /readyz', { caller: 'none' })).status).toBe(503)
      readiness.add('database', () => undefined)
      expect((await ask('GET /readyz', { caller: 'none' })).status).toBe(200)
    })

    it('counts requests by route, not by path', async () => {
      await ask('GET /things/fail/refusal')
      await ask('GET /nowhere/at/all')
      const { text } = await ask('GET /metrics', { caller: 'none' })
      expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/things/fail/:how",status="404"}')
      expect(text).toContain('route="none"')
      expect(text).not.toContain('/nowhere')
      expect(text).toContain('process_cpu_seconds_total')
    })
  })

  it('injects settings by their class', () => {
    expect(app.get(Probe).oauth2.clientSecret).toBeInstanceOf(Secret)
    expect(app.get(Probe).server.url.hostname).toBe('a.example')
  })
})

describe('the end of a service', () => {
  it('is not ready, takes nobody new, and finishes what is in hand', async () => {
    const app = await start(ThingModule)
    const server = app.getHttpServer() as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const agent = new Agent()
    const authorization = `Bearer ${await house.serviceToken('gateway', 'vault')}`
    const slow = send(`http://127.0.0.1:${port}/things/slow`, { dispatcher: agent, headers: { authorization } })
    const probe = app.get(Probe)
    while (probe.entered.length === 0) await new Promise((resolve) => setImmediate(resolve))

    let atFirst: { ready: boolean; withinMs: number } | undefined
    const first = (_: unknown, withinMs: number): void => {
      atFirst = { ready: !app.get(Readiness).stopping, withinMs }
    }
    const stopped = stopServing(app, server, { withinMs: 5_000, first })
    await new Promise((resolve) => setImmediate(resolve))
    const [refused] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
    expect(refused.code).toBe('ECONNREFUSED')
    probe.release()
    const answer = await slow
    expect(await answer.body.json()).toEqual({ done: true })
    await stopped
    expect(atFirst).toEqual({ ready: false, withinMs: 5_000 })
    expect(server.listening).toBe(false)
    await agent.close()
  })

  it('waits for work that nobody asks for any more, within the same time', async () => {
    for (const [takes, expected] of [
      [10, ['work', 'closed']],
      [10_000, ['closed']],
    ] as const) {
      const ended: string[] = []
      const app = await start(ThingModule)
      const server = app.getHttpServer() as Server
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const enough = new AbortController()
      const finish = async (): Promise<void> => {
        await delay(takes, undefined, { signal: enough.signal })
        ended.push('work')
      }
      app.get(Probe).closing = () => void ended.push('closed')
      await stopServing(app, server, { withinMs: 200, finish })
      expect(ended).toEqual(expected)
      enough.abort()
    }
  })

  it('gives up on what does not close, such as a database that does not answer', async () => {
    const app = await start(ThingModule)
    const server = app.getHttpServer() as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { promise, resolve } = Promise.withResolvers<void>()
    app.get(Probe).closing = () => promise
    await expect(stopServing(app, server, { withinMs: 5_000, closeWithinMs: 20 })).rejects.toThrow('did not close')
    resolve()
  })

  it('does not wait for ever', async () => {
    const app = await start(ThingModule)
    const server = app.getHttpServer() as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const authorization = `Bearer ${await house.serviceToken('gateway', 'vault')}`
    const agent = new Agent()
    const slow = send(`http://127.0.0.1:${port}/things/slow`, { dispatcher: agent, headers: { authorization } })
    const outcome = slow.then(
      () => 'answered',
      () => 'cut off',
    )
    const probe = app.get(Probe)
    while (probe.entered.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await stopServing(app, server, { withinMs: 20 })
    expect(await outcome).toBe('cut off')
    probe.release()
    await agent.close()
  })
})

describe('the routes of a service', () => {
  const starting = (controller: Type) => {
    class Wrong {}
    Module({ controllers: [controller] })(Wrong)
    return start(Wrong)
  }

  @Controller('a')
  class Bare {
    @Get()
    read(): void {}
  }

  @Controller('a')
  class Unaudited {
    @Get()
    @RequireRole('viewer')
    read(): void {}
  }

  @Controller('a')
  class Twice {
    @Get()
    @RequireRole('viewer')
    @Public('two of them')
    @NotAudited('read only')
    read(): void {}
  }

  @Controller('a')
  class TooOpen {
    @Get()
    @Open('wrongly')
    @NotAudited('read only')
    read(): void {}
  }

  @Controller('internal')
  class InternalForPersons {
    @Get('x')
    @RequireRole('viewer')
    @NotAudited('read only')
    read(): void {}
  }

  @Controller('internal')
  class AnotherPath {
    @Put('secrets/:reference')
    @ServiceOnly('putClientSecret')
    @Audit('x.y')
    put(): void {}
  }

  @Controller('internal/published')
  class AnotherCallee {
    @Get(':category/:guid')
    @ServiceOnly('vaultReadsIdentity')
    @NotAudited('read only')
    read(): void {}
  }

  it.each<[string, Type, string]>([
    ['nothing', Bare, 'GET /a (Bare.read) has 0 permissions, not one'],
    ['no audit policy', Unaudited, 'GET /a (Unaudited.read) has 0 audit policies, not one'],
    ['two permissions', Twice, 'GET /a (Twice.read) has 2 permissions, not one'],
    ['an open door', TooOpen, 'GET /a (TooOpen.read) may not be open'],
    ['an internal path for persons', InternalForPersons, 'is internal and needs @ServiceOnly'],
    [
      'a path that its call does not name',
      AnotherPath,
      'is not what putClientSecret names: vault PUT /internal/client',
    ],
    ['a call to another service', AnotherCallee, 'is not what vaultReadsIdentity names: identity GET'],
  ])('stop the start when one has %s', async (_, controller, fault) => {
    await expect(starting(controller)).rejects.toThrow(fault)
  })

  @Controller('a')
  @RequireRole('viewer')
  @NotAudited('read only')
  class ByClass {
    @Get()
    read(): void {}

    @Post()
    @RequireRole('publisher')
    @Audit('a.create')
    create(): void {}
  }

  it('may have the policy of their controller, or their own instead', async () => {
    const app = await starting(ByClass)
    expect(() => assertRoutesArePoliced(app)).not.toThrow()
    await app.close()
  })
})

import { runCommandLine } from '../command-line.js'
import { Failure } from '../failure.js'
import type { Operator, OperatorCall } from '../operator.js'
import type { Terminal } from '../terminal.js'
import { usermanager } from './usermanager.js'

const VERA = {
  guid: '46cb5adb-4036-451f-9f08-0da3197dbc6c',
  username: 'vera',
  first_name: 'Vera',
  last_name: 'Viewer',
  email: 'vera@example.org',
  user_role: 'viewer',
  locked: false,
  created_time: '2026-11-22T08:00:00Z',
  active_time: null,
  unique_id: 'v1',
}
const ADA = { ...VERA, guid: '46cb5adb-4036-451f-9f08-0da3197dbc6d', username: 'ada', user_role: 'administrator' }
const TEAM = {
  guid: '9f4e0a4c-7a2f-4d3a-8a53-0f8c3c0a2b11',
  name: 'Team',
  unique_id: null,
  owner_guid: null,
  owner: null,
  members: 3,
}

interface Ran {
  readonly status: number
  readonly out: string
  readonly notes: string
  readonly calls: readonly (readonly [string, OperatorCall | undefined])[]
  readonly asked: readonly string[]
}

/** Runs one command line against a system that answers as told. */
async function run(
  line: string,
  { answers = {}, reply }: { answers?: Readonly<Record<string, unknown>>; reply?: string } = {},
): Promise<Ran> {
  const [out, notes, asked]: [string[], string[], string[]] = [[], [], []]
  const calls: [string, OperatorCall | undefined][] = []
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    note: (text) => void notes.push(text),
    ask: async (question) => {
      asked.push(question)
      return reply
    },
  }
  const operator: Operator = {
    async call<Answer>(name: string, call?: OperatorCall): Promise<Answer> {
      calls.push([name, call])
      const answer = answers[name]
      if (answer instanceof Failure) throw answer
      return (typeof answer === 'function' ? (answer as (call?: OperatorCall) => unknown)(call) : answer) as Answer
    },
  }
  const argv = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ''))
  const surroundings = { terminal, environment: {}, operator: async () => operator }
  const status = await runCommandLine(['usermanager', ...argv], [usermanager], surroundings)
  return { status, out: out.join('\n'), notes: notes.join('\n'), calls, asked }
}

const found = (...users: object[]) => ({ operatorListsUsers: { users, next: null } })
const foundGroups = (...groups: object[]) => ({ operatorListsGroups: { groups, next: null } })

describe('usermanager list', () => {
  it('CLI-01 shows the users who are not locked, and all of them when told', async () => {
    const { out, calls, status } = await run('list', { answers: found(VERA) })
    expect(out).toMatch(/^GUID +USERNAME .*\n46cb5adb-\S+ +vera +Vera +Viewer +vera@example.org +viewer +no +- +v1$/)
    expect(calls).toEqual([['operatorListsUsers', { query: { include_locked: 'false', after: undefined } }]])
    expect(status).toBe(0)
    const all = await run('list --users --include-locked', { answers: found(VERA) })
    expect(all.calls[0]![1]!.query).toMatchObject({ include_locked: 'true' })
  })

  it('CLI-01 shows the groups', async () => {
    const { out } = await run('list --groups', { answers: foundGroups(TEAM) })
    expect(out).toMatch(/Team +- +- +- +3$/)
  })

  it('goes on until there is no more', async () => {
    const pages = {
      operatorListsUsers: ({ query }: OperatorCall) =>
        query!['after'] ? { users: [ADA], next: null } : { users: [VERA], next: '7' },
    }
    const { out } = await run('list --json', { answers: pages })
    expect((JSON.parse(out) as { username: string }[]).map(({ username }) => username)).toEqual(['vera', 'ada'])
  })

  it('quotes what CSV would misread, and lets no spreadsheet calculate', async () => {
    const { out } = await run('list --csv', { answers: found({ ...VERA, first_name: 'V, "E"', last_name: '=1+1' }) })
    expect(out.split('\r\n')).toEqual([
      'guid,username,first_name,last_name,email,user_role,locked,active_time,unique_id',
      `${VERA.guid},vera,"V, ""E""",'=1+1,vera@example.org,viewer,false,,v1`,
    ])
  })

  it('lets no name steer the terminal', async () => {
    const { out } = await run('list', { answers: found({ ...VERA, first_name: '\u001b[2J\u202e' }) })
    expect(out).toContain('\\u001b[2J\\u202e')
    expect(out).not.toContain('\u001b')
  })
})

describe('usermanager alter', () => {
  const altered = (changes: object) => ({ ...found(VERA), operatorAltersUser: { ...VERA, ...changes } })

  it.each([
    ['--new-role publisher', { user_role: 'publisher' }],
    ['--role publisher', { user_role: 'publisher' }],
    [
      '--new-username vera2 --new-first-name V --new-last-name W',
      { username: 'vera2', first_name: 'V', last_name: 'W' },
    ],
    ['--new-email v@x.org', { email: 'v@x.org' }],
    ['--new-unique-id 00u1', { unique_id: '00u1' }],
    ['--lock', { locked: true }],
    ['--unlock', { locked: false }],
  ])('CLI-02 sends %s', async (flags, changes) => {
    const { calls, status } = await run(`alter --username vera ${flags}`, { answers: altered(changes) })
    expect(calls[0]).toEqual(['operatorListsUsers', { query: { username: 'vera', include_locked: 'true' } }])
    expect(calls[1]).toEqual([
      'operatorAltersUser',
      { params: { guid: VERA.guid }, body: { ...changes, force: false } },
    ])
    expect(status).toBe(0)
  })

  it.each([
    '-username vera -new-role publisher',
    '--username=vera -new-role=publisher',
    '-users --username vera --role publisher',
  ])('takes flags with one dash or two: %s', async (flags) => {
    const { calls } = await run(`alter ${flags}`, { answers: altered({}) })
    expect(calls[0]![1]!.query).toMatchObject({ username: 'vera' })
    expect(calls[1]![1]!.body).toMatchObject({ user_role: 'publisher' })
  })

  it('takes a value that looks like a flag', async () => {
    const { calls } = await run('alter -username vera -new-first-name -groups', { answers: altered({}) })
    expect(calls[1]![1]!.body).toMatchObject({ first_name: '-groups' })
  })

  it('says what is different now', async () => {
    const { out } = await run('alter --username vera --role publisher', {
      answers: altered({ user_role: 'publisher' }),
    })
    expect(out).toBe('vera (Vera Viewer): role viewer → publisher')
    expect((await run('alter --username vera --role viewer', { answers: altered({}) })).out).toContain('is so already')
  })

  it('asks before the last administrator may go, and takes no silence for a yes', async () => {
    const line = 'alter --username ada --role publisher --force'
    const answers = { ...found(ADA), operatorAltersUser: ADA }
    const refused = await run(line, { answers, reply: 'n' })
    expect([refused.status, refused.calls.length, refused.notes]).toEqual([1, 1, 'Nothing was changed.'])
    const alone = await run(line, { answers })
    expect([alone.status, alone.calls.length]).toEqual([1, 1])
    expect(alone.notes).toContain('add --yes')
    const sure = await run(`${line} --yes`, { answers })
    expect([sure.status, sure.asked]).toEqual([0, []])
    expect(sure.calls[1]![1]!.body).toEqual({ user_role: 'publisher', force: true })
  })

  it('asks which one, when a name occurs twice', async () => {
    const { notes, status, calls } = await run('alter --username vera --lock', {
      answers: found(VERA, { ...VERA, guid: ADA.guid }),
    })
    expect([status, calls.length]).toEqual([1, 1])
    expect(notes).toContain(`--user-guid ${VERA.guid}`)
    expect(notes).toContain(`--user-guid ${ADA.guid}`)
  })

  it.each([
    ['--new-owner vera', { owner_guid: VERA.guid }],
    [`--new-owner ${VERA.guid}`, { owner_guid: VERA.guid }],
    ['--drop-owner', { owner_guid: null }],
    ['--new-name Gang --new-unique-id g1', { name: 'Gang', unique_id: 'g1' }],
  ])('CLI-04 CLI-05 GRP-20 changes a group: %s', async (flags, body) => {
    const answers = { ...found(VERA), ...foundGroups(TEAM), operatorAltersGroup: TEAM }
    const { calls, status } = await run(`alter --groups --group-name Team ${flags}`, { answers })
    expect(calls.at(-1)).toEqual(['operatorAltersGroup', { params: { guid: TEAM.guid }, body }])
    expect(status).toBe(0)
  })

  it.each([
    'alter --username vera',
    'alter --role publisher',
    'alter --username vera --user-guid 46cb5adb-4036-451f-9f08-0da3197dbc6c --lock',
    'alter --username vera --lock --unlock',
    'alter --username vera --role viewer --new-role publisher',
    'alter --username vera --new-role god',
    'alter --username vera --new-owner ada',
    'alter --username vera --drop-owner',
    'alter --user-guid vera --lock',
    'alter --users --groups --lock',
    'alter --groups --username vera --lock',
    'alter --groups --group-name Team',
    'alter --groups --group-name Team --new-owner vera --drop-owner',
    'alter --groups --group-name Team --normalize-ids',
    'alter --normalize-ids',
    'list --csv --json',
    'list --groups --include-locked',
    'list everything',
    'audit --since yesterday',
    'transfer --source-username vera',
    'delete',
    'frobnicate',
    'list --frobnicate',
  ])('does not understand: %s', async (line) => {
    const { status, notes, calls } = await run(line)
    expect([status, calls]).toEqual([2, []])
    expect(notes).not.toBe('')
  })
})

describe('usermanager alter --groups --normalize-ids', () => {
  const normalization = (byUniqueId: boolean, changed: object[], attention: object[] = []) => ({
    operatorNormalizesGroups: { by_unique_id: byUniqueId, changed, attention },
  })
  const bodies = (calls: Ran['calls']) => calls.map(([, call]) => call!.body)

  it.each(['alter --groups --normalize-ids', '--groups --normalize-ids', '-groups -normalize-ids'])(
    'CLI-06 gives groups their unique ids, and names those whose id is another: %s',
    async (line) => {
      const { out, calls, asked } = await run(line, { answers: normalization(true, [TEAM], [TEAM]) })
      expect(bodies(calls)).toEqual([{ dry_run: true }, { dry_run: false }])
      expect(out).toContain('1 changed.')
      expect(out).toContain('--new-unique-id')
      expect(out).toContain(TEAM.guid)
      expect(asked).toEqual([])
    },
  )

  it('CLI-06 drops them after a yes only, and names the groups to be renamed', async () => {
    const answers = normalization(false, [TEAM], [TEAM])
    const no = await run('alter --groups --normalize-ids', { answers, reply: '' })
    expect([no.status, bodies(no.calls)]).toEqual([1, [{ dry_run: true }]])
    const yes = await run('alter --groups --normalize-ids', { answers, reply: 'yes' })
    expect([yes.status, bodies(yes.calls)]).toEqual([0, [{ dry_run: true }, { dry_run: false }]])
    expect(yes.out).toContain('--new-name')
  })

  it('CLI-06 GRP-40 ends a run that was interrupted, where nothing is to be changed', async () => {
    const { out, calls, asked } = await run('alter --groups --normalize-ids', { answers: normalization(false, []) })
    expect(out).toContain('Nothing to change.')
    expect(bodies(calls)).toEqual([{ dry_run: true }, { dry_run: false }])
    expect(asked).toEqual([])
  })
})

describe('usermanager delete and transfer', () => {
  it.each([
    ['delete --username vera', 'operatorDeletesUser', { params: { guid: VERA.guid } }],
    [
      'delete --users --user-id 46CB5ADB-4036-451F-9F08-0DA3197DBC6C',
      'operatorDeletesUser',
      { params: { guid: VERA.guid } },
    ],
    ['delete --groups --group-name Team', 'operatorDeletesGroup', { params: { guid: TEAM.guid } }],
    [
      'transfer --source-username vera --target-username ada',
      'operatorTransfers',
      { params: { guid: VERA.guid }, body: { target_guid: ADA.guid } },
    ],
  ])('CLI-03 GRP-17 GRP-23 asks first: %s', async (line, name, call) => {
    const answers = {
      ...foundGroups(TEAM),
      operatorListsUsers: ({ query }: OperatorCall) => ({
        users: [query!['username'] === 'ada' ? ADA : VERA],
        next: null,
      }),
      operatorTransfers: { content: [{ guid: 'c', name: 'sales' }], groups: [], memberships: [] },
    }
    for (const reply of [undefined, '', 'no', 'yeah']) {
      const { status, calls } = await run(line, { answers, reply })
      expect([status, calls.some(([called]) => called === name)]).toEqual([1, false])
    }
    const done = await run(line, { answers, reply: 'y' })
    expect([done.status, done.calls.at(-1)]).toEqual([0, [name, call]])
    expect((await run(`${line} -y`, { answers })).asked).toEqual([])
  })

  it('GRP-13 warns that what a group opens is closed to its members', async () => {
    const { asked } = await run('delete --groups --group-name Team', { answers: foundGroups(TEAM) })
    expect(asked.join()).toContain('the group Team with 3 members for ever? What it opens is closed to its members')
  })

  it('says that API keys are not given away', async () => {
    const answers = {
      operatorListsUsers: ({ query }: OperatorCall) => ({
        users: [query!['username'] === 'ada' ? ADA : VERA],
        next: null,
      }),
      operatorTransfers: { content: [{ guid: 'c', name: 'sales' }], groups: [], memberships: [] },
    }
    const { out } = await run('transfer --source-username vera --target-username ada --yes', { answers })
    expect(out).toContain('content     c  sales')
    expect(out).toContain('API keys')
  })

  it('repeats the system’s own words when it refuses, and fails', async () => {
    const answers = { ...found(VERA), operatorDeletesUser: new Failure('vera owns content; transfer it first.') }
    const { status, notes } = await run('delete --username vera --yes', { answers })
    expect([status, notes]).toEqual([1, 'vera owns content; transfer it first.'])
  })
})

describe('usermanager audit', () => {
  it('shows the log, page by page', async () => {
    const line = { id: '4', time: '2026-11-22T08:00:00Z', user_guid: null, user_description: 'operator ada' }
    const pages = {
      operatorReadsAudit: ({ query }: OperatorCall) => ({
        results: [{ ...line, action: query!['next'] ? 'lock_user' : 'add_user', event_description: 'x' }],
        next: query!['next'] ? null : 'n',
      }),
    }
    const { out, calls } = await run('audit --since 2026-11-22 --csv', { answers: pages })
    expect(out.split('\r\n')).toHaveLength(3)
    expect(calls.map(([, call]) => call!.query)).toEqual([
      { since: '2026-11-22T00:00:00.000Z', next: undefined },
      { since: '2026-11-22T00:00:00.000Z', next: 'n' },
    ])
  })
})

describe('the help', () => {
  it.each(['--help', 'help', '-help'])('tells a newcomer what there is: %s', async (line) => {
    const { out, status } = await run(line)
    for (const name of ['list', 'alter', 'delete', 'transfer', 'audit'])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(status).toBe(0)
  })

  it.each(['list', 'alter', 'delete', 'transfer', 'audit'])('of %s has examples', async (name) => {
    const { out, status } = await run(`${name} --help`)
    expect(out).toContain(`Examples:\n  npx keybearer usermanager ${name}`)
    expect(out).toContain('--data <directory>')
    expect(status).toBe(0)
  })
})

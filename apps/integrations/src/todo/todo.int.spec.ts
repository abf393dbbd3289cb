import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import { transaction } from '#libs/event-sourcing'
import { eventually, freshDatabase, type FreshDatabase } from '#libs/testing'
import { Todo } from './todo.js'

Logger.overrideLogger(false)

let database: FreshDatabase
let pool: Pool
let running: Todo[]

beforeAll(async () => {
  database = await freshDatabase('integrations')
  pool = database.pool()
})
afterAll(() => database.drop())
beforeEach(() => {
  running = []
})
afterEach(async () => {
  for (const todo of running) await todo.onApplicationShutdown()
  await pool.query('delete from todo')
})

function start(prepare: (todo: Todo) => void): Todo {
  const todo = new Todo(pool)
  prepare(todo)
  todo.onApplicationBootstrap()
  running.push(todo)
  return todo
}
const left = async () =>
  (await pool.query<{ key: string }>('select key from todo order by key')).rows.map(({ key }) => key)

describe('what has to follow', () => {
  it('is done once its reason is written down, by every reaction, and forgotten', async () => {
    const done: string[] = []
    const todo = start((each) => {
      each.on('gone', (key) => Promise.resolve(void done.push(`one ${key}`)))
      each.on('gone', (key) => Promise.resolve(void done.push(`two ${key}`)))
    })
    await transaction(pool, (client) => todo.add(client, 'gone', ['a', 'b', 'a']))
    await eventually(async () => done.length === 4 && (await left()).length === 0)
    expect(done.sort()).toEqual(['one a', 'one b', 'two a', 'two b'])
  })

  it('is not done when its reason is not written down after all', async () => {
    const done: string[] = []
    const todo = start((each) => each.on('gone', (key) => Promise.resolve(void done.push(key))))
    const failing = transaction(pool, async (client) => {
      await todo.add(client, 'gone', ['never'])
      throw new Error('rolled back')
    })
    await expect(failing).rejects.toThrow('rolled back')
    await transaction(pool, (client) => todo.add(client, 'gone', ['done']))
    await eventually(() => done.length > 0)
    expect(done).toEqual(['done'])
  })

  it('is tried again after a failure', async () => {
    let attempts = 0
    const todo = start((each) =>
      each.on('gone', () => (++attempts < 3 ? Promise.reject(new Error('not now')) : Promise.resolve())),
    )
    await transaction(pool, (client) => todo.add(client, 'gone', ['a']))
    await eventually(async () => attempts === 3 && (await left()).length === 0, { timeoutMs: 10_000 })
  })

  it('R03 is done by the next process when the first one died with it, or before it wrote it down', async () => {
    await pool.query(`insert into todo (kind, key) values ('gone', 'left over')`)
    const done: string[] = []
    start((each) =>
      each.on(
        'gone',
        (key) => Promise.resolve(void done.push(key)),
        () => Promise.resolve([{ kind: 'gone', key: 'swept' }]),
      ),
    )
    await eventually(() => done.length === 2)
    expect(done.sort()).toEqual(['left over', 'swept'])
  })

  it('is taken by one process only', async () => {
    const done: string[] = []
    const all = [1, 2, 3].map(() => start((each) => each.on('gone', (key) => Promise.resolve(void done.push(key)))))
    const keys = Array.from({ length: 50 }, (_, at) => `key-${at}`)
    await transaction(pool, (client) => all[0]!.add(client, 'gone', keys))
    for (const todo of all) todo.wake()
    await eventually(async () => (await left()).length === 0)
    expect(done.sort()).toEqual(keys.sort())
  })
})

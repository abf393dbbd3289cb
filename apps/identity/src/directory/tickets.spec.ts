import { jest } from '@jest/globals'
import { EncryptJWT } from 'jose'
import { Secret } from '#libs/contracts'
import { Tickets } from './tickets.js'

const key = (byte: number) => new Secret(Buffer.alloc(32, byte).toString('base64'))
const tickets = new Tickets(key(1))
const found = { person: { uniqueId: '1', email: 'a@b.test', firstName: 'A', lastName: 'B' } }
const INVALID = { code: 'user.temp_ticket_invalid' }

beforeEach(() => void jest.useFakeTimers({ now: new Date('2026-11-22T12:00:00Z') }))
afterEach(() => void jest.useRealTimers())

describe('a ticket', () => {
  it('says whom a search found, to the searcher, in every process with the same key', async () => {
    const ticket = await tickets.seal('searcher', found)
    expect(await new Tickets(key(1)).open(ticket, 'searcher')).toEqual(found)
    expect(await tickets.open(await tickets.seal('searcher', { guid: 'g' }), 'searcher')).toEqual({ guid: 'g' })
  })

  it('is good for a quarter of an hour', async () => {
    const ticket = await tickets.seal('searcher', found)
    jest.setSystemTime(new Date('2026-11-22T12:14:59Z'))
    expect(await tickets.open(ticket, 'searcher')).toEqual(found)
    jest.setSystemTime(new Date('2026-11-22T12:15:01Z'))
    await expect(tickets.open(ticket, 'searcher')).rejects.toMatchObject(INVALID)
  })

  it('is no other searcher’s, nor another installation’s', async () => {
    const ticket = await tickets.seal('searcher', found)
    await expect(tickets.open(ticket, 'another')).rejects.toMatchObject(INVALID)
    await expect(new Tickets(key(2)).open(ticket, 'searcher')).rejects.toMatchObject(INVALID)
  })

  it('is nothing that was sealed for something else, or with the login key itself', async () => {
    const other = await new EncryptJWT({ found })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'keybearer-directory-ticket' })
      .setAudience('searcher')
      .setExpirationTime('15m')
      .encrypt(Buffer.alloc(32, 1))
    await expect(tickets.open(other, 'searcher')).rejects.toMatchObject(INVALID)
  })
})

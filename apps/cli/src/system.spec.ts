import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { findSystem, operatorName } from './system.js'

describe('finding the running system', () => {
  const data = mkdtempSync(path.join(tmpdir(), 'keybearer-cli-'))
  const running = (text: string) => writeFileSync(path.join(data, 'running.json'), text)
  afterAll(() => rmSync(data, { recursive: true }))

  it('reads what the launcher has written', async () => {
    const url = (port: number) => ({ service: 'identity', url: `http://127.0.0.1:${port}` })
    running(JSON.stringify({ operatorKey: '/k', processes: [url(1), { service: 'vault', url: 'http://v' }, url(2)] }))
    expect(await findSystem({ data })).toEqual({
      urls: { identity: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], vault: ['http://v'] },
      keyFile: '/k',
    })
    expect(await findSystem({ data, keyFile: '/mine' })).toMatchObject({ keyFile: '/mine' })
  })

  it('takes what it is told instead', async () => {
    expect(await findSystem({ data: '/nowhere', identityUrl: 'http://a/, http://b', keyFile: '/k' })).toEqual({
      urls: { identity: ['http://a', 'http://b'], vault: [] },
      keyFile: '/k',
    })
    expect(await findSystem({ data: '/nowhere', vaultUrl: 'http://v', keyFile: '/k' })).toEqual({
      urls: { identity: [], vault: ['http://v'] },
      keyFile: '/k',
    })
  })

  it.each([
    [{ data: '/nowhere' }, 'does not run with its data in /nowhere'],
    [{ data: '/nowhere', identityUrl: 'identity:4001', keyFile: '/k' }, '--identity-url must be a URL'],
    [{ data: '/nowhere', identityUrl: 'http://a' }, 'needs --key-file'],
    [{ data: '/nowhere', vaultUrl: 'vault', keyFile: '/k' }, '--vault-url must be a URL'],
    [{ data: '/nowhere', vaultUrl: 'http://v' }, 'needs --key-file'],
  ])('says what to mend: %j', async (whereabouts, message) => {
    await expect(findSystem(whereabouts)).rejects.toThrow(message)
  })

  it('says what to mend in running.json', async () => {
    running('not json')
    await expect(findSystem({ data })).rejects.toThrow('is not JSON')
  })

  it('leaves it to who speaks to a service to miss it', async () => {
    running('{}')
    expect(await findSystem({ data })).toMatchObject({ urls: { identity: [], vault: [] } })
  })
})

describe('who sits at the shell', () => {
  it('is the account, or the person behind sudo', () => {
    expect(operatorName({})).toBe(userInfo().username)
    expect(operatorName({ SUDO_USER: 'ada' })).toBe('ada')
  })

  it('is a name that identity takes', () => {
    expect(operatorName({ SUDO_USER: `a\u001b${'x'.repeat(100)}` })).toBe(`a${'x'.repeat(63)}`)
  })
})

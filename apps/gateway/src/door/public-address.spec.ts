import { DevelopmentSettings, ServerSettings } from '#libs/service'
import { PublicAddress } from './public-address.js'

describe('the address of the server', () => {
  const at = (address: string, loopback = false): PublicAddress =>
    new PublicAddress(
      Object.assign(new ServerSettings(), { address }),
      Object.assign(new DevelopmentSettings(), { loopback }),
    )

  it.each([
    ['https://kb.example.org/kb/', 'kb.example.org'],
    ['https://kb.example.org', 'KB.example.org:443'],
    ['http://kb.example.org', 'kb.example.org:80'],
    ['http://kb.example.org:3939', 'kb.example.org:3939'],
    ['https://[2001:db8::1]:3939', '[2001:DB8::1]:3939'],
  ])('G14 %s is meant by Host: %s', (address, host) => {
    expect(at(address).isMeantBy(host)).toBe(true)
  })

  it.each([
    ['https://kb.example.org', 'kb.example.org:80'],
    ['https://kb.example.org', 'example.org'],
    ['https://kb.example.org', 'a@kb.example.org'],
    ['https://kb.example.org', 'kb.example.org/'],
    ['https://kb.example.org', 'kb.example.org?'],
    ['https://kb.example.org', 'evil.example.org'],
    ['http://localhost:3939', '127.0.0.1:3939'],
    ['https://kb.example.org', ''],
    ['https://kb.example.org', undefined],
  ])('G14 %s is not meant by Host: %s', (address, host) => {
    expect(at(address).isMeantBy(host)).toBe(false)
  })

  it('has every name of this machine while developing', () => {
    for (const host of ['127.0.0.1:3939', 'localhost', '[::1]:1', 'a.localhost', '127.1.2.3']) {
      expect(at('http://localhost:3939', true).isMeantBy(host)).toBe(true)
    }
    for (const host of ['127.0.0.1.example.org', 'evil.example.org', '10.0.0.1']) {
      expect(at('http://localhost:3939', true).isMeantBy(host)).toBe(false)
    }
  })
})

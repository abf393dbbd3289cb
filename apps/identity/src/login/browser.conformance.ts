import type { ServiceUnderTest, TestAnswer } from '#libs/testing'
import type { FaultyProvider } from './faulty-provider.conformance.js'

/** Where a browser goes: read at each step, so that a spec can change it. */
export interface Places {
  service: Pick<ServiceUnderTest, 'request'>
  provider: FaultyProvider
}

/** A browser: keeps its cookies, whatever their path. */
export class Browser {
  readonly cookies = new Map<string, string>()

  constructor(private readonly places: Places) {}

  async get(path: string): Promise<TestAnswer> {
    return this.send('GET', path)
  }

  async send(method: 'GET' | 'POST', path: string, headers: Record<string, string> = {}): Promise<TestAnswer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await this.places.service.request({
      method,
      path,
      headers: { ...headers, ...(cookie !== '' && { cookie }) },
    })
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split('; ')
      const [name = '', value = ''] = pair.split('=')
      if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return answer
  }

  get session(): string | undefined {
    return this.cookies.get('keybearer_session')
  }

  /** As far as the provider, which sends it back. */
  async leave(returnTo = '/content/c1/'): Promise<URL> {
    const answer = await this.get(`/__login__?return_to=${encodeURIComponent(returnTo)}`)
    if (answer.status !== 302) throw new Error(`the way to the provider is answered with ${answer.status}`)
    return this.places.provider.authorize(String(answer.headers['location']))
  }

  async come(back: URL): Promise<TestAnswer> {
    return this.get(back.pathname + back.search)
  }

  async logIn(returnTo?: string): Promise<TestAnswer> {
    return this.come(await this.leave(returnTo))
  }
}

import { Section, Setting } from '../setting.js'

@Section('Development', 'For one machine that nobody else can reach.')
export class DevelopmentSettings {
  @Setting(
    'bool',
    'Permits http and loopback addresses for issuers, token endpoints and content. Needs a loopback Server.Address.',
  )
  loopback = false
}

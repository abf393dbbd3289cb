import { readFileSync } from 'node:fs'
import { PROHIBITED_USERNAMES } from '../user/username-rules.js'

const guide = readFileSync(new URL('../../../../docs/login.md', import.meta.url), 'utf8').replace(/\s+/g, ' ')

describe('the guide to logging in', () => {
  it.each([
    ['LOGIN-03 that the application is of the web kind', /kind [*_]web[*_]/],
    ['LOGIN-02 what the redirect URI is', /`https:\/\/[^`]*\/__login__\/callback`/],
    ['CFG-50 that each application has credentials of its own', /credentials of its own for each application/],
    ['ACCESS-08 that login comes before restrictions', /\*\*Log in\.\*\*.*\*\*Only when login works, restrict it\*\*/],
    [
      'ROLE-19 what a mapping needs with Google',
      /With Google\*\*, a mapping needs a custom claim.*Private accounts.*default role/,
    ],
    [
      'ID-31 that duplicate usernames may affect content',
      /Content that decides by username cannot tell them apart.*`guid`/,
    ],
    [
      'ID-32 that some publishing tools want one username once',
      /publishing tools do not support two users of one name/,
    ],
    ['PROV-05 who makes accounts when logins do not', /administrator must make the account/],
    ['CFG-44 what goes with RegisterOnFirstLogin = false', /Set `UserInfoEditableBy = Admin` with it/],
    ['LOGIN-14 how nested claims are named', /exactly the name in the setting wins.*`realm_access\.role`/],
    ['GRP-43 what happens to groups that do not fit into a token', /overage.*By unique ID.*By name.*stay as they were/],
    ['DISC-03 that people of one domain will not find those of another', /will likely not find people of another/],
    ['DISC-06 DISC-07 whom a search finds with other providers', /known here.*Searching the provider is not supported/],
    ['LOGIN-09 LOGIN-10 that content gets no token of a login', /No content ever gets it, nor the ID token/],
  ])('says %s', (_name, text) => {
    expect(guide).toMatch(text)
  })

  it('ID-08 names the prohibited usernames', () => {
    for (const name of PROHIBITED_USERNAMES) expect(guide).toContain(`\`${name}\``)
  })
})

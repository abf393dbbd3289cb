import { readFileSync } from 'node:fs'

const guide = readFileSync(new URL('../../../../docs/groups.md', import.meta.url), 'utf8').replace(/\s+/g, ' ')

describe('the guide to groups', () => {
  it.each([
    ['GRP-13 that a removal takes access away', /\*\*Care should be taken:\*\*.*closed to its members at once/],
    ['GRP-17 GRP-23 how groups are removed', /removed by API or with `usermanager delete --groups`/],
    [
      'GRP-21 who should get and who should lose an owner',
      /drop the owners of groups that the provider is to manage.*give groups an owner/,
    ],
    ['GRP-30a GRP-30b how to follow a rename', /rename the group here.*--new-name.*delete that one first/],
    ['GRP-34 how groups with unique IDs are made', /made by API, which ties the provider's id to a name/],
    [
      'GRP-35 what the dashboard leaves to the API',
      /the dashboard does not manage groups in this mode, it only adds them to content/,
    ],
    ['GRP-37 that duplicate names may affect content', /\*\*Duplicate group names may affect content\*\*/],
    ['GRP-38 that two settings exclude each other', /`GroupsByUniqueId` and `GroupsAutoProvision` exclude each other/],
    ['GRP-39 when to turn GroupsByUniqueId on', /Turn `GroupsByUniqueId` on before there is any group/],
    ['GRP-40 what to run after turning it on or off', /usermanager alter --groups --normalize-ids/],
    ['GRP-41 what Entra needs with an on-premises directory', /`sAMAccountName` rather than the group ID/],
    [
      'GRP-42 what Entra needs without one',
      /names are not available.*Turn `GroupsByUniqueId` on and make each group by API/,
    ],
  ])('says %s', (_name, text) => {
    expect(guide).toMatch(text)
  })
})

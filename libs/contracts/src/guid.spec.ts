import { randomUUID } from 'node:crypto'
import { isGuid } from './guid.js'

it('a GUID is one as this server writes it, and nothing beside it', () => {
  const guid = randomUUID()
  expect(isGuid(guid)).toBe(true)
  for (const other of [
    guid.toUpperCase() + 'A',
    ` ${guid}`,
    `${guid}\n`,
    `{${guid}}`,
    guid.replaceAll('-', ''),
    '',
    7,
    null,
  ])
    expect(isGuid(other)).toBe(false)
  expect(isGuid('0B1CC7A1-3F0C-4F0D-9A53-6F3F0E6B9C21')).toBe(false)
})

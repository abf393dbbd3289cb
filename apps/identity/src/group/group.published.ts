import { groupContract } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'

export const publishedGroups = publishedSource(groupContract, 'select guid, name from user_group where guid = $1')

import { Injectable } from '@nestjs/common'
import { mustBePerson, permissionDenied, type Actor } from '#libs/contracts'
import { isEditing } from './app-role.js'
import { ContentQueries, type SeenContent } from './content.queries.js'
import type { Editor } from './editor.js'

/** For what only those who may edit an item may do or know. */
@Injectable()
export class Editing {
  constructor(private readonly contents: ContentQueries) {}

  /**
   * The item and who wants to edit it, as the item's rules ask for them.
   * @throws DomainError `content.not_found` for whoever may not even see it, `permission.denied`; `replica.stale`
   */
  async of(guid: string, actor: Actor): Promise<{ content: SeenContent; editor: Editor }> {
    const standing = await this.contents.standing(guid, mustBePerson(actor))
    if (!isEditing(standing.content.appRole)) throw permissionDenied()
    return standing
  }
}

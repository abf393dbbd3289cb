import { Injectable } from '@nestjs/common'
import { ServerSettings } from '#libs/service'
import { tagView } from '../tag/tag.dto.js'
import { TagQueries } from '../tag/tag.queries.js'
import { ContentIncludes } from './content-includes.js'

/** What belongs to content, where `include` asks for it. */
@Injectable()
export class BelongingsIncludes {
  constructor(includes: ContentIncludes, tags: TagQueries, server: ServerSettings) {
    includes.add('tags', async (contents) => {
      const byContent = await tags.ofContents(contents.map(({ guid }) => guid))
      return new Map([...byContent].map(([guid, rows]) => [guid, rows.map(tagView)]))
    })
    includes.add('vanity_url', (contents) => {
      const urls = contents.flatMap(({ guid, vanityPath }): [string, string][] =>
        vanityPath === null ? [] : [[guid, server.urlOf(vanityPath)]],
      )
      return Promise.resolve(new Map(urls))
    })
  }
}

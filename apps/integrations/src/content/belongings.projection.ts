import { projection } from '#libs/event-sourcing'
import type { ContentEvent } from './content.events.js'

/** What belongs to each content item: its address, names of variables, repository, tags, bundles and their tasks. */
export const belongings = projection<ContentEvent>('belongings', {
  VanityPathChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set vanity_path = ${data.vanityPath}, vanity_at = ${recordedAt} where guid = ${id}`,
  EnvironmentChanged: ({ id, data }, sql) => sql`
    with gone as (
      delete from environment_variable where content_guid = ${id} and name = any(${data.removed}::text[])
    )
    insert into environment_variable (content_guid, name) select ${id}, unnest(${data.added}::text[])
    on conflict do nothing`,
  RepositoryChanged: ({ id, data: { repository } }, sql) =>
    repository
      ? sql`
    insert into repository (content_guid, repository, branch, directory, polling)
    values (${id}, ${repository.repository}, ${repository.branch}, ${repository.directory}, ${repository.polling})
    on conflict (content_guid) do update set repository = excluded.repository, branch = excluded.branch,
      directory = excluded.directory, polling = excluded.polling`
      : sql`
    delete from repository where content_guid = ${id}`,
  TagsChanged: ({ id, data }, sql) => sql`
    with gone as (
      delete from content_tag where content_guid = ${id} and tag_guid = any(${data.removed}::uuid[])
    )
    insert into content_tag (content_guid, tag_guid) select ${id}, unnest(${data.added}::uuid[])
    on conflict do nothing`,
  BundleUploaded: ({ id, data, position, recordedAt }, sql) => sql`
    insert into bundle (guid, position, content_guid, size, sha256, app_mode, content_category,
      r_version, py_version, quarto_version, created_at)
    values (${data.bundleGuid}, ${position}, ${id}, ${data.size}, ${data.sha256}, ${data.appMode},
      ${data.contentCategory}, ${data.rVersion}, ${data.pyVersion}, ${data.quartoVersion}, ${recordedAt})`,
  BundleDeployed: ({ id, data, recordedAt }, sql) => sql`
    with task as (
      insert into task (guid, content_guid) values (${data.taskGuid}, ${id})
    )
    update content set bundle_id = bundle.position, content_category = bundle.content_category,
      r_version = bundle.r_version, py_version = bundle.py_version, quarto_version = bundle.quarto_version,
      deployed_at = ${recordedAt}, updated_at = ${recordedAt}
    from bundle where content.guid = ${id} and bundle.guid = ${data.bundleGuid}`,
  BundleDeleted: ({ data }, sql) => sql`
    delete from bundle where guid = ${data.bundleGuid}`,
  ContentDeleted: ({ id }, sql) => sql`
    with variables as (delete from environment_variable where content_guid = ${id}),
      repositories as (delete from repository where content_guid = ${id}),
      tags as (delete from content_tag where content_guid = ${id}),
      tasks as (delete from task where content_guid = ${id})
    delete from bundle where content_guid = ${id}`,
})

/**
 * What the audit log needs to find an entry among a million, for a migration of each service: functions that name what
 * is asked for, and indexes on them. Functions in SQL would be inlined, and the planner would take them for cheap: it
 * would rather try all entries in order than ask the indexes for the few that fit.
 */
export const AUDIT_SCHEMA_SQL = `
create function log.person_of(stream_id text, type text, meta text) returns text
language plpgsql immutable parallel safe cost 1000 as $$
declare actor json := meta::json -> 'actor';
begin
  return case actor ->> 'type'
    when 'user' then actor ->> 'guid'
    when 'key' then actor ->> 'user'
    when 'content_key' then actor ->> 'owner'
    when 'provider' then case when type in ('SessionBegun', 'UserRegistered') then substring(stream_id from '^user-(.+)$') end
  end;
end $$;
comment on function log.person_of is 'Who did it, if a person did. At a login that is the one who logs in; what the provider says of them is its deed.';

create function log.words_of(text) returns text[]
language plpgsql immutable strict parallel safe cost 1000 as $$
begin
  return array(select left(word, 255) from regexp_split_to_table(lower($1), '[^[:alnum:]_-]+') as word);
end $$;
comment on function log.words_of is 'Names, guids and other words of an event''s data, in lower case, and so short that an index takes them.';

create index event_recorded_at on log.event (recorded_at, position);
create index event_type on log.event (type, recorded_at, position);
create index event_person on log.event (log.person_of(stream_id, type, meta), recorded_at, position);
create index event_words on log.event using gin (log.words_of(data)) with (gin_pending_list_limit = 256);
`

/** For databases that were made when these functions meant something else. */
export const AUDIT_SCHEMA_AGAIN_SQL = `
drop index log.event_recorded_at, log.event_type, log.event_person, log.event_words;
drop function if exists log.person_of(text, text);
drop function if exists log.person_of(text, text, text);
drop function log.words_of(text);
${AUDIT_SCHEMA_SQL}`

-- What a restored copy must not take for granted: the world went on after the backup was made. Applied by
-- deploy/dev/restore before any service sees the copy.
\set ON_ERROR_STOP on
begin;
-- Nothing has happened that anybody is to be told of: no trigger runs.
set local session_replication_role = replica;
set local search_path = scrobble;

-- What adds a play may have been delivered since: it is looked for on the other side before it is sent. Where nothing says
-- when it was sent, it was within the five minutes in which things are told as they happen, or by its own date.
update scrobble_queue
set status = 'verify',
    looks = 0,
    unsettled = 0,
    reason = 'restored from a backup',
    sent_at = coalesce(sent_at, least(created_at + interval '2 minutes', now()))
where action in ('stop', 'add_play') and status <> 'verify';
-- Everything else may be told twice.
update scrobble_queue set status = 'pending', unsettled = 0 where status = 'sending';
-- Whoever held a lane has ended with the old database.
update queue_lanes
set held_until = '-infinity', worker = null, fence = fence + 1
where held_until > '-infinity';

-- Sessions may have been ended since, and tokens have been renewed.
set local session_replication_role = origin;
set local search_path = gateway;
delete from sessions;
commit;

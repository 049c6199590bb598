-- Adapts a restored copy to the fact that the world went on after the backup. Applied by deploy/dev/restore before any
-- service sees the copy.
\set ON_ERROR_STOP on
begin;
-- These changes are no events to be announced, so triggers are off.
set local session_replication_role = replica;
set local search_path = scrobble;

-- Jobs that add a play may have been delivered since, so workers look for the play on the other side before they send
-- it. If the time of sending is unknown, two minutes after the job's creation are assumed: plays are sent live within
-- five minutes, others carry their own date.
update scrobble_queue
set status = 'verify',
    looks = 0,
    unsettled = 0,
    reason = 'restored from a backup',
    sent_at = coalesce(sent_at, least(created_at + interval '2 minutes', now()))
where action in ('stop', 'add_play') and status <> 'verify';
-- Everything else may be sent twice.
update scrobble_queue set status = 'pending', unsettled = 0 where status = 'sending';
-- Holders of lanes ended with the old database.
update queue_lanes
set held_until = '-infinity', worker = null, fence = fence + 1
where held_until > '-infinity';

-- Sessions may have been ended since, and tokens renewed.
set local session_replication_role = origin;
set local search_path = gateway;
delete from sessions;
commit;

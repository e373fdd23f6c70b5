-- The queries of the intake. queue.py reads each by the name in the comment before it.

-- name: open
pragma journal_mode = wal;
pragma synchronous = full;
pragma secure_delete = on;
pragma temp_store = memory;  -- VACUUM must not spill profiles elsewhere
create table if not exists events (
    sequence integer primary key autoincrement, kind text not null, user_id integer not null,
    other_id integer, payload text, received_at text not null, key text unique, request blob
);
create index if not exists events_of_user on events (user_id, sequence);
create index if not exists events_of_other on events (other_id) where other_id is not null;
create table if not exists forgotten (mark blob primary key) without rowid;

-- name: insert
insert into events (kind, user_id, other_id, payload, received_at, key, request)
values (?, ?, ?, ?, ?, ?, ?)

-- name: events
select sequence, kind, user_id, other_id from events where sequence > ? order by sequence

-- name: payloads
select payload from events where user_id = ? and sequence <= ? and payload is not null

-- name: latest_kind
select kind from events
where user_id = ? and kind in ('register', 'update', 'delete', 'forget')
order by sequence desc limit 1

-- name: latest
select max(sequence), user_id, kind, received_at, payload from events
where sequence <= ? and kind in ('register', 'update', 'delete', 'forget')
group by user_id

-- name: blocks
select max(sequence), user_id, other_id, kind from events b
where sequence <= ?1 and kind in ('block', 'unblock') and sequence > coalesce((
    select max(sequence) from events e
    where e.user_id = b.user_id and e.sequence <= ?1 and e.kind in ('delete', 'forget')), 0)
group by user_id, other_id

-- name: supersede
update events set payload = null
where payload is not null and exists (
    select 1 from events e where e.user_id = events.user_id and e.sequence > events.sequence
    and e.sequence <= ? and e.kind in ('register', 'update', 'delete', 'forget'))

-- name: removed
select user_id, max(sequence) from events
where kind = 'forget' or (kind = 'delete' and sequence <= ?)
group by user_id order by user_id

-- Creates a role and a schema per service; run by the database's administrator, and safe to repeat. Each role owns its
-- own schema and has access to no other; migrations run as that role. Passwords come from the files
-- <service>_database_password in the folder REELAY_SECRETS_DIR (default /run/secrets). For psql, and for
-- /docker-entrypoint-initdb.d of the postgres image.
\set ON_ERROR_STOP on
\set metadata_password `cat "${REELAY_SECRETS_DIR:-/run/secrets}/metadata_database_password"`
\set ratings_password `cat "${REELAY_SECRETS_DIR:-/run/secrets}/ratings_database_password"`
\set scrobble_password `cat "${REELAY_SECRETS_DIR:-/run/secrets}/scrobble_database_password"`
\set gateway_password `cat "${REELAY_SECRETS_DIR:-/run/secrets}/gateway_database_password"`

set client_min_messages = warning;
begin;
-- A failed statement would otherwise be logged with the password in it.
set local log_min_error_statement = panic;
set local log_statement = 'none';

-- Roles belong to the whole server: one run of this script at a time.
lock table pg_catalog.pg_authid in share row exclusive mode;

create temporary table service (
    name text primary key,
    role text not null,
    password text not null,
    connections integer not null
) on commit drop;

insert into service
values
    ('metadata', 'reelay_metadata', :'metadata_password', 100),
    ('ratings', 'reelay_ratings', :'ratings_password', 100),
    ('scrobble', 'reelay_scrobble', :'scrobble_password', 100),
    ('gateway', 'reelay_gateway', :'gateway_password', 60);

do $$
declare
    unset text;
begin
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'the database must be in UTF8, it is in %', current_setting('server_encoding');
    end if;
    select name into unset from service where length(password) < 16 order by name limit 1;
    if unset is not null then
        raise exception 'the secret %_database_password is missing or shorter than 16 characters', unset;
    end if;
end
$$;

select format('create role %I', role)
from service
where not exists (select from pg_roles where rolname = role)
\gexec

select format(
    'alter role %I with login nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls '
        'connection limit %s password %L',
    role, connections, password)
from service
\gexec

-- Nobody may connect to this database, or to those that every server has, unless granted here.
select format('revoke all on database %I from public', datname)
from pg_database
where datname in (current_database(), 'postgres', 'template1')
\gexec
revoke all on schema public from public;

select format('grant connect on database %I to %I', current_database(), role) from service
\gexec
select format('create schema if not exists %I', name) from service
\gexec
select format('alter schema %I owner to %I', name, role) from service
\gexec
select format('revoke all on schema %I from public', name) from service
\gexec

-- Limits for every session of a service; a migration that needs longer raises them for itself.
select format('alter role %I in database %I set %s', role, current_database(), setting)
from service
cross join lateral (
    values
        (format('search_path = %I', name)),
        ('statement_timeout = ''30s'''),
        ('idle_in_transaction_session_timeout = ''30s'''),
        ('timezone = ''UTC''')
) as session (setting)
\gexec
commit;

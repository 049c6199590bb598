# A private Postgres: a cluster that belongs to this clone, run by an unprivileged user, reached by password over
# loopback and, for its administrator, through a socket in a folder that only that user and root may enter.
# shellcheck shell=bash

# The administrator's role in every private cluster.
pg_admin=reelay_admin
pg_database=reelay
# The longest path of a unix socket, in bytes (unix(7)); the file is named .s.PGSQL.<port>.
socket_path_bytes_max=107

# Fills pg_bin and pg_user (empty: the present user). Postgres refuses to run as root.
pg_find() {
    local name
    # The caller's own psql settings must not redirect us to another server.
    for name in "${!PG@}"; do unset "$name"; done
    pg_bin=$(postgres_folder) || die "no Postgres server found; on Debian: apt-get install postgresql"
    pg_user=
    [ "$(id -u)" = 0 ] || return 0
    if getent passwd postgres >/dev/null; then pg_user=postgres; else pg_user=nobody; fi
}

# Runs a command as the cluster's user, from a folder that everybody may enter.
as_pg() {
    local clean=(env -i "PATH=$pg_bin:/usr/bin:/bin" LANG=C.UTF-8 TZ=UTC)
    if [ -n "$pg_user" ]; then
        (cd / && exec setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --init-groups -- "${clean[@]}" "$@")
    else
        (cd / && exec "${clean[@]}" "$@")
    fi
}

# Creates a folder that only the cluster's user may enter; refuses one that somebody else created.
pg_own_folder() {
    local owner=${pg_user:-$(id -un)}
    mkdir -p "$1"
    [ ! -L "$1" ] || die "$1 is a link; remove it"
    [ -z "$pg_user" ] || [ "$(stat -c %U "$1")" != root ] || chown "$pg_user:" "$1"
    [ "$(stat -c %U "$1")" = "$owner" ] || die "$1 belongs to $(stat -c %U "$1"), expected $owner; remove it"
    chmod 0700 "$1"
}

# Selects the cluster of `up`: fills pg_home, pg_sockets and pg_port.
pg_use_private() {
    pg_find
    pg_port=$((${REELAY_POSTGRES_PORT:-54320} + ${REELAY_PORT_OFFSET:-0}))
    make_state
    if [ -n "$pg_user" ]; then
        # The clone may be where this user has no access, so the data are in /var/lib like other services' data.
        pg_home=/var/lib/reelay-$clone_id
        pg_sockets=/run/reelay-$clone_id
        ln -sfn "$pg_home" "$state/postgres"
    else
        pg_home=$state/postgres
        pg_sockets=${XDG_RUNTIME_DIR:-/tmp}/reelay-$clone_id
        [ -w "${pg_sockets%/*}" ] || pg_sockets=/tmp/reelay-$clone_id
    fi
    pg_check_socket_path
}

# Selects a throw-away cluster for one run, on a free port.
pg_use_throwaway() {
    pg_find
    local base
    for base in "${TMPDIR:-/tmp}" /tmp; do
        pg_home=$(mktemp -d "${base%/}/reelay-test.XXXXXX")
        [ -z "$pg_user" ] || chown "$pg_user:" "$pg_home"
        pg_sockets=$pg_home
        pg_port=$(free_port)
        if as_pg test -w "$pg_home" && pg_socket_path_fits; then return; fi
        rmdir "$pg_home"
    done
    die "no folder for a test database: neither ${TMPDIR:-/tmp} nor /tmp can be used by ${pg_user:-$(id -un)}"
}

pg_socket_path_fits() {
    local path=$pg_sockets/.s.PGSQL.$pg_port
    [ ${#path} -le $socket_path_bytes_max ]
}

pg_check_socket_path() {
    pg_socket_path_fits || pg_sockets=/tmp/reelay-$clone_id
}

# Prints the process id of our running server; fails if there is none.
pg_pid() {
    local pid
    pid=$(as_pg head -n 1 "$pg_home/data/postmaster.pid" 2>/dev/null) || return 1
    # After a reboot the id may belong to another process, and Postgres would refuse to start.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$pg_home/data" || return 1
    printf '%s\n' "$pid"
}

# Starts the cluster, and creates it first if necessary: `durable`, or `disposable` if nothing need survive a crash.
pg_start() {
    local pid port
    if pid=$(pg_pid); then
        port=$(as_pg sed -n 4p "$pg_home/data/postmaster.pid")
        if [ "$port" = "$pg_port" ]; then return; fi
        say "Postgres moves from port $port to $pg_port"
        pg_stop fast
    fi
    if port_is_taken "$pg_port"; then
        die "port $pg_port, meant for Postgres, is taken by $(port_holder "$pg_port");" \
            "stop that, or set another port in REELAY_POSTGRES_PORT"
    fi
    pg_own_folder "$pg_home"
    pg_own_folder "$pg_sockets"
    pg_make_cluster
    pg_clear_locks
    local options="-c port=$pg_port -c unix_socket_directories='$pg_sockets'"
    if [ "$1" = durable ]; then
        # The same as in deploy/docker-compose.yml; given here so that existing clusters get it too.
        options+=" -c shared_buffers=256MB -c max_wal_size=2GB"
    else
        options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    fi
    if ! (
        close_descriptors
        as_pg "$pg_bin/pg_ctl" -D "$pg_home/data" -l "$pg_home/log" -o "$options" -w -t 60 start
    ) >/dev/null 2>&1 </dev/null; then
        as_pg tail -n 20 "$pg_home/log" >&2 || true
        die "Postgres did not start; its log: $pg_home/log"
    fi
}

# Removes the lock files of a killed server, since Postgres refuses to start if another process has its process id by
# now; but never while a server process still works on these data.
pg_clear_locks() {
    local link deadline=$((SECONDS + 10))
    for link in /proc/[0-9]*/cwd; do
        while [ "$(readlink "$link" 2>/dev/null)" = "$pg_home/data" ]; do
            [ "$SECONDS" -lt "$deadline" ] || die "process $(cut -d/ -f3 <<<"$link") still works on $pg_home/data"
            sleep 0.1
        done
    done
    as_pg rm -f "$pg_home/data/postmaster.pid" "$pg_sockets/.s.PGSQL.$pg_port" "$pg_sockets/.s.PGSQL.$pg_port.lock"
}

pg_make_cluster() {
    ! as_pg test -s "$pg_home/data/PG_VERSION" || {
        pg_check_version
        return 0
    }
    as_pg rm -rf "$pg_home/data"
    as_pg "$pg_bin/initdb" -D "$pg_home/data" --username="$pg_admin" --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 >/dev/null || die "initdb failed in $pg_home/data"
    as_pg tee -a "$pg_home/data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
max_connections = 400
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
CONF
}

pg_check_version() {
    local made ours
    made=$(as_pg cat "$pg_home/data/PG_VERSION")
    ours=$("$pg_bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "$made" = "$ours" ] || die "the data in $pg_home/data are of Postgres $made, but $ours is installed;" \
        "use pg_upgrade, or remove them with: deploy/dev/down --erase"
}

# Stops the cluster; the mode is one of pg_ctl's: fast, or immediate if the data are thrown away.
pg_stop() {
    pg_pid >/dev/null || return 0
    as_pg "$pg_bin/pg_ctl" -D "$pg_home/data" -m "$1" -w -t 60 stop >/dev/null ||
        die "Postgres did not stop; its log: $pg_home/log"
}

# psql as the administrator, through the socket.
pg_psql() {
    LANG=C.UTF-8 "$pg_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$pg_sockets" -p "$pg_port" -U "$pg_admin" "$@"
}

# Creates the database with its roles and schemas, or updates their settings; takes the folder of the secrets.
pg_prepare_database() {
    local exists
    exists=$(pg_psql -d postgres -At -c "select 1 from pg_database where datname = '$pg_database'")
    [ -n "$exists" ] || pg_psql -d postgres -c "create database $pg_database"
    REELAY_SECRETS_DIR=$1 pg_psql -d "$pg_database" -f "$root/deploy/postgres/init.sql" >/dev/null ||
        die "the roles and schemas could not be created"
}

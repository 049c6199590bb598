# The services as processes of this clone: ports, settings, start, readiness and stop.
# shellcheck shell=bash

# In the order in which they start; they stop in reverse order.
# shellcheck disable=SC2034
services=(metadata ratings scrobble gateway)
stop_seconds_max=35
ready_seconds_max=60

# Prints the port of a service; its admin port is this port + 1000.
port_of() {
    local port
    case "$1" in
        gateway) port=${REELAY_PORT:-8080} ;;
        metadata) port=7101 ;;
        ratings) port=7102 ;;
        scrobble) port=7103 ;;
        gateway-internal) port=7100 ;;
        upstreams) port=7900 ;;
        *) die "no service is called $1" ;;
    esac
    printf '%s\n' $((port + ${REELAY_PORT_OFFSET:-0}))
}

admin_port_of() { printf '%s\n' $(($(port_of "$1") + 1000)); }

# Prints every port that a service listens on.
ports_of() {
    printf '%s %s' "$(port_of "$1")" "$(admin_port_of "$1")"
    [ "$1" != gateway ] || printf ' %s' "$(port_of gateway-internal)"
}

# The caller's REELAY_ variables are passed to the services, except those that the scripts set or read themselves. A
# service refuses to start with an unknown variable and names it, so that a mistyped setting does not go unnoticed.
is_passed_on() {
    case "$1" in
        REELAY_HOST | REELAY_PORT | REELAY_ADMIN_PORT | REELAY_INTERNAL_PORT | REELAY_*_ADDRESS | REELAY_PUBLIC_URL | REELAY_LOG_LEVEL) false ;;
        REELAY_DATABASE_* | REELAY_SERVICE_SECRET* | REELAY_KEY_RING*) false ;;
        REELAY_PORT_OFFSET | REELAY_POSTGRES_PORT | REELAY_SECRETS_DIR | REELAY_BIN | REELAY_FIXTURES) false ;;
        REELAY_TEST_* | REELAY_BUILD_* | REELAY_BENCH_* | REELAY_COMPOSE | REELAY_BIND | REELAY_BALANCER_* | REELAY_*_COPIES) false ;;
        # Emulated providers stand in for the real ones.
        REELAY_TMDB_* | REELAY_TVDB_* | REELAY_TVMAZE_* | REELAY_OMDB_* | REELAY_TRAKT_* | REELAY_LETTERBOXD_*) [ "$2" = no ] ;;
        REELAY_SIMKL_* | REELAY_ANILIST_* | REELAY_ANIDB_* | REELAY_MYANIMELIST_* | REELAY_KITSU_* | REELAY_PROVIDER_PACE_PERCENT | REELAY_BREACHED_PASSWORDS_URL) [ "$2" = no ] ;;
        *) true ;;
    esac
}

# Prints the settings of a service as lines KEY=value; the second argument says whether to use emulated providers, the
# third where the database is (host:port/name), if not in the private cluster.
settings_of() {
    local name=$1 demo=$2 database_place=${3:-127.0.0.1:$pg_port/$pg_database} key
    for key in "${!REELAY_@}"; do
        if is_passed_on "$key" "$demo"; then printf '%s=%s\n' "$key" "${!key}"; fi
    done
    # Freed memory is kept in the thread's cache rather than consolidated; as in the images.
    cat <<SETTINGS
GLIBC_TUNABLES=glibc.malloc.tcache_count=64:glibc.malloc.mxfast=0:glibc.malloc.arena_max=2
REELAY_HOST=127.0.0.1
REELAY_PORT=$(port_of "$name")
REELAY_ADMIN_PORT=$(admin_port_of "$name")
REELAY_LOG_LEVEL=${REELAY_LOG_LEVEL:-info}
REELAY_SERVICE_SECRET_FILE=$state/secrets/service_secret
REELAY_DATABASE_URL=postgres://reelay_$name@$database_place
REELAY_DATABASE_PASSWORD_FILE=$state/secrets/${name}_database_password
SETTINGS
    case "$name" in
        metadata)
            if [ "$demo" = yes ]; then
                sed -n "s|http://upstreams:7900/|http://127.0.0.1:$(port_of upstreams)/|; /^REELAY_/p" "$root/deploy/demo.env"
            fi
            ;;
        scrobble)
            cat <<SETTINGS
REELAY_KEY_RING_FILE=$state/secrets/key_ring
REELAY_METADATA_ADDRESS=127.0.0.1:$(port_of metadata)
REELAY_RATINGS_ADDRESS=127.0.0.1:$(port_of ratings)
REELAY_PUBLIC_URL=${REELAY_PUBLIC_URL:-http://127.0.0.1:$(port_of gateway)}
SETTINGS
            if [ "$demo" = yes ]; then
                sed -n "s|http://upstreams:7900/|http://127.0.0.1:$(port_of upstreams)/|; /^REELAY_TRAKT_/p; /^REELAY_SIMKL_\(URL\|SITE_URL\|CLIENT_ID\)=/p; /^REELAY_OUTBOUND_/p" "$root/deploy/demo.env"
            fi
            ;;
        gateway)
            cat <<SETTINGS
REELAY_METADATA_ADDRESS=127.0.0.1:$(port_of metadata)
REELAY_RATINGS_ADDRESS=127.0.0.1:$(port_of ratings)
REELAY_SCROBBLE_ADDRESS=127.0.0.1:$(port_of scrobble)
REELAY_INTERNAL_PORT=$(port_of gateway-internal)
REELAY_PUBLIC_URL=${REELAY_PUBLIC_URL:-http://127.0.0.1:$(port_of gateway)}
SETTINGS
            if [ "$demo" = yes ]; then
                sed -n "s|http://upstreams:7900/|http://127.0.0.1:$(port_of upstreams)/|; /^REELAY_BREACHED_/p; /^REELAY_OUTBOUND_/p" "$root/deploy/demo.env"
            fi
            ;;
    esac
}

# Prints when a process was started, in clock ticks since boot; together with its id this identifies it uniquely. Prints
# nothing for one that has ended, even if it is still a zombie.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" && $1 != "X" { print $20 }'; }

# Prints the process id of a running service of this clone; fails if it is not running.
pid_of() {
    local pid started
    read -r pid started 2>/dev/null <"$state/run/$1.pid" || return 1
    [ -n "$started" ] && [ "$(started_at "$pid")" = "$started" ] || return 1
    printf '%s\n' "$pid"
}

# Starts a program under a name: NAME PORTS PROGRAM [ARGUMENT…], with the settings from standard input.
# A process that already runs with the same build and settings is left alone; any other is replaced.
start_process() {
    local name=$1 ports=$2 port pid print settings=()
    shift 2
    mapfile -t settings
    print=$(printf '%s\n' "${settings[@]}" "$@" | cat - "$1" | sha256sum)
    if pid=$(pid_of "$name"); then
        if [ "$(cat "$state/run/$name.print" 2>/dev/null)" = "$print" ]; then
            say "$name is already running (process $pid)"
            return
        fi
        say "$name runs another build or other settings: restarting it"
        stop_process "$name"
    fi
    for port in $ports; do
        ! port_is_taken "$port" ||
            die "port $port, meant for $name, is taken by $(port_holder "$port"); stop that and run this again"
    done
    [ ! -e "$state/log/$name.log" ] || mv "$state/log/$name.log" "$state/log/$name.log.1"
    # In a session of its own, so that it outlives this script and its terminal. Appends to the log, because commands
    # append to it too.
    (cd / && close_descriptors && exec setsid env -i "PATH=/usr/bin:/bin" "HOME=${HOME:-/}" LANG=C.UTF-8 TZ=UTC "${settings[@]}" "$@") \
        >>"$state/log/$name.log" 2>&1 </dev/null &
    pid=$!
    printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$state/run/$name.pid"
    printf '%s\n' "$print" >"$state/run/$name.print"
    say "$name started (process $pid)"
}

# Waits until a URL answers 200; shows the end of the log if the process ends or does not become ready.
await_ready() {
    local name=$1 url=$2 deadline=$((SECONDS + ready_seconds_max))
    until curl -fs -o "$state/run/$name.ready" --max-time 2 "$url" 2>/dev/null; do
        if ! pid_of "$name" >/dev/null; then
            show_log "$name"
            die "$name ended while it started"
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            show_log "$name"
            warn "its answer at $url: $(curl -s --max-time 2 "$url" 2>&1 | head -c 2000)"
            die "$name was not ready after $ready_seconds_max seconds"
        fi
        sleep 0.2
    done
}

show_log() {
    warn "--- the last lines of $state/log/$1.log"
    tail -n 20 "$state/log/$1.log" >&2 || true
    warn "---"
}

# Asks a process to stop, waits, and kills it if it does not.
stop_process() {
    local name=$1 pid deadline=$((SECONDS + stop_seconds_max))
    pid=$(pid_of "$name") || {
        rm -f "$state/run/$name.pid"
        return 0
    }
    kill -TERM "$pid"
    while pid_of "$name" >/dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            warn "$name did not stop within $stop_seconds_max seconds: killed"
            kill -KILL "$pid"
            break
        fi
        sleep 0.1
    done
    rm -f "$state/run/$name.pid"
    say "$name stopped"
}

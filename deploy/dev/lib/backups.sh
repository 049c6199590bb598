# Shared by backup and restore: which database is meant, and the key fingerprints in about.txt.
# shellcheck shell=bash

# The schemas of the services, which are all that a backup contains.
# shellcheck disable=SC2034
backup_schemas=(metadata ratings scrobble gateway)

# Fills database_url, empty for the private cluster, and database_name.
use_database() {
    database_url=$1 database_container=''
    if [ -z "$database_url" ]; then
        pg_use_private
        database_name=$pg_database
    else
        pg_find
        [[ $database_url =~ ^postgres(ql)?://[^/]+/([a-z0-9_]+)(\?.*)?$ ]] ||
            die "--database needs postgres://USER:PASSWORD@HOST:PORT/NAME, with a name of a-z, 0-9 and _"
        database_name=${BASH_REMATCH[2]}
    fi
}

# The same for the database of a compose project. Its Postgres has no open port, so it is reached inside its container,
# with the programs there.
use_project() {
    local deadline=$((SECONDS + 60))
    find_compose
    database_url='' database_name=$pg_database
    database_container=$(project_containers "$1" postgres)
    [ -n "$database_container" ] || die "the compose project $1 runs no Postgres; start it, or name another --project"
    [[ $database_container != *$'\n'* ]] || die "several containers of the compose project $1 are called postgres"
    # While the server is being initialised, it has no port yet.
    until pg_run pg_isready -q -h 127.0.0.1 </dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || die "the Postgres of the compose project $1 does not answer"
        sleep 1
    done
}

# Prints the default folder of the key ring.
default_secrets() { if [ -n "$database_container" ]; then echo "$root/deploy/secrets"; else echo "$state/secrets"; fi; }

# The connection to a database of the server by its name.
connection_to() {
    if [ -n "$database_container" ]; then
        printf 'user=%s dbname=%s' "$pg_admin" "$1"
    elif [ -z "$database_url" ]; then
        printf 'host=%s port=%s user=%s dbname=%s' "$pg_sockets" "$pg_port" "$pg_admin" "$1"
    else
        local query=
        [[ $database_url != *\?* ]] || query="?${database_url#*\?}"
        local place=${database_url%%\?*}
        printf '%s/%s%s' "${place%/*}" "$1" "$query"
    fi
}

# Runs a Postgres program where the database is: PROGRAM [ARGUMENT…]. Files go through standard input and output, since
# a container cannot see ours.
pg_run() {
    local program=$1 options='-c client_min_messages=warning'
    shift
    if [ -n "$database_container" ]; then
        "$engine" exec -i "$database_container" env LANG=C.UTF-8 PGOPTIONS="$options" "$program" "$@"
    else
        LANG=C.UTF-8 PGOPTIONS=$options "$pg_bin/$program" "$@"
    fi
}

# psql in a database: NAME [ARGUMENT…].
sql_in() {
    local name=$1
    shift
    pg_run psql -X -q -v ON_ERROR_STOP=1 -d "$(connection_to "$name")" "$@" </dev/null
}

# A file of SQL in a database: NAME FILE.
sql_file() { pg_run psql -X -q -v ON_ERROR_STOP=1 -d "$(connection_to "$1")" -f - <"$2"; }

# Prints a line `key=ID FINGERPRINT` for every key of a ring. A key is 256 random bits, so its fingerprint reveals
# nothing.
key_fingerprints() {
    local line
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line//[[:space:]]/}
        case "$line" in
            "" | "#"*) ;;
            *) printf 'key=%s %s\n' "${line%%:*}" "$(printf 'reelay.backup.v1 %s' "$line" | sha256sum | cut -c 1-16)" ;;
        esac
    done <"$1"
}

# Prints one value of a backup's about.txt: FOLDER NAME.
page_line() { sed -n "s/^$2=//p" "$1/about.txt" | head -n 1; }

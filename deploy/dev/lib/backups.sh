# What backing up and restoring share: which database is meant, and what a backup's page says of the keys.
# shellcheck shell=bash

# The schemas of the services: all that a backup holds.
# shellcheck disable=SC2034
backup_schemas=(metadata ratings scrobble gateway)

# Fills database_url, empty for the private cluster, and database_name.
use_database() {
    database_url=$1
    if [ -z "$database_url" ]; then
        pg_use_private
        database_name=$pg_database
    else
        pg_find
        [[ $database_url =~ ^postgres(ql)?://[^/]+/([a-z0-9_]+)(\?.*)?$ ]] ||
            die "--database wants postgres://USER:PASSWORD@HOST:PORT/NAME, with a name of a-z, 0-9 and _"
        database_name=${BASH_REMATCH[2]}
    fi
}

# The connection to a database of the server by its name.
connection_to() {
    if [ -z "$database_url" ]; then
        printf 'host=%s port=%s user=%s dbname=%s' "$pg_sockets" "$pg_port" "$pg_admin" "$1"
    else
        local query=
        [[ $database_url != *\?* ]] || query="?${database_url#*\?}"
        local place=${database_url%%\?*}
        printf '%s/%s%s' "${place%/*}" "$1" "$query"
    fi
}

# psql in a database: NAME [ARGUMENT…].
sql_in() {
    local name=$1
    shift
    LANG=C.UTF-8 PGOPTIONS='-c client_min_messages=warning' "$pg_bin/psql" -X -q -v ON_ERROR_STOP=1 -d "$(connection_to "$name")" "$@"
}

# A line `key=ID FINGERPRINT` for every key of a ring. A key is 256 random bits: its fingerprint says nothing of it.
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

# One line of a backup's page: FOLDER NAME.
page_line() { sed -n "s/^$2=//p" "$1/about.txt" | head -n 1; }

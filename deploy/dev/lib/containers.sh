# Containers of a compose project: the command that drives them, and which of them are meant.
# shellcheck shell=bash

# The containers that stop_project has stopped.
project_stopped=()

# Fills compose, the compose command (REELAY_COMPOSE, docker compose, or else podman-compose), and engine, which it
# drives.
find_compose() {
    if [ -n "${REELAY_COMPOSE:-}" ]; then
        read -r -a compose <<<"$REELAY_COMPOSE"
    elif docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v podman-compose >/dev/null; then
        compose=(podman-compose)
    else
        die "neither docker compose nor podman-compose is installed"
    fi
    engine=docker
    [[ ${compose[0]##*/} != podman* ]] || engine=podman
}

# Prints the running containers of a service, one a line: PROJECT SERVICE. Goes by labels, and so finds all copies,
# whatever files, profiles and variables the project was started with.
project_containers() {
    "$engine" ps -q --filter "label=com.docker.compose.project=$1" --filter "label=com.docker.compose.service=$2"
}

# Stops all copies of all services of a project, and nothing else; fills project_stopped with those that were running.
stop_project() {
    local name containers
    project_stopped=()
    for name in gateway scrobble ratings metadata; do
        mapfile -t containers < <(project_containers "$1" "$name")
        if [ "${#containers[@]}" = 0 ]; then continue; fi
        project_stopped=("${containers[@]}" "${project_stopped[@]}")
        say "stopping $name (${#containers[@]})"
        "$engine" stop -t 35 "${containers[@]}" >/dev/null </dev/null
    done
}

# Starts what stop_project has stopped.
start_project() {
    [ "${#project_stopped[@]}" -gt 0 ] || return 0
    (
        close_descriptors
        "$engine" start "${project_stopped[@]}"
    ) >/dev/null </dev/null || return 1
    say "started again: ${#project_stopped[@]} containers"
    project_stopped=()
}

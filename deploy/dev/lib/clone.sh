# The location of this clone and of its run-time files.
# shellcheck shell=bash

# The root of the clone, links resolved.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
# Everything that the scripts write at run time, except the build.
# shellcheck disable=SC2034
state=$root/.reelay
# Tells clones on one machine apart in the few folders that must be outside of them.
# shellcheck disable=SC2034
clone_id=$(printf '%s' "$root" | sha256sum | cut -c1-12)

# Creates the state folder, which only its owner may enter.
make_state() {
    mkdir -p "$state/log" "$state/run"
    chmod 0700 "$state"
}

# Holds the one lock of this clone until the script ends, so that two runs of `up` or `down` do not meet.
lock_clone() {
    make_state
    exec 9>"$state/lock"
    if ! flock --nonblock 9; then
        say "waiting for another run of up or down in this clone"
        flock --wait 600 9 || die "another run of up or down still holds $state/lock"
    fi
}

# Closes all descriptors of this (sub)shell except standard input, output and error. A process that outlives the script
# must hold neither our lock nor a pipe that somebody reads to its end.
close_descriptors() {
    local descriptor
    for descriptor in "/proc/$BASHPID/fd"/*; do
        descriptor=${descriptor##*/}
        if [ "$descriptor" -gt 2 ]; then exec {descriptor}>&-; fi
    done
}

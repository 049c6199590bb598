# Messages of the scripts: progress on standard output, trouble on standard error, one form everywhere.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

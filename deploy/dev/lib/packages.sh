# What the machine needs: a Swift toolchain (which must be installed by hand) and Debian packages (installed here).
# shellcheck shell=bash

# The oldest toolchain that can build the sources.
swift_wanted=6.3

# What the toolchain needs to link and run, and the C libraries that the services use.
# shellcheck disable=SC2034
packages_to_build=(
    ca-certificates git g++ binutils pkg-config tzdata libcurl4 libncurses6 libsqlite3-0 libuuid1 libxml2
    libnghttp2-dev libpq-dev libssl-dev libzip-dev zlib1g-dev
)
# shellcheck disable=SC2034
packages_to_run=(postgresql postgresql-contrib curl jq)
# Clients and a server that are not ours, for tests of HTTP/2.
# shellcheck disable=SC2034
packages_to_test=(nghttp2-client nghttp2-server)
# For some fault tests: a packet filter, and a clock that can be set for one process.
# shellcheck disable=SC2034
packages_to_fault=(nftables faketime)
# shellcheck disable=SC2034
packages_to_bench=("${packages_to_test[@]}" curl wrk)

is_installed() {
    case "$1" in
        postgresql | postgresql-contrib) postgres_folder >/dev/null ;;
        git | curl | jq | pkg-config) command -v "$1" >/dev/null ;;
        nghttp2-client) command -v h2load >/dev/null ;;
        nghttp2-server) command -v nghttpd >/dev/null || [ -x /usr/sbin/nghttpd ] ;;
        *) [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    esac
}

# Prints the folder of the newest Postgres server programs.
postgres_folder() {
    local found
    found=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -name initdb 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || found=$(command -v initdb) || return 1
    dirname "$found"
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the missing ones of the given Debian packages, and says so.
ensure_packages() {
    local missing=() package
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    local by_hand="apt-get install ${missing[*]}"
    command -v apt-get >/dev/null || die "missing: ${missing[*]} (Debian's names); install them and run this again"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "missing packages, and there is no sudo; as root: $by_hand"
        sudo -n true 2>/dev/null || [ -t 0 ] || die "missing packages, and sudo needs a password; as root: $by_hand"
    fi
    say "installing Debian packages: ${missing[*]}"
    mkdir -p "$state/log"
    install_packages "${missing[@]}" >"$state/log/apt.log" 2>&1 </dev/null || {
        tail -n 20 "$state/log/apt.log" >&2
        die "apt-get failed (full log: $state/log/apt.log); by hand: $by_hand"
    }
    for package in "${missing[@]}"; do
        is_installed "$package" || die "$package is still missing after: $by_hand"
    done
}

# The same for packages without which tests are skipped: never asks for a password, and never fails.
try_packages() {
    local missing=() package
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && (ensure_packages "${missing[@]}"); then return 0; fi
    say "without ${missing[*]} some tests are skipped; as root: apt-get install ${missing[*]}"
}

# Fills promtool with its path. Debian's package would also start a Prometheus, so it is unpacked below .reelay instead
# of being installed. Fails with a message if it cannot be fetched.
find_promtool() {
    promtool=$(command -v promtool) && return 0
    local folder=$state/promtool
    promtool=$folder/usr/bin/promtool
    [ ! -x "$promtool" ] || return 0
    mkdir -p "$folder" "$state/log"
    if (
        cd "$folder"
        apt-get -qq download prometheus || { [ "$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq download prometheus; }
        dpkg-deb --extract prometheus_*.deb .
        rm -f prometheus_*.deb usr/bin/prometheus
    ) >>"$state/log/apt.log" 2>&1 </dev/null && [ -x "$promtool" ]; then return 0; fi
    rm -rf "$folder"
    say "without promtool (Debian's package prometheus) the tests of the alert rules are skipped"
    return 1
}

install_packages() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y --no-install-recommends)
    # The postgresql package creates and starts a cluster of its own unless told not to before it is installed.
    local no_cluster=/etc/postgresql-common/createcluster.d/reelay-install.conf
    as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster"
    local outcome=0
    { as_root "${apt[@]}" update && as_root "${apt[@]}" install "$@"; } || outcome=$?
    as_root rm -f "$no_cluster"
    return "$outcome"
}

# Stops with advice if the PATH has no toolchain, or one that is too old.
ensure_swift() {
    local advice="get it from https://www.swift.org/install/linux (or: swiftly install $swift_wanted) and put it on the PATH"
    command -v swift >/dev/null || die "no Swift toolchain on the PATH; Reelay needs Swift $swift_wanted: $advice"
    local answer version
    answer=$(swift --version 2>&1 </dev/null) || die "$(command -v swift) does not run: ${answer##*$'\n'}"
    version=$(sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' <<<"$answer" | head -n 1)
    if [ "$(printf '%s\n' "$swift_wanted" "$version" | sort -V | head -n 1)" != "$swift_wanted" ]; then
        die "$(command -v swift) is Swift ${version:-of an unknown version}; Reelay needs Swift $swift_wanted: $advice"
    fi
}

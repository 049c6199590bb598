# Which TCP ports are taken, and by whom; read from /proc, so that no tool is needed.
# shellcheck shell=bash

# Prints the inodes of the sockets that listen on a port.
listening_inodes() {
    local hex
    hex=$(printf '%04X' "$1")
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port="$hex" '$4 == "0A" { split($2, address, ":"); if (address[2] == port) print $10 }'
}

port_is_taken() { [ -n "$(listening_inodes "$1")" ]; }

# Prints "nginx (process 4711: nginx -g …)", or a general text for a process that we may not inspect.
port_holder() {
    local inode link pid
    for inode in $(listening_inodes "$1"); do
        for link in /proc/[0-9]*/fd/*; do
            [ "$(readlink "$link" 2>/dev/null)" = "socket:[$inode]" ] || continue
            pid=${link#/proc/}
            pid=${pid%%/*}
            printf '%s (process %s: %s)\n' "$(cat "/proc/$pid/comm")" "$pid" \
                "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-120 | sed 's/ *$//')"
            return
        done
    done
    printf 'a process of another user\n'
}

# Prints a free port below the ephemeral range.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM % 12000)))
        port_is_taken "$port" || {
            printf '%s\n' "$port"
            return
        }
    done
    die "no free port between 20000 and 32000"
}

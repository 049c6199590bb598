# The secrets of one deployment, each in a file. Existing files are never overwritten.
# shellcheck shell=bash

# The services, each of which has a Postgres role with a password.
secret_services=(metadata ratings scrobble gateway)

# 64 hexadecimal characters: 256 random bits that need no quoting anywhere.
random_secret() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# Writes the output of a command atomically to a secret's file; does nothing if the file exists.
make_secret() {
    local file=$1 mode=$2
    shift 2
    [ ! -s "$file" ] || return 0
    (umask 077 && "$@" >"$file.new")
    chmod "$mode" "$file.new"
    mv "$file.new" "$file"
    say "made ${file#"$root"/}"
}

key_ring_line() { printf 'k1:%s\n' "$(head -c 32 /dev/urandom | base64 -w 0)"; }

# Makes the folder of each service for the secrets that somebody may add; compose mounts it into that service alone, where
# an unknown user reads it.
make_settings_folders() {
    local folder=$1 service
    for service in "${secret_services[@]}"; do
        install -d -m 0755 "$folder/settings/$service"
        # Docker makes a folder that it is to mount, as root.
        [ -w "$folder/settings/$service" ] ||
            die "$folder/settings/$service belongs to somebody else: sudo chown -R $(id -un) $folder/settings"
    done
}

# Fills a folder with everything that a deployment needs: each service's database password, the secret by which the
# services authenticate to each other, and the key that encrypts the tokens for Trakt and Simkl.
make_secrets() {
    local folder=$1 mode=$2 service
    mkdir -p "$folder"
    chmod 0700 "$folder"
    for service in "${secret_services[@]}"; do
        make_secret "$folder/${service}_database_password" "$mode" random_secret
    done
    make_secret "$folder/service_secret" "$mode" random_secret
    make_secret "$folder/key_ring" "$mode" key_ring_line
}

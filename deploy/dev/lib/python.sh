# Tools from PyPI, each in a folder of its own below .reelay.
# shellcheck shell=bash

install_seconds_max=300

# Installs NAME and its dependencies in the versions of the file VERSIONS, unless installed; fills tool with the folder.
# Fails with a message if that is impossible.
install_tool() {
    local name=$1 versions=$2
    tool=$state/$name-$(sha256sum <"$versions" | cut -c 1-12)
    [ ! -e "$tool/installed" ] || return 0
    make_state
    say "installing $(grep "^$name==" "$versions")"
    rm -rf "$tool"
    if ! python3 -m venv "$tool" ||
        ! timeout "$install_seconds_max" "$tool/bin/pip" install --quiet --disable-pip-version-check --retries 1 \
            --timeout 10 --no-deps --requirement "$versions"; then
        rm -rf "$tool"
        warn "$name cannot be installed: it needs python3-venv and PyPI"
        return 1
    fi
    touch "$tool/installed"
}

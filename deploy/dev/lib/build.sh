# Building with SwiftPM.
# shellcheck shell=bash

# Builds products one after the other (SwiftPM takes one at a time) in a configuration, release or debug.
build_products() {
    local configuration=$1 product
    shift
    for product in "$@"; do
        say "building $product ($configuration)"
        (cd "$root" && swift build --configuration "$configuration" --product "$product" </dev/null) ||
            die "$product does not build"
    done
}

# The folder of the built executables.
built_folder() { (cd "$root" && swift build --configuration "$1" --show-bin-path </dev/null); }

# Building with SwiftPM.
# shellcheck shell=bash

# A release links Swift's own libraries statically, as in the images: it runs faster and takes less memory.
options_of() { if [ "$1" = release ]; then echo --static-swift-stdlib; fi; }

# Builds products one after the other (SwiftPM takes one at a time) in a configuration, release or debug.
build_products() {
    local configuration=$1 product
    shift
    for product in "$@"; do
        say "building $product ($configuration)"
        # shellcheck disable=SC2046
        (cd "$root" && swift build --configuration "$configuration" $(options_of "$configuration") --product "$product" </dev/null) ||
            die "$product does not build"
    done
}

# The folder of the built executables.
built_folder() { (cd "$root" && swift build --configuration "$1" --show-bin-path </dev/null); }

# Which files are ours: tracked by git, or new and not ignored; in a copy without git, all but the known folders.
# shellcheck shell=bash

our_files() {
    if [ -e .git ] && git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
    else
        find . -type f -not -path '*/.build*/*' -not -path './.reelay/*' -not -path './deploy/secrets/*' |
            sed 's|^\./||'
    fi | sort -u
}

# Prints the Swift sources, except generated ones, whose format is the generator's.
swift_sources() { our_files | grep '\.swift$' | grep -v '/Generated/'; }

# Prints the scripts: everything in deploy/ and .ci/ that names bash in its first line.
shell_scripts() {
    our_files | grep -E '^(deploy|\.ci)/' | while read -r file; do
        if head -n 1 "$file" | grep -qa '^#!.*bash'; then echo "$file"; fi
    done
}

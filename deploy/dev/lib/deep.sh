# For `check --deep`: the fuzz targets of Tests/Fuzz, and the tests of Shared/ under the sanitizers.
# shellcheck shell=bash

fuzz_targets=(json envelope h2 config csv archive text hook xml)
deep_suites=(JSONTests CSVTests GZipTests ArchiveTests CryptographyTests RatingScalesTests
    RPCTests HTTP2Tests PostgresTests RuntimeTests EdgeTests)
tsan_repeats=5

# Crashes must be handled by the sanitizers, not by Swift's own crash reporter.
export SWIFT_BACKTRACE=enable=no

# Prints the folder of clang's runtime libraries in the toolchain.
clang_runtime() {
    local resources
    resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
    printf '%s/clang/lib/linux\n' "$resources"
}

# Prints the path of the clang that comes with Swift, which knows Swift's calling conventions.
swift_clang() {
    local clang
    clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
    [ -x "$clang" ] || clang=clang
    printf '%s\n' "$clang"
}

# Builds the fuzz targets: one optimised program with coverage and AddressSanitizer, separate from the usual build.
build_fuzz() {
    local library
    library=$(clang_runtime)/libclang_rt.fuzzer_no_main-$(uname -m).a
    [ -f "$library" ] || {
        warn "the toolchain has no libFuzzer: $library"
        return 1
    }
    REELAY_FUZZ=1 swift build --configuration release --product fuzz --scratch-path .build-fuzz \
        -Xlinker "$library" </dev/null
}

# Runs one target for some seconds; keeps new inputs in .reelay for the next run, and those that crash for examination.
fuzz() {
    local target=$1 seconds=$2 home=$state/fuzz/$1 log=$state/log/fuzz-$1.log outcome=0 kept before=$SECONDS
    mkdir -p "$home/corpus" "$home/found"
    .build-fuzz/release/fuzz "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -print_final_stats=1 -artifact_prefix="$home/found/" "$home/corpus" "Tests/Fuzz/Corpus/$target" \
        >"$log" 2>&1 </dev/null || outcome=$?
    local executions
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ "$outcome" = 0 ]; then
        say "  $target: ${executions:-no} executions in $((SECONDS - before)) s, nothing found"
        [ -n "$executions" ]
        return
    fi
    grep -aE 'does not hold|Fatal error|ERROR: |SUMMARY: ' "$log" | head -n 5 || tail -n 5 "$log"
    kept=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    say "  $target: FAILED after ${executions:-few} executions; input: ${kept:-not kept}; log: $log"
    say "  again: .build-fuzz/release/fuzz $target ${kept:-FILE}"
    return 1
}

fuzz_all() {
    local target outcome=0
    build_fuzz || return 1
    for target in "${fuzz_targets[@]}"; do fuzz "$target" "$1" || outcome=1; done
    return "$outcome"
}

# Starts a throw-away Postgres and sets its URL for the tests.
start_test_database() {
    pg_use_throwaway
    pg_start disposable
    local password
    password=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')
    pg_psql -d postgres <<<"alter role $pg_admin password '$password'"
    export REELAY_TEST_DATABASE_URL="postgres://$pg_admin:$password@127.0.0.1:$pg_port/postgres"
}

stop_test_database() {
    [ -n "${pg_home:-}" ] || return 0
    pg_stop immediate || true
    rm -rf "$pg_home"
}

# Builds the tests of Shared/ with a sanitizer, address or thread, and prints the path of the program.
build_sanitized() {
    export REELAY_SHARED_ONLY=1
    swift build --build-tests --sanitize="$1" --scratch-path ".build-$2" </dev/null >&2 || return 1
    printf '%s/reelayPackageTests.xctest\n' \
        "$(swift build --show-bin-path --sanitize="$1" --scratch-path ".build-$2" </dev/null)"
}

# Runs the suites of Shared/ in a sanitized program: sanitized NAME RUN PROGRAM; NAME and RUN also name the logs.
sanitized() {
    local suite log outcome=0 before
    for suite in "${deep_suites[@]}"; do
        log=$state/log/$1-$suite-$2.log
        before=$SECONDS
        # Not in parallel, as always: a starved test proves nothing. Concurrency is tested within a test.
        if "$3" --testing-library swift-testing --no-parallel --filter "^$suite\\." >"$log" 2>&1 </dev/null &&
            grep -aq 'Test run with [1-9].* passed' "$log"; then
            say "  $1 $2, $suite: clean, $((SECONDS - before)) s"
        else
            grep -aE '✘|SUMMARY: |Fatal error|No matching' "$log" | sort | uniq -c | head -n 20 || true
            say "  $1 $2, $suite: FAILED; log: $log"
            outcome=1
        fi
    done
    return "$outcome"
}

under_address_sanitizer() {
    local program
    program=$(build_sanitized address asan) || return 1
    # Memory that lives until the end of the process is not a leak that we look for; other errors are.
    ASAN_OPTIONS=detect_leaks=0 sanitized asan 1 "$program"
}

under_thread_sanitizer() {
    local program run outcome=0 shim=.build-tsan/swift-runtime-for-tsan.so
    program=$(build_sanitized thread tsan) || return 1
    "$(swift_clang)" -O1 -Wall -Wextra -Werror -fPIC -c -o "${shim%.so}.o" \
        Tests/Fuzz/Sanitizers/SwiftRuntimeForThreadSanitizer.c || return 1
    swiftc -O -swift-version 6 -warnings-as-errors -parse-as-library -emit-library -module-name SanitizedRuntime \
        -o "$shim" Tests/Fuzz/Sanitizers/CheckedContinuations.swift "${shim%.so}.o" || return 1
    for ((run = 1; run <= tsan_repeats; run++)); do
        TSAN_OPTIONS="suppressions=$root/Tests/Fuzz/tsan.supp exitcode=66" LD_PRELOAD=$root/$shim \
            sanitized tsan "$run" "$program" || outcome=1
    done
    return "$outcome"
}

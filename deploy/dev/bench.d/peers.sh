# Builds the peers: the same method on gRPC C++ and on grpc-swift-2.
# shellcheck shell=bash

# The Debian packages that they need.
# shellcheck disable=SC2034
packages_to_peer=(libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc)

# Builds both peers as bench-grpc-cpp and bench-grpc-swift: FOLDER SOURCES.
build_peers() {
    local folder=$1 sources=$2
    mkdir -p "$folder/cpp"
    if is_newer "$folder/bench-grpc-cpp" "$sources/ratings.proto" "$sources/grpc-cpp"; then
        say "building the peer on gRPC C++"
        protoc --proto_path="$sources" --proto_path=/usr/include --cpp_out="$folder/cpp" --grpc_out="$folder/cpp" \
            --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" "$sources/ratings.proto" ||
            die "protoc failed on $sources/ratings.proto"
        # shellcheck disable=SC2046
        g++ -std=c++17 -O2 -I"$folder/cpp" "$sources/grpc-cpp/main.cc" "$folder"/cpp/*.cc \
            -o "$folder/bench-grpc-cpp" $(pkg-config --cflags --libs grpc++ protobuf) ||
            die "the peer on gRPC C++ does not build"
    fi
    say "building the peer on grpc-swift-2 (about ten minutes the first time)"
    swift build --configuration release --package-path "$sources/grpc-swift" --scratch-path "$folder/swift" \
        --product bench-grpc-swift </dev/null || die "the peer on grpc-swift-2 does not build"
    ln -sfn swift/release/bench-grpc-swift "$folder/bench-grpc-swift"
}

# Builds the peer of the CSV reader as bench-swift-csv: FOLDER SOURCES.
build_csv_peer() {
    local folder=$1 sources=$2
    mkdir -p "$folder"
    say "building the peer on SwiftCSV"
    swift build --configuration "${BENCH_CONFIGURATION:-release}" --package-path "$sources/swift-csv" --scratch-path "$folder/csv" \
        --product bench-swift-csv </dev/null || die "the peer on SwiftCSV does not build"
    ln -sfn "csv/${BENCH_CONFIGURATION:-release}/bench-swift-csv" "$folder/bench-swift-csv"
}

# Installs FastAPI, its server and its Postgres client from PyPI in FOLDER/fastapi: FOLDER.
build_fastapi_peer() {
    local folder=$1/fastapi
    [ ! -x "$folder/bin/uvicorn" ] || return 0
    say "installing FastAPI"
    if ! python3 -m venv "$folder" ||
        ! "$folder/bin/pip" install --quiet --disable-pip-version-check fastapi==0.165.0 "uvicorn[standard]==0.54.0" asyncpg==0.32.0; then
        rm -rf "$folder"
        die "FastAPI cannot be installed: it needs python3-venv and PyPI"
    fi
}

# Whether something under the sources is newer than a built file, or the file is missing.
is_newer() {
    local built=$1
    shift
    [ ! -e "$built" ] || [ -n "$(find "$@" -type f -newer "$built" -print -quit)" ]
}

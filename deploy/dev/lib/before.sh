# Services of an older commit with the rest of the stack as it is now: for compose-smoke, whose steps and counters it
# uses.
# shellcheck shell=bash

# The services that can be taken from an older commit.
services_before=(metadata ratings scrobble)

# Prints the full id of a commit: COMMIT, or "released" for the one in proto/released.
commit_before() {
    local commit=$1
    if [ "$commit" = released ]; then commit=$(cat "$root/proto/released"); fi
    git -C "$root" rev-parse --verify --quiet "$commit^{commit}" ||
        die "no commit $commit in this clone: git fetch --unshallow, or name another"
}

# Builds the images of these services from the tree of a commit, tagged with its id: COMMIT FOLDER ARGUMENTS….
build_before() {
    local commit=$1 folder=$2 target
    shift 2
    mkdir -p "$folder"
    git -C "$root" archive "$commit" | tar -x -C "$folder"
    # Its build cache must not replace the present one.
    sed -i 's/id=reelay-build/&-before/' "$folder/deploy/Dockerfile"
    for target in "${services_before[@]}"; do
        say "building the image of $target of ${commit:0:12}"
        "$engine" build "$@" --build-arg "PRODUCTS=${services_before[*]}" -f "$folder/deploy/Dockerfile" \
            --target "$target" -t "localhost/reelay-$target:${commit:0:12}" "$folder" >>"$log" 2>&1 </dev/null || return 1
    done
}

# Prints a compose file that puts these images into the stack: COMMIT. A service refuses to start with an unknown
# setting unless that is empty, so settings that are not in the compose file of COMMIT are set to nothing.
compose_before() {
    local commit=$1 service setting settings
    settings=$(comm -13 <(git -C "$root" show "$commit:deploy/docker-compose.yml" | settings_of) \
        <(settings_of <"$root/deploy/docker-compose.yml"))
    printf 'services:\n'
    for service in "${services_before[@]}"; do
        printf '  %s:\n    image: localhost/reelay-%s:%s\n' "$service" "$service" "${commit:0:12}"
        [ -z "$settings" ] || printf '    environment:\n'
        for setting in $settings; do printf '      %s: ""\n' "$setting"; done
    done
}

settings_of() { grep -oE '^ +REELAY_[A-Z_]+:' | tr -d ' :' | sort -u; }

# Prints the methods that these services do not know, one a line: COMMIT.
methods_after() {
    local service
    for service in "${services_before[@]}"; do
        comm -13 <(git -C "$root" show "$1:proto/$service.openrpc.yaml" | methods_of) \
            <(methods_of <"$root/proto/$service.openrpc.yaml")
    done
}

methods_of() { sed -n 's/^  - name: \([a-z]*\.[A-Za-z]*\)$/\1/p' | sort -u; }

# Requests all of $films at once, each over its own connection, and checks each response; each counts as a step.
films_at_once() {
    local number film got
    rm -f "$work"/film-*
    curl -s -Z --parallel-immediate --no-progress-meter -m 20 -H "authorization: Bearer $token" \
        -o "$work/film-#1" -w '%{http_code}\n' "$base/movies/{$(IFS=, && printf '%s' "${films[*]}")}" >"$work/statuses" || true
    for number in "${!films[@]}"; do
        film=${films[number]}
        steps=$((steps + 1))
        got=$(jq -rc --argjson rating "$((number + 1))" \
            'if .my_rating.rating == $rating then "\(.id) \(.my_state != null)" else . end' "$work/film-$film" 2>&1 || true)
        case "$got" in
            "$film true") ;;
            "$film false") stateless=$((stateless + 1)) ;;
            *)
                failed=$((failed + 1))
                printf '%s film %s: %s\n' "$(date +%T.%3N)" "$film" "$got" >>"$log"
                ;;
        esac
    done
    [ "$(grep -cx 200 "$work/statuses")" = "${#films[@]}" ] ||
        printf '%s films: %s\n' "$(date +%T.%3N)" "$(sort "$work/statuses" | uniq -c | xargs)" >>"$log"
}

# Prints the methods that services have reported to the running gateways as unknown, with counts, one a line.
methods_refused() {
    local copy name
    for copy in 1 2 3; do
        name=$(container_of gateway "$copy") || continue
        # shellcheck disable=SC2016
        "$engine" exec "$name" bash -c '
            exec 3<>"/dev/tcp/127.0.0.1/$REELAY_ADMIN_PORT"
            printf "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" >&3
            cat <&3'
    done | tr -d '\r' | sed -n '/^rpc_client_duration_seconds_count{.*code="-32601"/s/.*method="\([^"]*\)".* /\1 /p' |
        awk '{ count[$1] += $2 } END { for (name in count) print name, count[name] }' | sort
}

# Checks what the present gateway gets from older services while nothing fails: all that they know, and refusals of the
# rest.
look_at_before() {
    local number round told told_wrongly method unknown refused=0
    unknown=$(methods_after "$before")
    say "services of ${before:0:12} do not know: $(xargs <<<"$unknown")"
    films=()
    for number in 1 2 3 4 5 6 7 8; do
        step 200 POST /movies/resolve "{\"ids\":{\"imdb\":\"tt910000$number\"}}" || return 1
        films+=("$(jq -r .id "$work/answer")")
        step 200 POST "/movies/${films[-1]}/rate" "{\"rating\":$number}" || return 1
    done
    for ((round = 0; round < 25; round++)); do films_at_once; done
    refuse_later scrobble.getTitleStates POST /titles/batch "{\"titles\":[\"${films[0]}\"]}"
    refuse_later scrobble.connectSimkl POST /scrobbling/simkl/connect '{}'
    say "$((round * ${#films[@]})) films, ${#films[@]} at a time, $stateless without the person's state;" \
        "newer operations refused $refused; steps $steps, tried again $repeated, failed $failed"
    [ "$failed" = 0 ] || return 1
    [ "$stateless" = 0 ] || grep -qx scrobble.getTitleStates <<<"$unknown" || return 1
    told=$(methods_refused)
    say "methods answered as unknown: $(xargs <<<"$told")"
    told_wrongly=$(comm -13 <(sort <<<"$unknown") <(cut -d ' ' -f 1 <<<"$told" | sort) | xargs)
    [ -z "$told_wrongly" ] || die "these methods are in the documents of ${before:0:12}: $told_wrongly"
    for method in metadata.lookUpTitles ratings.lookUpRatings scrobble.lookUpTitleStates; do
        ! grep -qx "$method" <<<"$unknown" || grep -q "^$method " <<<"$told" || die "no films were requested together"
    done
    walk_generated
}

# Checks that an operation that needs METHOD is refused if the services do not know the method: METHOD and a request.
refuse_later() {
    local method=$1
    shift
    grep -qx "$method" <<<"$unknown" || return 0
    if step 503 "$@"; then refused=$((refused + 1)); fi
}

# Walks with a client that is generated from the present document.
walk_generated() {
    local arguments=(--url "http://127.0.0.1:$REELAY_PORT") status=0
    ! grep -qx scrobble.getTitleStates <<<"$unknown" || arguments+=(--refused "see several titles at once")
    "$here/generated-client" "${arguments[@]}" >"$work/generated" 2>&1 || status=$?
    cat "$work/generated" >>"$log"
    tail -n 1 "$work/generated"
    [ "$status" = 0 ] || [ "$status" = 75 ]
}

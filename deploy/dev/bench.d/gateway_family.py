"""gateway: a film with its scores, rating and state, composed from three services, against the web framework alone and
against FastAPI with asyncpg; the latency at half load; and the memory of listeners without events."""

import hashlib
import http.client
import json
import os
import re
import resource
import secrets
import socket
import time

import database
from idle_family import PERSON, ThinPath
from measure import Server, Trouble, figure, free_port, in_turn, median, note, result, run, seconds, setting, spread
from services import NAMES, start, start_upstreams

CONNECTIONS = 32
# Films that are requested at random, so that concurrent requests are seldom for the same film.
FILMS = 64
# Enforced by the limiter like any other limit, but never reached.
REQUESTS_MAX = "10000000"
# Whatever is committed makes the gateway look films up again.
COMMITS = (2, 20, 200)
P99_MAX_MS = 10
LISTENERS = 10_000
LISTENERS_OF_PERSON = 20
# Listeners per loopback address, so that no address exceeds its connection limit.
LISTENERS_OF_ADDRESS = 200
LISTENERS_MAX_MB = 200
# How long the listeners idle before memory is measured: two heartbeats.
LISTEN_SECONDS = 32


def run_family():
    upstreams = start_upstreams()
    limits = {f"REELAY_{subject}_REQUESTS": REQUESTS_MAX for subject in ("PERSON", "KEY", "ADDRESS")}
    running = {name: start(name, changes=limits if name == "gateway" else None) for name in NAMES}
    path = ThinPath(int(setting("BENCH_PORT_gateway")))
    path.walk()
    films = _films(path)
    ours = Target("gateway", running["gateway"], int(setting("BENCH_PORT_gateway")), films, path.token)
    statements = _statements_per_request(ours)
    note(f"gateway: {statements:.4f} statements of the gateway's own for a request, for auth and limits")
    # A token is cached for a second, and a share of the limit for five, so statements a second do not grow with
    # requests.
    if statements > 0.1:
        raise Trouble("the gateway queries Postgres for each request")
    _against_hummingbird(ours)
    _against_fastapi(ours)
    _at_half_load(ours)
    upstreams.stop()
    _listeners(running["gateway"], int(setting("BENCH_PORT_gateway")))
    for name in reversed(NAMES):
        running[name].stop()


def _films(path):
    """Returns films that a person has rated and watched a third of: one with all providers' scores, and copies."""
    film = path.want(200, "POST", "/movies/resolve", {"ids": {"imdb": "tt9100001"}})["id"]
    copies = database.sql(f"""
        SET search_path = metadata;
        WITH copies AS (
            INSERT INTO titles SELECT copy.* FROM titles t, generate_series(2, {FILMS}) number,
                jsonb_populate_record(t, jsonb_build_object('id', md5(number || t.id::text)::uuid)) copy
            WHERE t.id = '{film}' RETURNING id),
        known AS (
            INSERT INTO external_ids SELECT e.source, e.kind, e.value || n.number, n.id
            FROM external_ids e, (SELECT id, 10 + row_number() OVER () AS number FROM copies) n
            WHERE e.title_id = '{film}')
        SELECT id FROM copies""").split()
    for one in [film, *copies]:
        path.want(200, "POST", f"/movies/{one}/rate", {"rating": 8.5})
        path.want(200, "PUT", f"/movies/{one}/progress", {"percent": 33})
        movie = path.want(200, "GET", f"/movies/{one}")
        if movie.get("my_rating", {}).get("rating") != 8.5 or movie.get("my_state", {}).get("percent") != 33:
            raise Trouble(f"the film is incomplete: {movie}")
        if len(movie["external_ratings"]) < 9 or len(movie["external_ids"]) < 6:
            raise Trouble(f"the film has less than its original: {movie}")
    return [film, *copies]


class Target:
    """A server that returns films."""

    def __init__(self, name, server, port, films, token):
        self.name, self.server, self.port, self.films = name, server, port, films
        self.token = token
        self.headers = ["-H", f"authorization: Bearer {token}"]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api/v1/movies/{self.films[0]}"

    def rate(self):
        """Returns requests a second, each for a random film."""
        script = os.path.join(setting("BENCH_WORK"), "films.lua")
        with open(script, "w", encoding="ascii") as file:
            file.write("local films = {" + ", ".join(f'"{film}"' for film in self.films) + f"""}}
                wrk.headers["authorization"] = "Bearer {self.token}"
                function request() return wrk.format("GET", "/api/v1/movies/" .. films[math.random(#films)]) end
                function done(summary)
                    local errors = summary.errors
                    print(string.format("films done=%d failed=%d microseconds=%d", summary.requests, errors.connect + errors.read
                        + errors.write + errors.status + errors.timeout, summary.duration))
                end""")
        rate = 0
        for duration in (1, max(round(seconds()), 1)):
            told = run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{duration}s", "-s", script, self.url])
            if _number(r"failed=(\d+)", told) > 0 or _number(r"done=(\d+)", told) == 0:
                raise Trouble(f"{self.name}: not every request succeeded:\n{told}")
            rate = _number(r"done=(\d+)", told) * 1e6 / _number(r"microseconds=(\d+)", told)
        return rate

    def load(self, how, connections=CONNECTIONS):
        told = run(["h2load", "--h1", "-t", "1", "-c", str(connections), *how, *self.headers, self.url])
        done, succeeded = _number(r"(\d+) done", told), _number(r"(\d+) succeeded", told)
        if done == 0 or done != succeeded:
            raise Trouble(f"{self.name}: not every request succeeded:\n{told}")
        return told


def _number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise Trouble(f"the load did not print {pattern}:\n{text}")
    return float(found.group(1))


def _statements_per_request(target):
    """Returns how many statements per request the gateway itself sends to Postgres, by its own count, besides the one that
    tells whether anything was written since films were looked up."""

    def count():
        connection = http.client.HTTPConnection("127.0.0.1", target.port + 1000, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
            if line.startswith("postgres_statement_duration_seconds_count") and 'statement="store.version"' not in line)

    before = count()
    requests = 2_000
    target.load(["-n", str(requests)])
    return (count() - before) / requests


def _against_hummingbird(ours):
    port = free_port()
    server = Server(
        "bench-hummingbird", [os.path.join(setting("BENCH_PROGRAMS"), "bench-hummingbird"), str(port)])
    server.await_port(port)
    peer = Target("bench-hummingbird", server, port, ours.films, "none")
    taken = in_turn(ours=ours.rate, peer=peer.rate)
    server.stop()
    result("gateway.hummingbird", median(taken["ours"]), median(taken["peer"]), "more")
    for commits in COMMITS:
        with database.committing(commits):
            rates = [ours.rate() for _ in taken["ours"]]
        note(f"gateway: {spread(rates)} requests a second while {commits} transactions a second are committed")
    note(f"gateway.hummingbird requests a second: ours {spread(taken['ours'])}, the framework's echo {spread(taken['peer'])}")


def _against_fastapi(ours):
    program = os.path.join(setting("BENCH_PEERS"), "fastapi", "bin", "uvicorn")
    if not os.path.exists(program):
        raise Trouble("gateway.fastapi: FastAPI is not installed; deploy/dev/bench installs it from PyPI")
    port = free_port()
    server = Server(
        "bench-fastapi", [
            program, "--app-dir", os.path.join(setting("BENCH_ROOT"), "Tests/Bench/Peers/fastapi"), "--host", "127.0.0.1",
            "--port", str(port), "--workers", "1", "--log-level", "warning", "--no-access-log", "app:app"
        ], environment={
            "PEER_PG_SOCKETS": setting("BENCH_PG_SOCKETS"), "PEER_PG_PORT": setting("BENCH_PG_PORT"),
            "PEER_PG_USER": setting("BENCH_PG_ADMIN"), "PEER_PG_DATABASE": setting("BENCH_PG_DATABASE"),
            "PYTHONDONTWRITEBYTECODE": "1"
        })
    server.await_port(port, 60)
    peer = Target("bench-fastapi", server, port, ours.films, ours.token)
    answers = [json.loads(run(["curl", "-sS", *target.headers, target.url])) for target in (ours, peer)]
    # The two print fractions of a second with different numbers of digits.
    moments = [answer["my_state"].pop("last_watched_at")[:19] for answer in answers]
    if moments[0] != moments[1]:
        raise Trouble(f"FastAPI answers another date: {moments}")
    for member in ("id", "name", "my_state"):
        if answers[0].get(member) != answers[1].get(member):
            raise Trouble(f"FastAPI answers another {member}: {answers[1].get(member)} instead of {answers[0].get(member)}")
    if len(answers[0]["external_ratings"]) != len(answers[1]["external_ratings"]):
        raise Trouble("FastAPI answers other scores")
    taken = in_turn(ours=ours.rate, peer=peer.rate)
    server.stop()
    result("gateway.fastapi", median(taken["ours"]), median(taken["peer"]), "more")
    note(f"gateway.fastapi requests a second: ours {spread(taken['ours'])}, FastAPI {spread(taken['peer'])}")


def _at_half_load(ours):
    most = ours.rate()
    log = os.path.join(setting("BENCH_WORK"), "gateway.latencies")
    per_client = max(1, int(most / 2 / CONNECTIONS))
    if os.path.exists(log):
        os.remove(log)
    told = ours.load(["-D", str(max(round(seconds()), 3)), "--rps", str(per_client), f"--log-file={log}"])
    with open(log, encoding="ascii") as file:
        taken = sorted(int(line.split()[2]) for line in file if line.split()[1] == "200")
    if len(taken) < 100:
        raise Trouble(f"only {len(taken)} answers at half load:\n{told}")
    result("gateway.p99", taken[int(len(taken) * 0.99)] / 1000, P99_MAX_MS, "less")
    note(f"gateway.p99 in ms at {per_client * CONNECTIONS} of {figure(most)} requests a second: p50 "
         f"{taken[len(taken) // 2] / 1000:.2f}, p99 {taken[int(len(taken) * 0.99)] / 1000:.2f}, most {taken[-1] / 1000:.2f}")


def _tokens(count):
    """Creates sessions of as many people, copies of the registered one, since hashing a password is slow."""
    tokens = ["reelay_st_" + secrets.token_urlsafe(32) for _ in range(count)]
    values = ", ".join(f"('bench{number}', '\\x{hashlib.sha256(token.encode()).hexdigest()}'::bytea)"
                       for number, token in enumerate(tokens))
    database.sql(f"""
        WITH newcomer (name, digest) AS (VALUES {values}), made AS (
            INSERT INTO gateway.users SELECT copy.* FROM gateway.users founder, newcomer,
                jsonb_populate_record(NULL::gateway.users, to_jsonb(founder) || jsonb_build_object('id', gen_random_uuid(),
                    'username', newcomer.name, 'username_key', newcomer.name, 'role', 'member')) AS copy
            WHERE founder.username_key = '{PERSON["username"]}' RETURNING id, username_key)
        INSERT INTO gateway.sessions SELECT copy.* FROM gateway.users founder
            JOIN LATERAL (SELECT * FROM gateway.sessions WHERE user_id = founder.id LIMIT 1) session ON true,
            newcomer JOIN made ON made.username_key = newcomer.name,
            jsonb_populate_record(NULL::gateway.sessions, to_jsonb(session) || jsonb_build_object('id', gen_random_uuid(),
                'user_id', made.id, 'token_hash', newcomer.digest,
                'refresh_hash', sha256(newcomer.digest))) AS copy
        WHERE founder.username_key = '{PERSON["username"]}'""")
    return tokens


def _listeners(server, port):
    most = LISTENERS + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < most:
        if hard < most:
            raise Trouble(f"gateway.sse: {most} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    tokens = _tokens(LISTENERS // LISTENERS_OF_PERSON)
    before = server.resident_bytes()
    listeners = []
    for number in range(LISTENERS):
        token = tokens[number // LISTENERS_OF_PERSON]
        request = f"GET /api/v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        source = f"127.1.{number // LISTENERS_OF_ADDRESS}.1"
        listener = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
        listener.sendall(request)
        listeners.append(listener)
        # Each gets its response before many more come, so none waits in a queue.
        if number % 50 == 49:
            for one in listeners[-50:]:
                head = one.recv(4096)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise Trouble(f"gateway.sse: a listener was answered {head[:300]!r}")
    time.sleep(LISTEN_SECONDS)
    after = server.resident_bytes()
    peak = server.peak_bytes()
    gone = 0
    for listener in listeners:
        listener.setblocking(False)
        try:
            while True:
                heard = listener.recv(65536)
                if not heard:
                    gone += 1
                    break
        except BlockingIOError:
            pass
        listener.close()
    if gone:
        raise Trouble(f"gateway.sse: {gone} of {LISTENERS} listeners were disconnected")
    result("gateway.sse", after / 1e6, LISTENERS_MAX_MB, "less")
    note(f"gateway.sse in MB with {LISTENERS} listeners: {after / 1e6:.1f}, before them {before / 1e6:.1f}, at the most "
         f"{peak / 1e6:.1f}; {(after - before) / LISTENERS / 1000:.1f} kB each")

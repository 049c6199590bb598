"""import: whole exports through the gateway until written, scrobble's memory meanwhile, and the CSV reader alone."""

import http.client
import io
import json
import os
import random
import time
import zipfile

from enrich_family import psql, resolve
from measure import Trouble, in_turn, median, note, result, rounds, run, seconds, setting, spread
from services import start

PLAYS = int(os.environ.get("BENCH_IMPORT_PLAYS", "200000"))
ROWS = int(os.environ.get("BENCH_IMPORT_ROWS", "50000"))
TITLES = int(os.environ.get("BENCH_IMPORT_TITLES", "50000"))
PLAYS_MAX_SECONDS = 20
DIARY_MAX_SECONDS = 8
RSS_MAX_MB = 150
CSV_RATIO_MIN = 5
PATIENCE_SECONDS = 600
# The seed of all random data.
SEED = 20261101


def run_family():
    csv_reader()
    # Open registration, since each measurement has its own person.
    changes = {"metadata": {"REELAY_REFRESH": "false"}, "gateway": {"REELAY_REGISTRATION": "open"}}
    servers = {name: start(name, changes=changes.get(name)) for name in ("metadata", "ratings", "scrobble", "gateway")}
    catalogue()
    gateway = Gateway(int(setting("BENCH_PORT_gateway")))
    # A small import first, to warm up connections, plans and memory.
    base = measure(gateway, servers["scrobble"], "warm", trakt_archive(1_000), 1_000)
    taken, peaks = {"plays": [], "diary": []}, {"small": [], "large": []}
    for number in range(rounds()):
        small = measure(gateway, servers["scrobble"], f"small{number}", trakt_archive(PLAYS // 8), PLAYS // 8)
        peaks["small"].append(small[1])
        plays = measure(gateway, servers["scrobble"], f"plays{number}", trakt_archive(PLAYS), PLAYS)
        taken["plays"].append(plays[0])
        peaks["large"].append(plays[1])
        taken["diary"].append(measure(gateway, servers["scrobble"], f"diary{number}", letterboxd_archive(ROWS), ROWS)[0])
    result("import.plays", median(taken["plays"]), PLAYS_MAX_SECONDS, "less")
    note(f"import.plays: {PLAYS} plays of {TITLES} titles in s: {spread(taken['plays'])}")
    result("import.diary", median(taken["diary"]), DIARY_MAX_SECONDS, "less")
    note(f"import.diary: {ROWS} rows matched by name among {TITLES} titles in s: {spread(taken['diary'])}")
    result("import.rss", median(peaks["large"]), RSS_MAX_MB, "less")
    note(f"import.rss, scrobble's peak in MB: after 1,000 plays {base[1]:.0f}, {PLAYS // 8} {spread(peaks['small'])}, "
         f"{PLAYS} {spread(peaks['large'])}")
    for server in reversed(list(servers.values())):
        server.stop()


def csv_reader():
    """Reads the same file with our reader and with SwiftCSV, alternately, every field as text."""
    path = os.path.join(setting("BENCH_WORK"), "diary.csv")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(diary(ROWS))
    size = os.path.getsize(path)
    programs = {
        "ours": os.path.join(setting("BENCH_PROGRAMS"), "bench-csv"),
        "peer": os.path.join(setting("BENCH_PEERS"), "bench-swift-csv"),
    }
    seen = {}

    def once(side):
        told = json.loads(run([programs[side], path, str(seconds() / 3)]))
        seen[side] = (told["records"], told["fields"], told["bytes"])
        return told["bytes_per_second"]

    taken = in_turn(ours=lambda: once("ours"), peer=lambda: once("peer"))
    if seen["ours"] != seen["peer"]:
        raise Trouble(f"the two read different things: {seen}")
    ours, peer = median(taken["ours"]), median(taken["peer"])
    result("import.csv", ours / 1e6, peer / 1e6, "more")
    note(f"import.csv: {ROWS} rows, {size} bytes; ours {spread([rate / 1e6 for rate in taken['ours']])} MB/s, "
         f"SwiftCSV {spread([rate / 1e6 for rate in taken['peer']])} MB/s; wanted at least {CSV_RATIO_MIN} times")


def measure(gateway, scrobble, name, archive, plays):
    """Returns the seconds from the first byte sent until all is written, and scrobble's peak memory in MB so far."""
    gateway.register(f"bench-{name}")
    before = transactions()
    begun = time.monotonic()
    found = gateway.bring(archive)
    elapsed = time.monotonic() - begun
    counts = {verdict: count for verdict, count in found["counts"].items() if count}
    if found["state"] != "applied" or sum(counts.values()) != plays or counts.keys() != {"new"}:
        raise Trouble(f"{name} came to {found['state']} {counts} {found.get('problem', '')}")
    note(f"import of {plays} rows ({name}): {elapsed:.2f} s, {transactions() - before} transactions")
    return elapsed, scrobble.peak_bytes() / 1e6


def transactions():
    """Returns how many transactions the database has finished; these grow with batches, not with rows."""
    return int(psql("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"))


class Gateway:
    """A person who imports files."""

    def __init__(self, port):
        self.port = port
        self.token = None

    def register(self, name):
        self.token = None
        self.token = self.ask("POST", "/auth/register", json.dumps({"username": name, "password": "a long and odd phrase"}))["token"]

    def bring(self, archive):
        made = self.ask("POST", "/imports?apply=true", archive, "application/zip")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.ask("GET", f"/imports/{made['id']}?wait=true")
            if found["state"] not in ("reading", "matching", "judging", "applying"):
                return found
        raise Trouble(f"import {made['id']} does not end")

    def ask(self, method, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, "/api/v1" + path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise Trouble(f"{method} {path} answered {answer.status}: {text[:300]}")
        return json.loads(text)


# The imported data

WORDS = ("river stone winter garden letter mirror harbour silent golden broken distant paper iron glass summer shadow empty "
         "crystal northern hidden velvet burning hollow morning orchard thunder lantern station bridge meadow").split()


def name_of(number):
    """Returns a name that no other title has."""
    drawn = random.Random(number)
    return f"The {drawn.choice(WORDS).title()} {drawn.choice(WORDS).title()} {number}"


def catalogue():
    """Returns the titles that rows are matched against."""
    for first in range(0, TITLES, 500):
        resolve([
            {"kind": "movie", "ids": {"imdb": f"tt8{number:06d}", "trakt": 8_000_000 + number}, "name": name_of(number),
             "year": 1950 + number % 70}
            for number in range(first, min(first + 500, TITLES))])


def trakt_archive(plays):
    """Returns history as in Trakt's export, 100,000 plays a file."""
    drawn = random.Random(SEED)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in range(0, plays, 100_000):
            rows = []
            for play in range(page, min(page + 100_000, plays)):
                number = drawn.randrange(TITLES)
                # No two plays of a title within hours of each other.
                at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_262_304_000 + play * 2_400))
                rows.append({
                    "id": 9_000_000_000 + play, "watched_at": at, "action": "watch", "type": "movie",
                    "movie": {"title": name_of(number), "year": 1950 + number % 70,
                              "ids": {"trakt": 8_000_000 + number, "slug": f"film-{number}", "imdb": f"tt8{number:06d}", "tmdb": None}}})
            archive.writestr(f"watched-history-{page // 100_000 + 1}.json", json.dumps(rows))
    return memory.getvalue()


def diary(rows):
    """Returns a diary as Letterboxd exports it: CRLF, sometimes tags and nested quotes."""
    drawn = random.Random(SEED)
    lines = ["Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"]
    for row in range(rows):
        number = drawn.randrange(TITLES)
        day = time.strftime("%Y-%m-%d", time.gmtime(1_262_304_000 + row // 8 * 86_400 % 400_000_000))
        rating = drawn.choice(["", "3", "3.5", "4", "4.5"])
        tags = drawn.choice(["", "", '"on tape, at night"', '"with ""friends"""'])
        lines.append(f"{day},{name_of(number)},{1950 + number % 70},https://boxd.it/{row:06x},{rating},,{tags},{day}")
    return "\r\n".join(lines) + "\r\n"


def letterboxd_archive(rows):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("diary.csv", diary(rows))
    return memory.getvalue()

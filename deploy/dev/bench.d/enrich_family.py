"""enrich: 1,000 titles looked up at eleven emulated providers, against the best time that their limits allow."""

import json
import os
import subprocess
import time
import urllib.request

from measure import Trouble, note, result, setting
from services import settings, start, start_upstreams

TITLES = 1_000
CALLS_PER_SECOND = 200
LATENCY_MS = 50
# For a title with only an IMDb id: a look-up and a record, or a record and its ratings. OMDb, Simkl and three of the
# anime providers need one call.
CALLS_OF_A_TITLE = 2
CPU_ANSWERS_MIN = 2_000
RSS_MAX_MB = 100
PATIENCE_SECONDS = 120


def run_family():
    calls, elapsed, peak = measure(CALLS_PER_SECOND, LATENCY_MS)
    # At best every provider that needs two calls is called at its full rate all the time.
    result("enrich", TITLES / elapsed, CALLS_PER_SECOND / CALLS_OF_A_TITLE, "more")
    note(f"enrich: {TITLES} titles in {elapsed:.2f} s, calls " + ", ".join(f"{k} {v}" for k, v in calls.items()))
    calls, elapsed, high = measure(1_000_000, 0)
    result("enrich.cpu", sum(calls.values()) / elapsed, CPU_ANSWERS_MIN, "more")
    note(f"enrich.cpu: {sum(calls.values())} answers about {TITLES} titles in {elapsed:.2f} s, without limits")
    result("enrich.rss", max(peak, high), RSS_MAX_MB, "less")


def measure(pace, latency):
    """Returns the calls to each provider, the seconds from first to last, and the service's peak memory in MB."""
    upstreams = start_upstreams("--generated", str(TITLES), "--latency", str(latency))
    base = f"http://127.0.0.1:{setting('BENCH_PORT_upstreams')}/control"
    # The generated titles come last, and every provider has them.
    wanted = [{"kind": title["kind"], "ids": {"imdb": title["imdb"]}} for title in get(f"{base}/catalogue")["titles"][-TITLES:]]
    pace_settings = {"REELAY_PROVIDER_CALLS_PER_SECOND": str(pace), "REELAY_PROVIDER_PACE_PERCENT": "100"}
    server = start("metadata", changes={**pace_settings, "REELAY_REFRESH": "false"})
    psql("TRUNCATE metadata.titles CASCADE")
    for first in range(0, len(wanted), 500):
        resolve(wanted[first:first + 500])
    server.stop()
    server = start("metadata", changes=pace_settings)
    begun = ended = None
    total = 0
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience:
        now = time.monotonic()
        readings = get(f"{base}/pace")["pace"]
        count = sum(reading["calls"] for reading in readings)
        if count > total:
            begun, ended, total = begun or now, now, count
        elif ended and now - ended > 1.5:
            break
        time.sleep(0.02)
    left = psql("SELECT count(*) FROM metadata.titles WHERE enriched_at IS NULL AND parent_id IS NULL")
    if left != "0":
        raise Trouble(f"{left} of {TITLES} titles were not enriched")
    high = server.peak_bytes() / 1e6
    server.stop()
    upstreams.stop()
    note(f"most calls to one provider in a second {max(reading['second_peak'] for reading in readings)}, at one time "
         f"{max(reading['in_flight_peak'] for reading in readings)}")
    return {reading["provider"]: reading["calls"] for reading in readings}, ended - begun, high


def resolve(queries):
    body = {"jsonrpc": "2.0", "id": 1, "method": "metadata.resolveTitles", "params": {"queries": queries, "missing": "create"}}
    with open(setting("BENCH_SECRET_FILE"), encoding="utf-8") as file:
        secret = file.read().strip()
    port = settings("metadata")["REELAY_PORT"]
    answer = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-H", "content-type: application/json", "-H",
         f"authorization: Bearer {secret}", "--data-binary", "@-", f"http://127.0.0.1:{port}/rpc"],
        input=json.dumps(body).encode(), capture_output=True, timeout=60, check=True).stdout
    if "result" not in json.loads(answer):
        raise Trouble(f"metadata.resolveTitles answered {answer[:300]}")


def psql(text):
    command = [os.path.join(setting("BENCH_PG_BIN"), "psql"), "-XAtq", "-h", setting("BENCH_PG_SOCKETS"), "-p",
               setting("BENCH_PG_PORT"), "-U", setting("BENCH_PG_ADMIN"), "-d", setting("BENCH_PG_DATABASE"), "-c", text]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)

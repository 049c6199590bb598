"""queue and ledger: the queue without a receiver, and a person with 200,000 plays, against set bounds."""

import json
import os

import database
from measure import figure, note, result, run, setting

# Bounds, used in place of peers: jobs a second, milliseconds, seconds, ratios.
SINGLE_MIN, BATCH_MIN = 1_000, 5_000
PICKUP_P50_MAX_MS, PICKUP_P99_MAX_MS = 15, 100
XMIN_SHARE_MIN = 0.9
FAIR_RATIO_MAX = 2
INSERT_MAX_SECONDS, PAGE_MAX_MS = 20, 5
# The most memory that scrobble may use; here it is that of the measuring process, including what it queues itself.
RSS_MAX_MB = 150


def run_queue():
    taken = _measure("single")
    result("queue.single", taken["jobs_per_second"], SINGLE_MIN, "more")
    taken = _measure("batch")
    result("queue.batch", taken["jobs_per_second"], BATCH_MIN, "more")
    taken = _measure("pickup")
    result("queue.pickup", taken["p99_ms"], PICKUP_P99_MAX_MS, "less")
    result("queue.pickup.p50", taken["p50_ms"], PICKUP_P50_MAX_MS, "less")
    taken = _measure("xmin")
    result("queue.xmin", taken["held_per_second"] / taken["free_per_second"], XMIN_SHARE_MIN, "more")
    note(f"queue.xmin, jobs a second: free {figure(taken['free_per_second'])}, held {figure(taken['held_per_second'])}")
    taken = _measure("fair")
    result("queue.fair", taken["beside_p99_ms"] / taken["alone_p99_ms"], FAIR_RATIO_MAX, "less")
    note(f"queue.fair, p99 in ms: alone {figure(taken['alone_p99_ms'])}, beside {figure(taken['beside_p99_ms'])}")
    _tell_peaks("queue.rss")


def run_ledger():
    taken = _measure("insert")
    result("ledger.insert", taken["new_seconds"], INSERT_MAX_SECONDS, "less")
    note(f"ledger.insert, the same file once more: {figure(taken['again_seconds'])} s")
    note(f"ledger.insert, the same plays from another source: {figure(taken['other_road_seconds'])} s")
    taken = _measure("page")
    result("ledger.page", taken["p50_ms"], PAGE_MAX_MS, "less")
    note(f"ledger.page, p99: {figure(taken['p99_ms'])} ms")
    _tell_peaks("ledger.rss")


# The peak memory of each process since the last remark about it.
_peaks = {}


def _tell_peaks(name):
    result(name, max(_peaks.values()), RSS_MAX_MB, "less")
    note(f"{name}, peaks in MB: {', '.join(f'{work} {figure(peak)}' for work, peak in _peaks.items())}")
    _peaks.clear()


def _measure(work):
    """Runs in its own schema, as the administrator, so that no measurement sees data of another."""
    schema = f"bench_{work}"
    database.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    url = (f"postgres://{setting('BENCH_PG_ADMIN')}@/{setting('BENCH_PG_DATABASE')}"
           f"?host={setting('BENCH_PG_SOCKETS')}&port={setting('BENCH_PG_PORT')}")
    told = run([os.path.join(setting("BENCH_PROGRAMS"), "bench-queue"), url, schema, work,
                os.environ.get("BENCH_XMIN_SECONDS", "120")])
    database.sql(f"DROP SCHEMA {schema} CASCADE")
    taken = json.loads(told)
    _peaks[work] = taken["peak_mb"]
    return taken

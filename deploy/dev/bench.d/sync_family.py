"""sync: planning for a person with 100,000 items, against the bounds that are set."""

import json
import os

from measure import figure, note, result, rounds, run, setting

PLAN_MAX_MS, PLAN_MAX_MB = 300, 200


def run_family():
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-queue")
    taken = json.loads(run([program, "-", "-", "plan", str(rounds())]))
    result("sync.plan", taken["first_ms"], PLAN_MAX_MS, "less")
    result("sync.plan.memory", taken["peak_mb"], PLAN_MAX_MB, "less")
    note(f"sync.plan, ms: first contact {figure(taken['first_ms'])}, one in a hundred changed {figure(taken['later_ms'])}")

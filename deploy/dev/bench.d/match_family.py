"""match: rows a second matched against 20,000 titles, beside a dictionary of plainly normalised names."""

import json
import os

from measure import median, note, result, run, seconds, rounds, setting, spread


def run_family():
    """Runs the program, which measures both sides in turn in one process and prints a JSON object per measurement."""
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-match")
    taken, found = {}, {}
    for line in run([program, str(rounds()), str(seconds() / 3)]).splitlines():
        measured = json.loads(line)
        taken.setdefault(measured["side"], []).append(measured["rows_per_second"])
        found[measured["side"]] = measured["found"]
    ours, naive = taken["ours"], taken["naive"]
    result("match.row", median(ours), median(naive), "more")
    note(f"match.row, rows/s: ours {spread(ours)}, dictionary {spread(naive)}; "
         f"of 5,000 rows ours decides {found['ours']}, the dictionary {found['naive']}")

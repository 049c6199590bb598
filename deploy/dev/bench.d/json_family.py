"""json: the generated codec against Foundation's coders, on a page of 100 ratings."""

import json
import os

from measure import Trouble, median, note, result, run, seconds, rounds, setting, spread


def run_family():
    """Runs the program, which measures both sides in turn in one process and prints a JSON object per measurement."""
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-json")
    taken = {}
    for line in run([program, str(rounds()), str(seconds() / 10)]).splitlines():
        measured = json.loads(line)
        taken.setdefault((measured["work"], measured["side"]), []).append(measured["microseconds"])
    for work in ("encode", "decode"):
        ours, peer = taken.get((work, "ours")), taken.get((work, "foundation"))
        if not ours or not peer:
            raise Trouble(f"bench-json measured no {work}")
        result(f"json.{work}", median(ours), median(peer), "less")
        plain = median(taken[(work, "foundation-strings")])
        note(f"json.{work}, µs a page: ours {spread(ours)}, Foundation {spread(peer)}; "
             f"Foundation with dates and ids left as strings {plain:.1f} ({plain / median(ours):.1f} times ours)")

"""decode: the largest recorded response of every provider, parsed into facts, against Foundation's decoder alone."""

import json
import os

from measure import Trouble, median, note, result, run, seconds, rounds, setting, spread


def run_family():
    """Runs the program, which measures both sides in turn in one process and prints a JSON object per measurement."""
    fixtures = os.environ.get("REELAY_FIXTURES")
    if not fixtures:
        raise Trouble("set REELAY_FIXTURES to the folder of the recorded responses")
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-decode")
    taken, sizes = {}, {}
    for line in run([program, f"{fixtures}/providers", str(rounds()), str(seconds() / 20)]).splitlines():
        measured = json.loads(line)
        sizes[measured["work"]] = measured["bytes"]
        taken.setdefault((measured["work"], measured["side"]), []).append(measured["microseconds"])
    for work, size in sizes.items():
        ours, peer = taken[(work, "ours")], taken[(work, "foundation")]
        result(f"decode.{work}", median(ours), median(peer), "less")
        note(f"decode.{work}, µs an answer of {size} bytes: ours {spread(ours)}, Foundation {spread(peer)}")

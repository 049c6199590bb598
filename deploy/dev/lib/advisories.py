"""Prints the published faults of listed parts, and by when the parts must be replaced: see deploy/dev/advisories."""

import argparse
import json
import os
import sys
from collections import Counter
from datetime import date, datetime, timezone
from pathlib import Path

import advisory_rules as rules
from osv import OSV, Unasked

PAST, UNASKED = 1, 2
ORDER = ["past", "open", "waiting", "accepted"]


def arguments(given):
    parser = argparse.ArgumentParser(
        prog="advisories",
        description="Asks OSV for faults of our parts, and checks them against the deadlines of docs/security.md.")
    parser.add_argument("--sbom", metavar="FILE", help="list of parts (default: deploy/sbom.json)")
    parser.add_argument("--accept", metavar="FILE", help="accepted faults (default: deploy/advisories-accepted.json)")
    parser.add_argument("--url", default=os.environ.get("REELAY_OSV_URL", "https://api.osv.dev"), help="URL of OSV")
    parser.add_argument(
        "--today", type=date.fromisoformat, default=datetime.now(timezone.utc).date(), metavar="YYYY-MM-DD",
        help="day to compare deadlines with (default: today, UTC)")
    parser.add_argument(
        "--pause", type=float, default=1.0, metavar="SECONDS", help="before a retry, doubled for each further one")
    parser.add_argument(
        "--seconds-max", type=float, default=900.0, metavar="SECONDS", help="time limit for all requests together")
    return parser.parse_args(given)


def read(path, what):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unasked(f"{what} cannot be read: {error}") from None


def faults_of(parts, acceptances, options):
    """Asks about every part, and judges every fault."""
    faults, records = [], {}
    with OSV(options.url, options.pause, options.seconds_max) as osv:
        for part, ids in zip(parts, osv.ids(parts)):
            for id_ in sorted(ids):
                if id_ not in records:
                    records[id_] = osv.record(id_, part)
                try:
                    fault = rules.judge(part, records[id_], acceptances, options.today)
                except ValueError as error:
                    raise Unasked(f"{id_} of {part.name} {part.version}: {error}") from None
                if fault:
                    faults.append(fault)
    return sorted(faults, key=lambda fault: (ORDER.index(fault.state), fault.due or date.max, fault.part.name, fault.id))


def main(given):
    options = arguments(given)
    try:
        parts = rules.parts_of(read(options.sbom, "the list of parts"))
        acceptances = rules.acceptances_of(read(options.accept, "the list of acceptances"), options.today)
        faults = faults_of(parts, acceptances, options)
    except Exception as error:  # Any error: Python would exit with 1, which means that a deadline has passed.
        known = isinstance(error, (Unasked, ValueError))
        print(f"advisories: not asked: {error if known else repr(error)}", file=sys.stderr)
        return UNASKED
    for fault in faults:
        print(rules.line(fault))
    counts = Counter(fault.state for fault in faults)
    print(f"{len(parts)} parts, {len(faults)} faults: {counts['past']} past their day, {counts['open']} within their time, "
          f"{counts['waiting']} without a version that mends them, {counts['accepted']} accepted")
    used = {acceptance for fault in faults for acceptance in fault.acceptances}
    for acceptance in acceptances:
        if acceptance not in used:
            print(f"advisories: warning: nothing has {acceptance.id} of {acceptance.part} any more: its acceptance can go",
                  file=sys.stderr)
    if counts["open"] or counts["waiting"]:
        print("advisories: warning: there are faults to fix before their deadline", file=sys.stderr)
    if counts["past"]:
        print("advisories: the deadline for replacing a part has passed", file=sys.stderr)
        return PAST
    return 0


sys.exit(main(sys.argv[1:]))

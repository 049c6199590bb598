"""Runs the families given on the command line, and continues if one cannot be run."""

import os
import subprocess
import sys

import abuse_family
import decode_family
import enrich_family
import gateway_family
import idle_family
import import_family
import json_family
import match_family
import queue_family
import ratings_family
import rpc_family
import scale_family
import sync_family
from measure import Trouble, note, rounds, seconds


def main(families):
    note(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f} before; {rounds()} rounds of {seconds():g} s, medians")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        note("the machine is busy with other things: do not trust the figures")
    runs = {
        "rpc": rpc_family.run_family, "decode": decode_family.run_family, "json": json_family.run_family,
        "match": match_family.run_family, "abuse": abuse_family.run_family, "sync": sync_family.run_family,
    }
    database = [family for family in families if family in ("reads", "writes")]
    if database:
        runs[database[0]] = lambda: ratings_family.run_family(database)
    runs["ratings"] = scale_family.run_family
    runs |= {"queue": queue_family.run_queue, "ledger": queue_family.run_ledger}
    runs["enrich"] = enrich_family.run_family
    runs["idle"] = idle_family.run_family
    runs["gateway"] = gateway_family.run_family
    runs["import"] = import_family.run_family
    failed = []
    for family in families:
        if family not in runs:
            continue
        try:
            runs[family]()
        except (Trouble, OSError, subprocess.TimeoutExpired) as trouble:
            print(f"bench {family} FAILED: {trouble}", file=sys.stderr, flush=True)
            failed.append(family)
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))

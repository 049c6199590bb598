"""reads and writes: the ratings service on Postgres, against pgbench doing the same to the same database."""

import json
import os

import database
from measure import Server, Trouble, figure, in_turn, median, note, result, run, seconds, setting, spread
from services import start

# Calls in flight to the service; to Postgres itself 32, where pgbench does best on few cores.
IN_FLIGHT = 128
PEER_CLIENTS = 32


# What pgbench runs in each family: the statement that the service sends for a lone call, so that both do the same work;
# for writes also a plain upsert of the rating alone.
PEERS = {
    "reads": (("", database.READ),),
    "writes": (("", database.WRITE), (".upsert", database.UPSERT)),
}
WORK = {"reads": "read", "writes": "write"}


def run_family(families):
    server = start("ratings")
    database.fill()
    for family in families:
        _many(family, server)
        _lone(family)
    server.stop()


def _many(family, server):
    spent = []

    def ours():
        database.settle()
        before = server.cpu_seconds()
        measured = _load(family, IN_FLIGHT)
        spent.append((server.cpu_seconds() - before) / measured["answered"] * 1e6)
        return measured["calls"] / measured["seconds"]

    def peer(script):
        database.settle()
        return database.pgbench_rate(script, PEER_CLIENTS)

    taken = in_turn(ours=ours, **{name: (lambda script=script: peer(script)) for name, script in PEERS[family]})
    for name, _ in PEERS[family]:
        result(f"{family}{name}", median(taken["ours"]), median(taken[name]), "more")
        note(f"{family}{name} a second: ours {spread(taken['ours'])}, pgbench {spread(taken[name])}")
    note(f"{family}: the service spends {figure(median(spent))} CPU µs per call")


def _lone(family):
    def ours():
        database.settle()
        return _load(family, 1)["p50_us"]

    def peer(script):
        database.settle()
        return database.pgbench_median(script)

    taken = in_turn(ours=ours, **{name: (lambda script=script: peer(script)) for name, script in PEERS[family]})
    for name, _ in PEERS[family]:
        result(f"{family}.lone{name}", median(taken["ours"]), median(taken[name]), "less")
        note(f"{family}.lone{name}, p50 in µs: ours {spread(taken['ours'])}, pgbench {spread(taken[name])}")


def _load(family, in_flight):
    """Runs the load driver, which prints one JSON object."""
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-load")
    told = run([
        program, WORK[family], f"127.0.0.1:{setting('BENCH_PORT_ratings')}", setting("BENCH_SECRET_FILE"), str(in_flight),
        str(seconds()), f"{database.USER}:{database.USERS}", f"{database.TITLE}:{database.TITLES}",
        str(database.FIRST)])
    measured = json.loads(told)
    if measured["failed"]:
        raise Trouble(f"{measured['failed']} of {measured['calls']} calls failed: {measured['failure']}")
    return measured

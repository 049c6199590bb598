"""reads and writes: the ratings service on Postgres, against pgbench doing the same to the same database."""

import json
import os

import database
from measure import Server, Trouble, figure, in_turn, median, note, result, run, seconds, setting, spread
from services import start

# In flight against the service; against Postgres itself 32, where pgbench does best on few cores.
IN_FLIGHT = 128
PEER_CLIENTS = 32


def run_family(families):
    server = start("ratings")
    database.fill()
    for family, work, script in (("reads", "read", database.READ), ("writes", "write", database.WRITE)):
        if family in families:
            _many(family, work, script, server)
            _lone(family, work, script, server)
    server.stop()


def _many(family, work, script, server):
    spent = []

    def ours():
        database.settle()
        before = server.cpu_seconds()
        measured = _load(work, IN_FLIGHT)
        spent.append((server.cpu_seconds() - before) / measured["calls"] * 1e6)
        return measured["calls"] / measured["seconds"]

    def peer():
        database.settle()
        return database.pgbench_rate(script, PEER_CLIENTS)

    taken = in_turn(ours=ours, peer=peer)
    result(family, median(taken["ours"]), median(taken["peer"]), "more")
    note(f"{family} a second: ours {spread(taken['ours'])}, pgbench {spread(taken['peer'])}; "
         f"the service spends {figure(median(spent))} CPU µs per call")


def _lone(family, work, script, _server):
    def ours():
        database.settle()
        return _load(work, 1)["p50_us"]

    def peer():
        database.settle()
        return database.pgbench_median(script)

    taken = in_turn(ours=ours, peer=peer)
    result(f"{family}.lone", median(taken["ours"]), median(taken["peer"]), "less")
    note(f"{family}.lone, p50 in µs: ours {spread(taken['ours'])}, pgbench {spread(taken['peer'])}")


def _load(work, in_flight):
    """The load driver, on our own client, prints one JSON object."""
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-load")
    told = run([
        program, work, f"127.0.0.1:{setting('BENCH_PORT_ratings')}", setting("BENCH_SECRET_FILE"), str(in_flight),
        str(seconds()), f"{database.USER}:{database.USERS}", f"{database.TITLE}:{database.TITLES}",
        str(database.FIRST)])
    measured = json.loads(told)
    if measured["failed"]:
        raise Trouble(f"{measured['failed']} of {measured['calls']} calls failed: {measured['failure']}")
    return measured

"""Reads the output of a run of the tests and says of each bar of reliability whether it held: bars.py FILE…

A bar holds where every suite and test that it is made of has run and passed. Its figures are what these printed.
With --filters it prints which tests a run of the bars alone needs, a regular expression over their ids a line.
"""

import re
import sys

# Number: what must hold; suites (as they are called in the sources), tests (how their text begins), lines with figures; and
# what of the bar is not in it.
BARS = [
    (1, "Crash matrix", [], ["Queue: two workers killed at six points"], r"^bar Queue crashes at points", ""),
    (2, "Random kills", [], ["Queue: two workers killed at random moments", "Queue: two workers asked to end"],
     r"^bar Queue (crashes at random|asked to end)", ""),
    (3, "Ambiguous replies", [],
     ["2,000 ambiguous replies", "Two workers deliver every job once", "Workers that die at any point leave nothing behind"],
     r"^bar Ambiguous replies", ""),
    (4, "Delete storm", ["DeleteStormTests"], [], None, ""),
    (5, "Sync convergence", ["FacetPlannerTests", "HistoryPlannerTests", "SyncSimulationTests"], [], None,
     "500 simulated worlds; REELAY_SYNC_SEEDS=10000 for more"),
    (6, "Two people", ["StrangerTests"], [], None, ""),
    (7, "Postgres chaos", ["DatabaseTests"],
     ["Queue: Postgres crashes and ends sessions under load", "Sessions that Postgres ends again and again",
      "Postgres crashes while an import is written"],
     r"^bar (Postgres|Queue and Postgres|import, Postgres)", ""),
    (8, "Zombie worker", [],
     ["Queue: workers that are stopped as they are about to send", "A worker that sleeps beyond its lease"],
     r"^bar Stopped workers", ""),
    (9, "Outage horizon", ["OutageTests"], [], r"^outage of", ""),
    (10, "Token refresh race", ["TokenKeeperTests"], [], None, "24 at once, replicas in one process"),
    (11, "Token crypto", ["SealerTests", "RotationTests"], [], r"^rotation:", ""),
    (12, "Secrets canary", ["CanaryTests"], ["Both ways to connect, dry run, first sync"], r"^canaries:", ""),
    (13, "Rolling restart", ["DrainTests"], [], r"^bar R3", ""),
    (14, "Deadlines", ["DeadlineTests"], [], r"^bar R1", ""),
    (15, "Retry budget", ["FaultTests/RetryTests"], [], r"^bar R2", ""),
    (16, "HTTP/2 abuse", ["RawFrameTests", "H2SharedLimitTests", "H2SessionTimerTests", "HeldConnectionTests"], [], None,
     "what other services notice of it: deploy/dev/bench abuse"),
    (18, "JSON-RPC", ["ConformanceTests", "ContractTests"], [], None, ""),
    (19, "Held snapshot", [], [], None, "measured by deploy/dev/bench queue (queue.xmin)"),
    (20, "Fairness", [], [], None, "measured by deploy/dev/bench queue (queue.fair)"),
    (21, "Partition", ["PartitionTests", "PGListenerTests"], [], r"^bar R4", ""),
    (22, "Outgoing addresses", ["OutboundRuleTests", "OutboundGuardTests"], [], r"^addresses:", ""),
    (23, "OAuth attacks", ["TraktAccountTests"], [], None, ""),
    (24, "Schemathesis", ["SchemathesisTests"], [], r"^schemathesis:", ""),
    (25, "Fuzzers and sanitizers", [], [], None, "run by deploy/dev/check --deep"),
    (26, "Idempotency keys", ["RepeatTests", "KeyStoreTests"], ["Of 100 requests with one key one has an effect"],
     None, ""),
    (27, "Login", ["LoginTimingTests", "PasswordHasherTests"], ["Guessing is slowed down per name"], None, ""),
    (28, "Archives and CSV", ["ZIP archives from outside", "CSV", "CSVTextTests", "ImportGuardTests"], [], None, ""),
    (29, "Disk full, clocks", ["DiskTests", "ClockStepTests"], ["R1: the same where the services' clock is an hour ahead"],
     r"^bar (Disk full|R1, clock|Clock steps)", ""),
    (30, "Mutants", ["QueueMutantTests", "SyncMutantTests"], [], None, "throughput: deploy/dev/bench rpc queue"),
]

FILTERS = [
    "QueueCrashTests/", "ImportCrashTests/", "QueueFaultTests/", "QueueWorkerTests/", "AmbiguousReplyTests/", "QueueMutantTests/", "DeleteStormTests/",
    "FacetPlannerTests/", "HistoryPlannerTests/", "SyncSimulationTests/", "SyncMutantTests/", "StrangerTests/",
    "FaultTests/DatabaseTests/", "OutageTests/", "TokenKeeperTests/", "SealerTests/", "RotationTests/", "CanaryTests/",
    "SyncJourneyTests/", "DrainTests/", "DeadlineTests/", "RetryTests/", "RawFrameTests/", "H2SharedLimitTests/",
    "H2SessionTimerTests/", "HeldConnectionTests/", "ConformanceTests/", "ContractTests.ContractTests/", "PartitionTests/", "PGListenerTests/",
    "OutboundRuleTests/", "OutboundGuardTests/", "TraktAccountTests/", "SchemathesisTests/", "RepeatTests/",
    "KeyStoreTests/", "IdentityTests/", "LoginTimingTests/", "PasswordHasherTests/", "ArchiveReaderTests/",
    "CSVReaderTests/", "CSVTextTests/", "ImportGuardTests/", "DiskTests/", "ClockStepTests/", "RoleTests/", "RPCClientTests/",
]

# Safeguards that are taken away in tests of their own, each of which says so.
MUTANTS = [
    "blind retry", "blind resend", "no unique index", "no fence", "no brake", "part taken for all", "no lease", "no retry budget",
    "no place", "one right too many", "no address check",
]
# Those of the simulated worlds of syncs.
MUTANTS += [f"{name} of items" for name in (
    "echo", "lane", "proof", "silence", "explanation", "excuse", "letGo", "choice", "forgetting", "agreeing", "reopening")]
MUTANTS += [f"{name} of plays" for name in (
    "echo", "lane", "proof", "forgetting", "apart", "patience", "beginning", "leaving")]
# And those for which a whole test runs with REELAY_FAULTS_MUTANT, which must then fail.
RUN_MUTANTS = [
    ("kill", "DrainTests/rollingRestart"), ("commit", "FaultTests/DatabaseTests/"),
    ("pace", "EnrichmentCrashTests/pace"),
]

OUTCOME = re.compile(
    r'^(?P<sign>✔|✘|━|➜) (?P<kind>Suite|Test) (?P<name>".*?"|[^ ]+?)(?: with \d+ test cases?)? (?P<verb>passed|failed|skipped)'
    r"(?P<rest>.*)$")


def read(paths):
    """Outcomes by kind and name, and all lines."""
    outcomes, lines = {}, []
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.rstrip("\n")
                lines.append(line)
                found = OUTCOME.match(line)
                if found:
                    name = found["name"].strip('"').removesuffix("()")
                    outcomes.setdefault((found["kind"], name), []).append((found["verb"], found["rest"].strip(" .")))
    return outcomes, lines


def verdicts_of(kind, name, outcomes):
    """What the runs of a suite, or of the tests that begin so, came to; empty where none ran."""
    if kind == "Suite":
        # RetryTests there are two of: rules in one module, processes in the other.
        return outcomes.get((kind, name.split("/")[-1]), [])
    return [verdict for (known, full), found in outcomes.items() if known == kind and full.startswith(name)
            for verdict in found]


def judge(bar, outcomes, lines):
    """One line about a bar."""
    number, title, suites, tests, pattern, note = bar
    parts = [("Suite", suite) for suite in suites] + [("Test", test) for test in tests]
    figures = [re.sub(r"^bar [^:]*: (held \((.*)\)$)?", r"\2", line) for line in lines if pattern and re.search(pattern, line)]
    if not parts:
        return "not measured", f"bar {number}: not measured ({note})  {title}"
    failed, missing, skipped = [], [], []
    for kind, name in parts:
        found = verdicts_of(kind, name, outcomes)
        verbs = [verb for verb, _ in found]
        if "failed" in verbs:
            failed.append(name)
        elif "passed" not in verbs:
            (skipped if "skipped" in verbs else missing).append(name)
    skipped += [line for line in lines if pattern and re.search(pattern, line) and re.search("skipped|SKIPPED", line)]
    text = "; ".join(figures[:3] + ([note] if note else [])) or f"{len(parts)} suites and tests passed"
    if failed:
        return "NOT HELD", f"bar {number}: NOT HELD ({', '.join(failed)})  {title}"
    if len(missing) + len(skipped) >= len(parts) and not any(
            verb == "passed" for kind, name in parts for verb, _ in verdicts_of(kind, name, outcomes)):
        return "not measured", f"bar {number}: not measured ({', '.join((missing + skipped))[:300]} did not run)  {title}"
    if missing:
        return "not measured", f"bar {number}: not measured as a whole ({', '.join(missing)} did not run)  {title}"
    if skipped:
        return "partly", f"bar {number}: held in part ({text})  {title}"
    return "held", f"bar {number}: held ({text})  {title}"


def main(arguments):
    if arguments == ["--filters"]:
        print("\n".join(FILTERS))
        return 0
    if arguments == ["--run-mutants"]:
        for name, test in RUN_MUTANTS:
            print(f"{name}\t{test}")
        return 0
    outcomes, lines = read(arguments)
    counts = {}
    for bar in BARS:
        verdict, line = judge(bar, outcomes, lines)
        counts[verdict] = counts.get(verdict, 0) + 1
        print(line)
    caught = [name for name in MUTANTS + [f"run {name}" for name, _ in RUN_MUTANTS]
              if any(line.startswith(f"mutant {name}: caught") for line in lines)]
    survived = [line for line in lines if line.startswith("mutant ") and ": SURVIVED" in line]
    print(f"mutants: {len(caught)} caught ({', '.join(caught)}){'; ' if survived else ''}{'; '.join(survived)}")
    print("bars: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if counts.get("NOT HELD") or survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Reads the output of test runs and reports for each reliability bar whether it held:
bars.py [--with-run-mutants] [--seconds-max N] FILE…

A bar holds if every suite and test of it has run and passed, and has printed all its lines with figures. If a part did
not run, the bar does not hold, unless the test says why it was skipped. Runs that did not finish, and mutants that were
not caught, fail as well. `form: full` in a file marks the long forms.

Prints how long the tests behind the bars took together; with --seconds-max fails if the short form took longer.

--filters prints the tests that the bars need, as regular expressions over their ids, one a line; --run-mutants the
mutants for which a whole test runs, which --with-run-mutants requires to be caught.
"""

import re
import sys
from collections import Counter
from typing import NamedTuple


class Bar(NamedTuple):
    number: int
    title: str
    #: Names of suites in the output, and beginnings of test names: each must run, and all must pass.
    suites: tuple = ()
    tests: tuple = ()
    #: Texts of the lines with figures, each of which must be printed in both forms.
    figures: tuple = ()
    #: How the short form falls short of the bar, and how the long form still does.
    short: str = ""
    full: str = ""
    #: Whether a test of it may be skipped, with a reason, since not every machine has what it needs.
    may_skip: bool = False
    #: The command that measures it, if no test does.
    elsewhere: str = ""


BARS = [
    Bar(1, "Crash matrix", tests=("Queue: two workers killed at six points",), figures=("bar Queue crashes at points:",),
        short="24 of 300 kills, 300 of 10,000 jobs"),
    Bar(2, "Random kills", tests=("Queue: two workers killed at random moments", "Queue: two workers asked to end"),
        figures=("bar Queue crashes at random:", "bar Queue asked to end:"),
        short="8 of 50 kills, 300 jobs, workers alone", full="workers alone, 600 s to drain instead of 60"),
    Bar(3, "Ambiguous replies", tests=(
        "2,000 ambiguous replies", "Two workers deliver every job once", "Workers that die at any point leave nothing behind"),
        figures=("bar Ambiguous replies:",)),
    Bar(4, "Delete storm", suites=("DeleteStormTests",)),
    Bar(5, "Sync convergence",
        suites=("PlannerCasesTests", "FacetPlannerTests", "HistoryPlannerTests", "SyncSimulationTests"),
        figures=("planner cases in ",), short="500 of 10,000 simulated worlds"),
    Bar(6, "Two people", suites=("StrangerTests",)),
    Bar(7, "Postgres chaos", suites=("DatabaseTests",), tests=(
        "Queue: Postgres crashes and ends sessions under load", "Sessions that Postgres ends again and again",
        "Postgres crashes while an import is written"),
        figures=("bar Postgres:", "bar Queue and Postgres:", "bar import, Postgres crashed:"),
        short="2 of 10 crashes, the pool not exhausted", full="8 and 10 crashes, the pool not exhausted"),
    Bar(8, "Zombie worker", tests=(
        "Queue: workers that are stopped as they are about to send", "A worker that sleeps beyond its lease"),
        figures=("bar Stopped workers:",), short="2 of 100 stops"),
    Bar(9, "Outage horizon", suites=("OutageTests",), figures=("outage of 14 days:", "outage of 31 days:"),
        short="dates are moved instead of the clock of Postgres", full="dates are moved instead of the clock of Postgres"),
    Bar(10, "Token refresh race", suites=("TokenKeeperTests",),
        short="24 of 1,000 at once, replicas in one process", full="24 of 1,000 at once, replicas in one process"),
    Bar(11, "Token crypto", suites=("SealerTests", "RotationTests"), figures=("rotation:",),
        short="3,001 of 100,000 values"),
    Bar(12, "Secrets canary", suites=("CanaryTests",), tests=("Both ways to connect, dry run, first sync",),
        figures=("canaries:",)),
    Bar(13, "Rolling restart", suites=("DrainTests",), figures=("bar R3:", "bar R3, every service:"),
        short="3 of 20 rounds, 200 calls a second asked for instead of 500",
        full="500 calls a second asked for, as many as the machine gives"),
    Bar(14, "Deadlines", suites=("DeadlineTests",), tests=("R1: the same where the services' clock is an hour ahead",),
        figures=("bar R1:", "bar R1, clock +1 h:"), short="4 calls, 600 ms allowed instead of 550",
        full="600 ms allowed instead of 550", may_skip=True),
    Bar(15, "Retry budget", suites=("RetryTests",), figures=("bar R2:", "bar R2, two layers:"),
        short="the first 10 and 20 attempts are free", full="the first 10 and 20 attempts are free"),
    Bar(16, "HTTP/2 abuse",
        suites=("RawFrameTests", "H2SharedLimitTests", "H2SessionTimerTests", "HeldConnectionTests", "AbuseTests"),
        figures=("bar Edge abuse:",),
        short="p99 of others is not held to; what services notice: deploy/dev/bench abuse",
        full="what services notice: deploy/dev/bench abuse"),
    Bar(17, "Frames", suites=("RawFrameTests",), short="frames of our own, without h2spec",
        full="frames of our own, without h2spec"),
    Bar(18, "JSON-RPC", suites=("ConformanceTests", "ContractTests")),
    Bar(19, "Held snapshot", elsewhere="deploy/dev/bench queue (queue.xmin)"),
    Bar(20, "Fairness", elsewhere="deploy/dev/bench queue (queue.fair)"),
    Bar(21, "Partition", suites=("PartitionTests", "PGListenerTests"), tests=("R4: packets to one of two copies are dropped",),
        figures=("bar R4:",), short="18 s of silence, time of pickup without LISTEN not measured",
        full="time of pickup without LISTEN not measured", may_skip=True),
    Bar(22, "Outgoing addresses", suites=("OutboundRuleTests", "OutboundGuardTests"),
        figures=("addresses:", "addresses called:")),
    Bar(23, "OAuth attacks", suites=("TraktAccountTests", "OAuthAttackTests"),
        figures=("attacks on connecting an account:",)),
    Bar(24, "Schemathesis", suites=("SchemathesisTests",), figures=("schemathesis:",),
        short="2 of 1,000 made-up requests per operation, no histories",
        full="2 of 1,000 made-up requests per operation, no histories: deploy/dev/schemathesis asks more", may_skip=True),
    Bar(25, "Fuzzers and sanitizers", elsewhere="deploy/dev/check --deep"),
    Bar(26, "Idempotency keys", suites=("RepeatTests", "KeyStoreTests"),
        tests=("Of 100 requests with one key one has an effect",)),
    Bar(27, "Login", suites=("LoginTimingTests", "PasswordHasherTests", "GuessingHourTests"),
        tests=("Guessing is slowed down per name",), figures=("bar Login:",)),
    Bar(28, "Archives and CSV", suites=("ZIP archives from outside", "CSV", "CSVTextTests", "ImportGuardTests"),
        short="10,000 rows there and back are not part of it", full="10,000 rows there and back are not part of it"),
    Bar(29, "Disk full, clocks", suites=("DiskTests", "ClockStepTests"), tests=(
        "R1: the same where the services' clock is an hour ahead", "Clock steps of two hours"),
        figures=("bar Disk full:", "bar R1, clock +1 h:", "bar Clock steps:"),
        short="6 of 48 steps", may_skip=True),
    Bar(30, "Mutants", suites=("QueueMutantTests", "SyncMutantTests"),
        short="throughput: deploy/dev/bench rpc queue", full="throughput: deploy/dev/bench rpc queue"),
]

FILTERS = [
    "QueueCrashTests/", "ImportCrashTests/", "QueueFaultTests/", "QueueWorkerTests/", "AmbiguousReplyTests/",
    "QueueMutantTests/", "DeleteStormTests/", "FacetPlannerTests/", "HistoryPlannerTests/", "PlannerCasesTests/",
    "SyncSimulationTests/", "SyncMutantTests/", "SimklMirrorTests/", "StrangerTests/", "FaultTests/DatabaseTests/",
    "OutageTests/", "TokenKeeperTests/", "SealerTests/", "RotationTests/", "CanaryTests/", "SyncJourneyTests/", "DrainTests/",
    "DeadlineTests/", "RetryTests/", "RawFrameTests/", "H2SharedLimitTests/", "H2SessionTimerTests/", "HeldConnectionTests/",
    "EndToEndTests.AbuseTests/", "ConformanceTests/", "ContractTests.ContractTests/", "PartitionTests/", "PGListenerTests/",
    "OutboundRuleTests/", "OutboundGuardTests/", "TraktAccountTests/", "OAuthAttackTests/", "SchemathesisTests/",
    "RepeatTests/", "KeyStoreTests/", "IdentityTests/", "LoginTimingTests/", "GuessingHourTests/", "PasswordHasherTests/",
    "ArchiveReaderTests/", "CSVReaderTests/", "CSVTextTests/", "ImportGuardTests/", "DiskTests/", "ClockStepTests/", "RoleTests/", "RPCClientTests/",
]

# Safeguards that tests of their own remove, each of which prints so; at least twelve are required.
MUTANTS = [
    "blind retry", "blind resend", "no unique index", "no fence", "no brake", "part taken for all", "no lease", "no retry budget",
    "no place", "one right too many", "no address check", "trusting changes", "trusting rests",
]
# Those in the simulated worlds of syncs.
MUTANTS += [f"{name} of items" for name in (
    "echo", "lane", "proof", "silence", "explanation", "excuse", "letGo", "choice", "forgetting", "agreeing", "reopening")]
MUTANTS += [f"{name} of plays" for name in (
    "echo", "lane", "proof", "forgetting", "apart", "patience", "beginning", "leaving")]
# Those for which a whole test runs with REELAY_FAULTS_MUTANT, and must then fail.
RUN_MUTANTS = [
    ("kill", "DrainTests/rollingRestart"), ("commit", "FaultTests/DatabaseTests/"),
    ("pace", "EnrichmentCrashTests/pace"),
]

# Other output may precede it on the line.
OUTCOME = re.compile(
    r'(?P<sign>✔|✘|━|➜) (?P<kind>Suite|Test) (?P<name>".*?"|[^ ]+?)(?: with \d+ test cases?)? (?P<verb>passed|failed|skipped)'
    r"(?P<rest>.*)$")
BEGUN = re.compile(r'◇ (?P<kind>Suite|Test) (?P<name>".*"|[^ ]+) started\.$')
TAKEN = re.compile(r"after ([0-9.]+) seconds")
RUN_BEGUN, RUN_ENDED = re.compile(r"◇ Test run started\.$"), re.compile(r"[✔✘] Test run with \d+ ")


class Log:
    """The outcome of test runs."""

    def __init__(self, paths):
        #: (kind, name): verbs and the texts after them.
        self.outcomes, self.lines, self.faults, self.is_full = {}, [], [], False
        #: What began but was never reported as ended although the run finished: a lost line of output.
        self.lost = []
        #: Tests that ran: their names, their enclosing suites, and how many seconds they took.
        self.taken = []
        runs = sum(self._read(path) for path in paths)
        if not runs:
            self.faults.append("no run of the tests was seen")

    def _read(self, path):
        """Reads a file and returns how many runs began in it."""
        running, within, runs, ended = Counter(), [], 0, 0
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.rstrip("\n")
                if line.startswith("form: "):
                    self.is_full = line == "form: full"
                elif RUN_BEGUN.search(line):
                    runs += 1
                elif RUN_ENDED.search(line):
                    ended += 1
                elif found := BEGUN.search(line):
                    running[found["kind"], plain(found["name"])] += 1
                    if found["kind"] == "Suite":
                        within.append(plain(found["name"]))
                elif found := OUTCOME.search(line):
                    key = found["kind"], plain(found["name"])
                    if found["verb"] != "skipped":
                        running[key] -= 1
                        self._time(*key, found["rest"], within)
                    self.outcomes.setdefault(key, []).append((found["verb"], found["rest"].strip(' .:"')))
                elif not line.startswith(("◇", "✘", "↳")):
                    self.lines.append(line)
        if runs != ended:
            self.faults.append(f"{runs - ended} of {runs} runs of the tests did not come to their end")
        for (kind, name), count in running.items():
            if count > 0:
                (self.lost if runs == ended else self.faults).append(f"{kind} {name} began and did not end")
        return runs

    def _time(self, kind, name, rest, within):
        """Records how long a test took; `within` are the suites that have begun and not ended, in order."""
        if kind == "Suite":
            if name in within:
                within.remove(name)
        elif found := TAKEN.search(rest):
            self.taken.append((name, frozenset(within), float(found[1])))

    def seconds(self, some):
        """Returns how long the tests of the given bars took together, each counted once."""
        suites, tests = {name for bar in some for name in bar.suites}, tuple(name for bar in some for name in bar.tests)
        return sum(taken for name, within, taken in self.taken if within & suites or name.startswith(tests))

    def of(self, kind, name):
        """Returns the outcomes of a suite, or of the tests whose names begin so; empty if none ran."""
        if kind == "Suite":
            return self.outcomes.get((kind, name), [])
        return [one for (known, full), found in self.outcomes.items() if known == kind and full.startswith(name)
                for one in found]

    def figures(self, prefix):
        """Returns the lines of a bar or mutant, without other output before it."""
        return [line[line.index(prefix):] if prefix.startswith(("bar ", "mutant ")) else line
                for line in self.lines if prefix in line]


def plain(name):
    return name.strip('"').removesuffix("()")


def judge(bar, log):
    """Returns the verdict on a bar, and a line about it."""
    def told(verdict, text):
        return verdict, f"bar {bar.number}: {text}  {bar.title}"

    if bar.elsewhere:
        return told("measured elsewhere", f"measured elsewhere: {bar.elsewhere}")
    failed, missing, reasons, passed = [], [], [], 0
    for kind, name in [("Suite", suite) for suite in bar.suites] + [("Test", test) for test in bar.tests]:
        found = log.of(kind, name)
        verbs = {verb for verb, _ in found}
        if "failed" in verbs:
            failed.append(name)
        elif "passed" in verbs:
            passed += 1
        elif "skipped" in verbs:
            reasons.append(next(reason for verb, reason in found if verb == "skipped") or "no reason given")
        else:
            missing.append(name)
    if not passed and not failed and not reasons:
        return told("not held", "not held, nothing was measured")
    shown, silent = [], []
    for prefix in bar.figures:
        found = log.figures(prefix)
        skips = [line for line in found if re.match(re.escape(prefix) + " *skipped", line, re.IGNORECASE)]
        reasons += [re.sub(r"^.*?skipped,? *", "", line, flags=re.IGNORECASE) for line in skips]
        if any(line.startswith(f"{prefix} NOT HELD") for line in found):
            failed.append(prefix.removesuffix(":"))
        found = [line for line in found if line not in skips]
        if found:
            shown += found
        else:
            silent.append(prefix.strip(" :"))
    reasons = list(dict.fromkeys(reasons))
    if failed:
        return told("NOT HELD", f"NOT HELD ({', '.join(dict.fromkeys(failed))})")
    if missing:
        return told("not held", f"not held, not measured as a whole ({', '.join(missing)} did not run)")
    if reasons and not bar.may_skip:
        return told("not held", f"not held, skipped ({'; '.join(reasons)})")
    # A test that was skipped prints nothing.
    if silent and not reasons:
        return told("not held", f"not held, nothing was measured ({', '.join(silent)} printed no figures)")
    if reasons and len(silent) == len(bar.figures):
        return told("not measured", f"not measured: {'; '.join(reasons)}")
    figures = [re.sub(r"^bar [^:]*: (held \((.*)\)$)?", r"\2", line) for line in shown[:3]]
    smaller = bar.full if log.is_full else bar.short
    if smaller:
        figures.insert(0, f"{'long' if log.is_full else 'short'} form: {smaller}")
    text = "; ".join(figures) or f"{len(bar.suites) + len(bar.tests)} suites and tests passed"
    if reasons:
        return told("held in part", f"held in part ({text}); not measured: {'; '.join(reasons)}")
    return told("held", f"held ({text})")


def judge_mutants(log, with_runs):
    """Returns whether all were caught, and a line about them."""
    wanted = MUTANTS + ([f"run {name}" for name, _ in RUN_MUTANTS] if with_runs else [])
    survived = [line for line in log.lines if "mutant " in line and ": SURVIVED" in line]
    lost = [name for name in wanted if not log.figures(f"mutant {name}: caught")]
    caught = [name for name in wanted if name not in lost]
    text = f"mutants: {len(caught)} of {len(wanted)} caught ({', '.join(caught)})"
    if lost:
        text += f"; not caught: {', '.join(lost)}"
    text += "".join(f"; {line}" for line in survived)
    if not with_runs:
        text += f"; {len(RUN_MUTANTS)} more by deploy/dev/faults --mutants"
    return not lost and not survived, text


def judge_time(log, limit):
    """Returns whether the short form was short enough, and a line about it."""
    dearest = sorted(BARS, key=lambda bar: log.seconds([bar]), reverse=True)[:5]
    text = (f"the tests behind the bars took {log.seconds(BARS):.0f} s, most of it for "
            + ", ".join(f"{bar.number} ({log.seconds([bar]):.0f} s)" for bar in dearest))
    if limit is None or log.is_full or log.seconds(BARS) <= limit:
        return True, text
    return False, f"FAILED: {text}; the short form is to take {limit} s at most"


def main(arguments):
    if arguments == ["--filters"]:
        print("\n".join(FILTERS))
        return 0
    if arguments == ["--run-mutants"]:
        for name, test in RUN_MUTANTS:
            print(f"{name}\t{test}")
        return 0
    with_runs = arguments[:1] == ["--with-run-mutants"]
    arguments = arguments[with_runs:]
    limit = None
    if arguments[:1] == ["--seconds-max"]:
        limit, arguments = int(arguments[1]), arguments[2:]
    log = Log(arguments)
    counts = Counter()
    for bar in BARS:
        verdict, line = judge(bar, log)
        counts[verdict] += 1
        print(line)
    are_caught, line = judge_mutants(log, with_runs)
    print(line)
    for lost in log.lost:
        print(f"a line is missing: {lost}; whether it passed is in the outcome of the run")
    for fault in log.faults:
        print(f"FAILED: {fault}")
    is_in_time, line = judge_time(log, limit)
    print(line)
    print(f"bars, {'long' if log.is_full else 'short'} form: "
          + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if counts["NOT HELD"] or counts["not held"] or log.faults or not are_caught or not is_in_time else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

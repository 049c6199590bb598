"""Tests bars.py on made-up runs, and compares what it expects with the sources: bars_test.py."""

import contextlib
import io
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import bars  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
PARTITION = "R4: packets to one of two copies are dropped"


def whole(full=False):
    """Returns the lines of a run in which everything was measured and held."""
    lines = ["form: full" if full else "form: short", "◇ Test run started."]
    for suite in dict.fromkeys(suite for bar in bars.BARS for suite in bar.suites):
        name = f'"{suite}"' if " " in suite else suite
        lines += [f"◇ Suite {name} started.", f"✔ Suite {name} passed after 1.000 seconds."]
    for test in dict.fromkeys(test for bar in bars.BARS for test in bar.tests):
        lines += [f'◇ Test "{test} and more" started.', f'✔ Test "{test} and more" passed after 1.000 seconds.']
    for prefix in dict.fromkeys(prefix for bar in bars.BARS for prefix in bar.figures):
        lines.append(f"{prefix} held (3 of 3)")
    lines += [f"mutant {name}: caught, 3 of 3" for name in bars.MUTANTS]
    return lines + ["✔ Test run with 300 tests in 90 suites passed after 100.000 seconds."]


def judged(lines, *options):
    """Returns the exit status and the output."""
    with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            status = bars.main([*options, file.name])
    return status, told.getvalue()


def skipping(lines, test, reason, figures):
    """Returns the lines as if a test was skipped: without its own lines and the figures that it would have printed."""
    left = [line for line in lines if f'"{test}' not in line and not line.startswith(figures)]
    return left[:2] + [f'➜ Test "{test} and more" skipped: "{reason}"'] + left[2:]


class BarsTests(unittest.TestCase):
    def line(self, told, number):
        return next(line for line in told.splitlines() if line.startswith(f"bar {number}: "))

    def test_a_whole_run_holds_in_both_forms(self):
        for full in (False, True):
            status, told = judged(whole(full))
            self.assertEqual(status, 0, told)
            self.assertIn(f"bars, {'long' if full else 'short'} form: 27 held, 3 measured elsewhere", told)
            self.assertIn(f"mutants: {len(bars.MUTANTS)} of {len(bars.MUTANTS)} caught", told)
        self.assertEqual([bar.number for bar in bars.BARS], list(range(1, 31)))

    def test_nothing_measured_holds_nothing(self):
        for lines in ([], ["◇ Test run started.", "✔ Test run with 0 tests in 0 suites passed after 0.001 seconds."]):
            status, told = judged(lines)
            self.assertEqual(status, 1)
            self.assertEqual(self.line(told, 4), "bar 4: not held, nothing was measured  Delete storm")
            self.assertEqual(self.line(told, 25), "bar 25: measured elsewhere: deploy/dev/check --deep  Fuzzers and sanitizers")
            self.assertIn("mutants: 0 of", told)

    def test_each_part_of_each_bar_has_to_be_there(self):
        lines = whole()
        for bar in bars.BARS:
            for part in (*bar.suites, *bar.tests, *bar.figures):
                left = [line for line in lines if not re.match(rf'(. (Suite|Test) "?)?{re.escape(part)}', line)]
                self.assertLess(len(left), len(lines), part)
                status, told = judged(left)
                self.assertEqual(status, 1, part)
                self.assertIn(f"bar {bar.number}: not held, ", self.line(told, bar.number), part)

    def test_what_failed_is_not_held(self):
        for before, after, number in (
                ("✔ Suite DeleteStormTests passed", "✘ Suite DeleteStormTests failed", 4),
                ("bar R2: held", "bar R2: NOT HELD", 15)):
            status, told = judged([line.replace(before, after) for line in whole()])
            self.assertEqual(status, 1)
            self.assertIn("NOT HELD", self.line(told, number))

    def test_what_says_why_it_was_skipped_does_not_fail(self):
        status, told = judged(skipping(whole(), PARTITION, "nft is missing", "bar R4:"))
        self.assertEqual(status, 0, told)
        self.assertEqual(self.line(told, 21), "bar 21: not measured: nft is missing  Partition")
        clock = "R1: the same where the services' clock is an hour ahead"
        status, told = judged(skipping(whole(), clock, "libfaketime is missing", "bar R1, clock +1 h:"))
        self.assertEqual(status, 0, told)
        for number in (14, 29):
            self.assertIn("held in part", self.line(told, number))
            self.assertIn("not measured: libfaketime is missing", self.line(told, number))
        lines = [re.sub("^schemathesis: .*", "schemathesis: SKIPPED, PyPI cannot be reached", line) for line in whole()]
        status, told = judged(lines)
        self.assertEqual(status, 0, told)
        self.assertEqual(self.line(told, 24), "bar 24: not measured: PyPI cannot be reached  Schemathesis")

    def test_only_what_may_be_missing_may_be_skipped(self):
        lines = skipping(whole(), "2,000 ambiguous replies", "too slow", "bar Ambiguous replies:")
        status, told = judged(lines)
        self.assertEqual(status, 1)
        self.assertIn("bar 3: not held, skipped (too slow)", told)

    def test_a_run_that_stopped_in_the_middle_fails(self):
        begun = ["◇ Test \"One that hangs\" started."]
        status, told = judged(whole()[:-1] + begun)
        self.assertEqual(status, 1)
        self.assertIn("FAILED: 1 of 1 runs of the tests did not come to their end", told)
        self.assertIn("FAILED: Test One that hangs began and did not end", told)
        # A run that did not finish shows even if another did.
        self.assertEqual(judged(whole()[:-1] + begun + whole()[1:])[0], 1)

    def test_a_line_that_was_lost_is_told_and_is_no_stop(self):
        status, told = judged(whole()[:-1] + ["◇ Test \"One whose line was lost\" started."] + whole()[-1:])
        self.assertEqual(status, 0, told)
        self.assertIn("a line is missing: Test One whose line was lost began and did not end", told)

    def test_a_line_behind_the_output_of_others_is_read(self):
        lines = [("a service says " + line if line.startswith(("✔ Suite", "bar R4")) else line) for line in whole()]
        self.assertEqual(judged(lines)[0], 0)

    def test_every_mutant_has_to_be_caught(self):
        lines = [line for line in whole() if not line.startswith("mutant no fence")]
        status, told = judged(lines)
        self.assertEqual(status, 1)
        self.assertIn("; not caught: no fence", told)
        self.assertEqual(judged(lines + ["mutant no fence: SURVIVED"])[0], 1)
        self.assertEqual(judged(whole(), "--with-run-mutants")[0], 1)
        caught = [f"mutant run {name}: caught" for name, _ in bars.RUN_MUTANTS]
        self.assertEqual(judged(whole() + caught, "--with-run-mutants")[0], 0)
        self.assertEqual(judged(whole() + caught[1:] + ["mutant run kill: SURVIVED"], "--with-run-mutants")[0], 1)

    def test_the_time_of_the_tests_behind_the_bars_is_told_and_held_to_where_that_is_wanted(self):
        tests = {test for bar in bars.BARS for test in bar.tests}
        # A test of two bars in a suite of one of them, a test of a nested suite, and a test of no bar.
        both = "R1: the same where the services' clock is an hour ahead and more"
        lines = [line for line in whole() if "DeadlineTests" not in line and both not in line]
        more = ["◇ Suite DeadlineTests started.", f'✔ Test "{both}" passed after 100.000 seconds.', "◇ Suite Inner started.",
                "✔ Test one() passed after 50.400 seconds.", "✔ Suite Inner passed after 50.500 seconds.",
                "✔ Suite DeadlineTests passed after 150.500 seconds.", "✔ Test another() passed after 1000.000 seconds."]
        lines[2:2] = more
        status, told = judged(lines)
        self.assertEqual(status, 0, told)
        total = round(150.4 + len(tests) - 1)
        self.assertIn(f"\nthe tests behind the bars took {total} s, most of it for 14 (150 s), 29 (101 s), ", told)
        self.assertEqual(judged(lines, "--seconds-max", str(total + 1))[0], 0)
        status, told = judged(lines, "--seconds-max", str(total - 1))
        self.assertEqual(status, 1)
        self.assertIn(f"; the short form is to take {total - 1} s at most\n", told)
        self.assertEqual(judged(["form: full", *lines[1:]], "--seconds-max", "1")[0], 0, "the long form has its time")

    def test_the_command_of_the_bars_holds_its_short_form_to_a_time_and_other_runs_tell_it(self):
        self.assertIn("--seconds-max", (ROOT / "deploy/dev/faults").read_text(encoding="utf-8"))
        self.assertNotIn("--seconds-max", (ROOT / ".ci/run").read_text(encoding="utf-8"))

    def test_smaller_forms_say_so(self):
        self.assertIn("bar 8: held (short form: 2 of 100 stops; ", judged(whole())[1])
        self.assertIn("bar 8: held (3 of 3)", judged(whole(True))[1])
        self.assertIn("bar 13: held (long form: 500 calls a second asked for", judged(whole(True))[1])


class SourceTests(unittest.TestCase):
    """Checks that the names and output that bars.py expects exist in the tests."""

    @classmethod
    def setUpClass(cls):
        cls.sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "Tests").rglob("*.swift")}
        cls.text = "\n".join(cls.sources.values())
        #: The names of suites in each file: their types, and the display names that some have.
        cls.kinds = {path: set(re.findall(r"\b(?:struct|enum|class|extension) (\w+)", text)) for path, text in cls.sources.items()}
        cls.titles = {path: set(re.findall(r'@Suite\(\s*"([^"]+)"', text)) for path, text in cls.sources.items()}

    def test_suites_and_tests_are_there_and_selected(self):
        for bar in bars.BARS:
            for suite in bar.suites:
                files = [path for path in self.sources if suite in self.kinds[path] | self.titles[path]]
                self.assertTrue(any(self.is_selected(path) for path in files), suite)
            for test in bar.tests:
                files = [path for path, text in self.sources.items() if f'"{test}' in text]
                self.assertTrue(files and all(self.is_selected(path) for path in files), test)
        for name in bars.FILTERS:
            self.assertTrue(any(self.kind(name) in kinds for kinds in self.kinds.values()), name)

    def kind(self, name):
        return re.split(r"[./]", name.removesuffix("/"))[-1]

    def is_selected(self, path):
        return any(self.kind(name) in self.kinds[path] for name in bars.FILTERS)

    def test_every_mutant_of_the_tests_is_listed(self):
        printed = set(re.findall(r"mutant ([a-zA-Z ]+): caught", self.text))
        trusted = {"trusting changes", "trusting rests"}
        self.assertIn('mutant trusting \\(changes ? "changes" : "rests"): caught', self.text)
        body = re.search(r"enum SyncMutant.*?\n}", self.in_product("enum SyncMutant"), re.DOTALL)[0]
        simulated = set()
        for names, plays, items in re.findall(r"case (\.[^:]+): \((true|false), (true|false)\)", body):
            for name in re.findall(r"\.(\w+)", names):
                simulated |= {f"{name} of plays"} if plays == "true" else set()
                simulated |= {f"{name} of items"} if items == "true" else set()
        self.assertEqual(set(bars.MUTANTS), printed | trusted | simulated)
        self.assertEqual(len(bars.MUTANTS), len(set(bars.MUTANTS)))
        self.assertGreaterEqual(len(bars.MUTANTS), 12)

    def in_product(self, what):
        return next(text for text in self.sources.values() if what in text)

    def test_smaller_forms_are_in_the_documents(self):
        table = (ROOT / "docs/reliability.md").read_text(encoding="utf-8").split("## Smaller than the bar")[1].split("\n## ")[0]
        rows = {int(number) for number in re.findall(r"^\| (\d+) ", table, re.MULTILINE)}
        self.assertEqual(rows, {bar.number for bar in bars.BARS if bar.short or bar.full or bar.elsewhere})


if __name__ == "__main__":
    unittest.main(verbosity=0)

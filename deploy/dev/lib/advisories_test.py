"""Tests advisory_rules.py on made-up faults, docs/security.md and the lists in this repository: advisories_test.py.

Makes no requests: AdvisoriesTests runs the command against an emulated OSV.
"""

import json
import re
import sys
import unittest
from datetime import date, timedelta
from pathlib import Path

sys.dont_write_bytecode = True
import advisory_rules as rules  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
PART = rules.Part("Debian:12", "glibc", "2.36-9", ("libc6", "libc-bin"))
SWIFT = rules.Part("SwiftURL", "github.com/apple/swift-nio", "2.101.2", ("swift-nio",))
TODAY = date(2026, 11, 28)


def affected(part=PART, events=(("fixed", "2.36-10"),), **more):
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}] + [{key: value} for key, value in events]}]
    return {"package": {"ecosystem": part.ecosystem, "name": part.name}, "ranges": ranges} | more


def record(**more):
    return {"id": "DEBIAN-CVE-2026-1", "published": "2026-11-01T10:00:00Z", "affected": [affected()]} | more


def vector(text, kind="CVSS_V3"):
    return [{"type": kind, "score": text}]


class Severities(unittest.TestCase):
    def test_the_days_are_those_of_the_page(self):
        page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| ([^|]+) \| (\d+) days", page.split("\n## Parts with faults\n")[1], re.M)
        self.assertEqual([int(days) for _, days in rows[:3]], [rules.URGENT, rules.HIGH, rules.OTHER])
        self.assertIn("7.0", rows[1][0])

    def test_scores_of_cvss_3(self):
        # Base scores from FIRST's examples for CVSS 3.1.
        for text, score in [
            ("AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1), ("AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1), ("AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
            ("AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2), ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
            ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8), ("AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
            ("AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 6.8), ("AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("AV:L/AC:H/PR:H/UI:R/S:C/C:N/I:N/A:N", 0.0),
        ]:
            self.assertEqual(rules.cvss3_score(rules.metrics(f"CVSS:3.1/{text}", "3.")), score, text)

    def test_days_of_what_is_told(self):
        base4 = "CVSS:4.0/AV:%s/AC:L/AT:N/PR:%s/UI:N/VC:%s/VI:N/VA:%s/SC:%s/SI:N/SA:N"
        for told, days in [
            # Anybody can exploit it, and data or availability are lost, even if it is hard and the score therefore
            # lower.
            ({"severity": vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")}, 7),
            ({"severity": vector("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H")}, 7),
            ({"severity": vector("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H")}, 7),
            ({"severity": vector("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H")}, 30),
            ({"severity": vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N")}, 90),
            ({"severity": vector(base4 % ("N", "N", "N", "H", "N"), "CVSS_V4")}, 7),
            ({"severity": vector(base4 % ("L", "N", "H", "N", "N"), "CVSS_V4")}, 30),
            ({"severity": vector(base4 % ("N", "N", "L", "L", "H"), "CVSS_V4")}, 30),
            ({"severity": vector(base4 % ("N", "N", "L", "L", "N"), "CVSS_V4")}, 90),
            # Somebody is exploiting it.
            ({"severity": vector(base4 % ("N", "N", "L", "L", "N") + "/E:A", "CVSS_V4")}, 7),
            ({"severity": vector(base4 % ("N", "N", "L", "L", "N") + "/E:P", "CVSS_V4")}, 90),
            ({"database_specific": {"severity": "CRITICAL"}}, 7),
            ({"database_specific": {"severity": "MODERATE"}}, 90),
            ({"affected": [affected(ecosystem_specific={"urgency": "high"})]}, 30),
            ({"affected": [affected(ecosystem_specific={"urgency": "unimportant"})]}, 90),
            # The strictest severity counts.
            ({"severity": vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"),
              "database_specific": {"severity": "LOW"}}, 7),
            # A missing or unreadable severity counts as high.
            ({}, 30), ({"affected": [affected(ecosystem_specific={"urgency": "not yet assigned"})]}, 30),
            ({"severity": vector("CVSS:3.1/AV:N")}, 30), ({"severity": vector("7.5")}, 30),
            ({"severity": vector("CVSS:4.0/AV:N", "CVSS_V4")}, 30), ({"severity": vector("low", "Ubuntu")}, 30),
            # Entries for another Debian release are not about this part.
            ({"affected": [affected(PART._replace(ecosystem="Debian:13"), ecosystem_specific={"urgency": "low"})]}, 30),
        ]:
            self.assertEqual(rules.weigh(record(**told), PART)[0], days, told)


class Judgements(unittest.TestCase):
    def judge(self, today=TODAY, accepted=(), part=PART, **more):
        return rules.judge(part, record(**more), list(accepted), today)

    def test_the_day_itself_is_within_the_time(self):
        # Published on 1 November, with thirty days to replace it.
        self.assertEqual(self.judge(today=date(2026, 12, 1)).due, date(2026, 12, 1))
        self.assertEqual(self.judge(today=date(2026, 12, 1)).state, "open")
        self.assertEqual(self.judge(today=date(2026, 12, 2)).state, "past")

    def test_versions_that_mend(self):
        self.assertEqual(self.judge().mended, ("2.36-10",))
        unmended = self.judge(affected=[affected(events=())])
        self.assertEqual((unmended.mended, unmended.due, unmended.state), ((), None, "waiting"))
        last = self.judge(affected=[affected(events=(("last_affected", "2.36-9"),))])
        self.assertEqual(last.mended, ("later than 2.36-9",))
        # A record that does not mention the part does not say that there is no fix either.
        silent = self.judge(affected=[affected(SWIFT)], today=date(2027, 1, 1))
        self.assertEqual((silent.mended, silent.state), (None, "past"))

    def test_packages_of_swift_by_any_way_of_writing_their_address(self):
        for name in ["github.com/apple/swift-nio", "https://github.com/apple/swift-nio.git", "github.com/Apple/swift-nio"]:
            told = [affected(SWIFT._replace(name=name), events=(("fixed", "2.102.0"),))]
            self.assertEqual(self.judge(part=SWIFT, affected=told).mended, ("2.102.0",))

    def test_what_was_withdrawn_is_nothing(self):
        self.assertIsNone(self.judge(withdrawn="2026-11-03T00:00:00Z"))

    def test_acceptances(self):
        def accept(id_, part="glibc", until=TODAY):
            return rules.Acceptance(id_, part, "reason", until)

        late = {"today": TODAY, "published": "2026-01-01"}
        self.assertEqual(self.judge(**late).state, "past")
        for id_, more in [
            ("DEBIAN-CVE-2026-1", {}), ("CVE-2026-1", {"aliases": ["CVE-2026-1"]}),
            ("CVE-2026-1", {"upstream": ["CVE-2026-1"]}),
        ]:
            self.assertEqual(self.judge(accepted=[accept(id_)], **late, **more).state, "accepted")
        for part in PART.names:
            self.assertEqual(self.judge(accepted=[accept("DEBIAN-CVE-2026-1", part)], **late).state, "accepted")
        self.assertEqual(self.judge(accepted=[accept("DEBIAN-CVE-2026-1", "zlib")], **late).state, "past")
        over = self.judge(accepted=[accept("DEBIAN-CVE-2026-1", until=TODAY - timedelta(days=1))], **late)
        self.assertEqual((over.state, over.expired), ("past", True))
        # A notice about two faults needs two acceptances, and is accepted until the earlier one expires.
        notice = {"id": "DSA-1-1", "upstream": ["CVE-2026-1", "CVE-2026-2"]}
        one, two = accept("CVE-2026-1"), accept("CVE-2026-2")
        self.assertEqual(self.judge(accepted=[one], **late, **notice).state, "past")
        self.assertEqual(self.judge(accepted=[one, two], **late, **notice).state, "accepted")
        twice = notice | {"upstream": ["CVE-2026-1", "DEBIAN-CVE-2026-1"]}
        for item in [one, accept("DEBIAN-CVE-2026-1")]:
            self.assertEqual(self.judge(accepted=[item], **late, **twice).state, "accepted")
        ended = two._replace(until=TODAY - timedelta(days=1))
        self.assertEqual(self.judge(accepted=[one, ended], **late, **notice).state, "past")

    def test_a_line_shows_nothing_that_a_terminal_runs(self):
        told = rules.line(self.judge(affected=[affected(events=(("fixed", "2\x1b[2J"),))]))
        self.assertIn("mended by 2?[2J", told)
        self.assertTrue(told.isprintable())


class Lists(unittest.TestCase):
    def test_the_lists_that_are_kept_can_be_read(self):
        components = json.loads((ROOT / "deploy/sbom.json").read_text(encoding="utf-8"))
        parts = rules.parts_of(components)
        self.assertEqual(sum(len(part.names) for part in parts), len(components["components"]))
        self.assertEqual({part.ecosystem for part in parts}, {"SwiftURL", "Debian:12"})
        # Debian's faults are for source packages, whose versions have no build numbers.
        named = {part.name: part for part in parts}
        self.assertIn("libssl3", named["openssl"].names)
        self.assertFalse([part for part in parts if part.ecosystem != "SwiftURL" and "+b" in part.version])
        accepted = json.loads((ROOT / "deploy/advisories-accepted.json").read_text(encoding="utf-8"))
        rules.acceptances_of(accepted, date.today())

    def test_no_part_is_left_out(self):
        for place in ["pkg:pypi/a@1", "pkg:swift/github.com/a/b", "pkg:deb/debian/libc6@1?distro=debian-12", ""]:
            with self.assertRaises(ValueError):
                rules.parts_of({"components": [{"purl": place}]})
        with self.assertRaises(ValueError):
            rules.parts_of({"components": []})

    def test_acceptances_that_are_refused(self):
        whole = {"id": "CVE-2026-1", "part": "glibc", "reason": "why", "until": "2026-12-31"}
        self.assertEqual(len(rules.acceptances_of({"accepted": [whole]}, TODAY)), 1)
        for fault in [
            {"reason": " "}, {"reason": 1}, {"id": "a b"}, {"id": ""}, {"part": ""}, {"until": "soon"}, {"until": None},
            {"until": "2028-01-01"}, {"more": "1"},
        ]:
            with self.assertRaises(ValueError, msg=fault):
                rules.acceptances_of({"accepted": [whole | fault]}, TODAY)


if __name__ == "__main__":
    unittest.main()

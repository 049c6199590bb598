"""Rules for published faults of parts: how long one may stay, whether its deadline has passed, and what was accepted.

Pure: asks and reads nothing; the day is a parameter. Raises ValueError, with an explanation, for malformed input.
"""

import re
from datetime import date, timedelta
from typing import NamedTuple, Optional
from urllib.parse import unquote

#: Days within which a part must be replaced, as in docs/security.md.
URGENT, HIGH, OTHER = 7, 30, 90
#: An acceptance must be reviewed at least this often.
ACCEPTED_DAYS_MAX = 366
#: An id that is safe in URLs and output.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")

#: Severities of GitHub's advisories and urgencies of Debian. Others ("not yet assigned", "end-of-life") are ignored.
WORDS = {"critical": URGENT, "high": HIGH, "moderate": OTHER, "medium": OTHER, "low": OTHER, "unimportant": OTHER}
#: Weights of CVSS 3.1 (7.4); privileges weigh more if the scope changes.
WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}, "AC": {"L": 0.77, "H": 0.44}, "UI": {"N": 0.85, "R": 0.62},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"H": 0.56, "L": 0.22, "N": 0}, "I": {"H": 0.56, "L": 0.22, "N": 0},
    "A": {"H": 0.56, "L": 0.22, "N": 0}, "S": {"U": 0, "C": 1},
}
CHANGED_RIGHTS = {"N": 0.85, "L": 0.68, "H": 0.5}


class Part(NamedTuple):
    #: OSV's name for it; for Debian the source package, and its version.
    ecosystem: str
    name: str
    version: str
    #: Its names in the list of parts.
    names: tuple


class Acceptance(NamedTuple):
    id: str
    part: str
    reason: str
    until: date


class Fault(NamedTuple):
    part: Part
    id: str
    #: The severity in words, and the days that it allows.
    severity: str
    days: int
    published: date
    #: Fixed versions; None if the record does not say, empty if there are none.
    mended: Optional[tuple]
    #: past, open, waiting or accepted.
    state: str
    #: The day by which the part must be replaced; None if there is no fixed version.
    due: Optional[date]
    #: The acceptances that apply to it, or did until they expired.
    acceptances: tuple
    expired: bool


def shown(text, length=80):
    """Returns untrusted text, made safe for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:length])


def wanted(value, kind, what):
    """Returns the value if it is of the kind and not an empty string; raises ValueError otherwise."""
    if not isinstance(value, kind) or value == "":
        raise ValueError(f"{what}: {kind.__name__} was expected, not {shown(repr(value))}")
    return value


def day(text, what):
    try:
        return date.fromisoformat(wanted(text, str, what)[:10])
    except ValueError:
        raise ValueError(f"{what}: a day was expected, not {shown(text)}") from None


# The list of parts


def parts_of(document):
    """Returns the parts of a CycloneDX document, each once. Raises ValueError rather than leave a component out."""
    grouped = {}
    for component in wanted(wanted(document, dict, "the list of parts").get("components"), list, "components"):
        place = wanted(wanted(component, dict, "a component").get("purl"), str, "purl")
        match = re.fullmatch(r"pkg:(swift|deb/debian)/([^@?]+)@([^?]+)(?:\?(.*))?", place)
        if not match:
            raise ValueError(f"{shown(place)}: neither a Swift package nor one of Debian")
        kind, name, version, rest = match.groups()
        name, version, own = unquote(name), unquote(version), name.split("/")[-1]
        if kind == "swift":
            ecosystem = "SwiftURL"
        else:
            release = re.search(r"(?:^|&)distro=debian-(\d+)", rest or "")
            told = {item["name"]: item["value"] for item in component.get("properties", [])}
            name, version = told.get("reelay:source"), told.get("reelay:source-version")
            if not (release and name and version):
                raise ValueError(f"{shown(place)}: does not say of which source package it is; deploy/dev/sbom does")
            ecosystem = f"Debian:{release[1]}"
        grouped.setdefault((ecosystem, name, version), []).append(own)
    if not grouped:
        raise ValueError("the list of parts is empty")
    return [Part(*key, tuple(names)) for key, names in grouped.items()]


# How severe a fault is


def metrics(vector, version):
    """Returns the metrics of a CVSS vector, or None if it is malformed or of another version."""
    head, *pairs = vector.split("/")
    if not head.startswith(f"CVSS:{version}"):
        return None
    told = dict(pair.split(":", 1) for pair in pairs if ":" in pair)
    return told if len(told) == len(pairs) else None


def cvss3_score(told):
    """Returns the base score of CVSS 3.1 for the metrics. Raises KeyError if one is missing or unknown."""
    weight = {name: values[told[name]] for name, values in WEIGHTS.items()}
    changed = told["S"] == "C"
    rights = CHANGED_RIGHTS[told["PR"]] if changed else weight["PR"]
    loss = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    total = impact + 8.22 * weight["AV"] * weight["AC"] * rights * weight["UI"]
    # Rounded up to a tenth, with integers, as appendix A of the specification requires.
    hundred_thousandths = round(min(1.08 * total if changed else total, 10) * 100_000)
    return -(-hundred_thousandths // 10_000) / 10


def cvss3_days(vector):
    """Returns the days that a CVSS 3 vector allows, and its score in words."""
    told = metrics(vector, "3.")
    try:
        score = cvss3_score(told or {})
    except KeyError:
        return HIGH, "a CVSS vector that cannot be read"
    # Exploitable over the network without privileges or user interaction: the first row of the table.
    reached = told["AV"] == "N" and told["PR"] == "N" and told["UI"] == "N"
    led = "H" in (told["C"], told["I"], told["A"])
    days = URGENT if score >= 9 or (reached and led) else HIGH if score >= 7 else OTHER
    return days, f"CVSS {score:.1f}"


def cvss4_days(vector):
    """The same for CVSS 4, whose scores come from a table of 270 rows: without a high impact no score reaches 7.0, and
    any high impact counts as high severity, even if the score is lower."""
    told = metrics(vector, "4.") or {}
    own, others = [told.get(name) for name in ("VC", "VI", "VA")], [told.get(name) for name in ("SC", "SI", "SA")]
    reach = [told.get(name) for name in ("AV", "PR", "UI")]
    if None in own + others + reach:
        return HIGH, "a CVSS vector that cannot be read"
    if told.get("E") == "A":
        return URGENT, "CVSS 4, attacked"
    if reach == ["N", "N", "N"] and "H" in own:
        return URGENT, "CVSS 4 for anybody, high impact"
    if "H" in own + others:
        return HIGH, "CVSS 4, high impact"
    return OTHER, "CVSS 4, low impact"


def plain(name):
    """Returns the name of a package without the scheme and suffix of a Git URL."""
    return re.sub(r"^https?://|\.git$", "", name).lower()


def filed_under(part):
    """Returns the ecosystems and names under which OSV files faults of a part, spelled as it must be asked. It has some
    of Swift packages under the bare name instead of the address (google/osv.dev, issue 5191), and those that GitHub has
    not reviewed only under the repository."""
    if part.ecosystem != "SwiftURL":
        return [(part.ecosystem, part.name)]
    return [*dict.fromkeys((part.ecosystem, name) for name in (part.name, *part.names)),
            ("GIT", f"https://{part.name}.git")]


def affected_of(record, part):
    """Returns the entries of a record that are about the part itself."""
    found, names = [], {(ecosystem, plain(name)) for ecosystem, name in filed_under(part)}
    for affected in wanted(record.get("affected", []), list, "affected"):
        package = wanted(affected, dict, "affected").get("package")
        if not isinstance(package, dict):
            continue
        if (package.get("ecosystem"), plain(str(package.get("name")))) in names:
            found.append(affected)
    return found


def weigh(record, part):
    """Returns within how many days the part must be replaced, and why: the strictest of the given severities, or high
    if there are none."""
    found, marks = affected_of(record, part), []
    for holder in [record, *found]:
        for severity in wanted(holder.get("severity") or [], list, "severity"):
            kind, score = wanted(severity, dict, "severity").get("type"), str(severity.get("score"))
            if kind == "CVSS_V3":
                marks.append(cvss3_days(score))
            elif kind == "CVSS_V4":
                marks.append(cvss4_days(score))
        for told in (holder.get("database_specific"), holder.get("ecosystem_specific")):
            for key in ("severity", "urgency"):
                word = told.get(key) if isinstance(told, dict) else None
                if isinstance(word, str) and word.lower() in WORDS:
                    marks.append((WORDS[word.lower()], word.lower()))
    return min(marks, key=lambda mark: mark[0]) if marks else (HIGH, "severity not told")


def mended_by(record, part):
    """Returns the fixed versions: empty if the record has none, None if it does not mention the part."""
    found = affected_of(record, part)
    if not found:
        return None
    versions = []
    for affected in found:
        for extent in wanted(affected.get("ranges") or [], list, "ranges"):
            if wanted(extent, dict, "ranges").get("type") == "GIT":
                continue
            for event in wanted(extent.get("events") or [], list, "events"):
                if "fixed" in wanted(event, dict, "events"):
                    versions.append(shown(event["fixed"]))
                elif "last_affected" in event:
                    versions.append(f"later than {shown(event['last_affected'])}")
    return tuple(dict.fromkeys(versions))


# What was accepted


def acceptances_of(document, today):
    """Returns the acceptances in a file. Raises ValueError for one that is incomplete or too long."""
    if set(wanted(document, dict, "the acceptances")) != {"accepted"}:
        raise ValueError("the acceptances: one member was expected, accepted")
    result = []
    for item in wanted(document["accepted"], list, "accepted"):
        if set(wanted(item, dict, "an acceptance")) != {"id", "part", "reason", "until"}:
            raise ValueError(f"an acceptance has id, part, reason and until: {shown(item)}")
        what = f"acceptance of {shown(item['id'])}"
        until = day(item["until"], what)
        if until > today + timedelta(days=ACCEPTED_DAYS_MAX):
            raise ValueError(f"{what}: at most {ACCEPTED_DAYS_MAX} days from now, not until {until}")
        result.append(Acceptance(
            *(wanted(item[name], str, what).strip() for name in ("id", "part", "reason")), until))
    for acceptance in result:
        if not (acceptance.reason and ID.fullmatch(acceptance.id)):
            raise ValueError(f"acceptance of {shown(acceptance.id)}: an id and a reason were expected")
    return result


def accepted_by(record, part, acceptances):
    """Returns the acceptances that together cover a record: one for its id or an alias, or, if it is a Debian notice
    about several faults, one for each of them."""
    by_id = {item.id: item for item in acceptances if item.part in (part.name, *part.names)}
    for name in [record["id"], *wanted(record.get("aliases") or [], list, "aliases")]:
        if name in by_id:
            return [by_id[name]]
    # Debian tells each fault twice, once as its own record of it.
    about = {str(name).removeprefix("DEBIAN-") for name in wanted(record.get("upstream") or [], list, "upstream")}
    by_fault = {id_.removeprefix("DEBIAN-"): item for id_, item in by_id.items()}
    return [by_fault[name] for name in sorted(about)] if about and all(name in by_fault for name in about) else []


# What follows


def judge(part, record, acceptances, today):
    """Returns what a record means for a part on a day; None if it was withdrawn."""
    id_ = wanted(wanted(record, dict, "a record").get("id"), str, "id")
    if record.get("withdrawn"):
        return None
    days, severity = weigh(record, part)
    mended = mended_by(record, part)
    published = day(record.get("published") or record.get("modified"), f"{shown(id_)}: published")
    # OSV does not say when the fixed version appeared; it was hardly before the fault was published.
    due = None if mended == () else published + timedelta(days=days)
    accepted = tuple(accepted_by(record, part, acceptances))
    expired = any(item.until < today for item in accepted)
    if accepted and not expired:
        state = "accepted"
    elif due is None:
        state = "waiting"
    else:
        state = "past" if due < today else "open"
    return Fault(part, id_, severity, days, published, mended, state, due, accepted, expired)


def line(fault):
    """Returns a fault as one line."""
    part = fault.part
    names = ", ".join(name for name in part.names if name != part.name)
    mended = {None: "mended by: not told", (): "no version without it yet"}.get(
        fault.mended, f"mended by {', '.join(fault.mended or ())}")
    due = f"until {fault.due}" if fault.due else "until there is one"
    words = [
        fault.state.upper() if fault.state == "past" else fault.state,
        f"{part.name}{f' ({names})' if names and part.ecosystem != 'SwiftURL' else ''} {part.version}", fault.id,
        f"{fault.severity}: {fault.days} days", f"published {fault.published}", due, mended]
    if fault.acceptances:
        first = min(fault.acceptances, key=lambda item: item.until)
        over = "was accepted until" if fault.expired else "accepted until"
        words.append(f"{over} {first.until}: {shown(first.reason, 200)}")
    return "  ".join(words)

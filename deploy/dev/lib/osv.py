"""Asks OSV, through version 1 of its API (google.github.io/osv.dev), for the faults of parts and their records.

Requests, responses, pages, retries and the whole run are bounded. Raises Unasked, which names what could not be asked.
"""

import http.client
import json
import signal
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import advisory_rules as rules

BATCH_MAX = 100
PAGES_MAX = 50
FAULTS_MAX = 5_000
BODY_BYTES_MAX = 32 * 1024 * 1024
ATTEMPTS_MAX = 4
#: The longest wait for a byte, and for all requests together.
SILENCE_SECONDS_MAX = 20
ALL_SECONDS_MAX = 900


class Unasked(Exception):
    """What could not be asked, and why."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class OSV:
    def __init__(self, base, pause_seconds=1.0, all_seconds_max=ALL_SECONDS_MAX):
        """Pauses for `pause_seconds` before the second attempt, and twice as long before each further one."""
        place = urlsplit(base)
        if place.scheme != "https" and (place.scheme, place.hostname) not in (("http", "127.0.0.1"), ("http", "::1")):
            raise Unasked(f"{rules.shown(base)}: https was expected, or http on this machine")
        self.base = base.rstrip("/")
        self.pause_seconds = pause_seconds
        self.all_seconds_max = all_seconds_max
        self.opener = urllib.request.build_opener(NoRedirects)
        self.asking = "the beginning"

    def __enter__(self):
        def over(*_):
            raise Unasked(f"{self.asking}: all together took more than {self.all_seconds_max} s")

        # With a signal, since no timeout of a single read ends a response that comes a byte at a time. Our parent may
        # have blocked it.
        signal.signal(signal.SIGALRM, over)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, self.all_seconds_max)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)

    def once(self, path, body):
        request = urllib.request.Request(self.base + path, headers={
            "Accept": "application/json", "Content-Type": "application/json", "User-Agent": "reelay-advisories"})
        if body is not None:
            request.data = json.dumps(body).encode()
        with self.opener.open(request, timeout=SILENCE_SECONDS_MAX) as answer:
            data = answer.read(BODY_BYTES_MAX + 1)
        if len(data) > BODY_BYTES_MAX:
            raise Unasked(f"{self.asking}: the answer has more than {BODY_BYTES_MAX} bytes")
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            raise Unasked(f"{self.asking}: the answer is no JSON") from None
        if not isinstance(document, dict):
            raise Unasked(f"{self.asking}: the answer is no object")
        return document

    def ask(self, path, body, what):
        """Returns the response to a request; retries faults that may pass."""
        self.asking = what
        for attempt in range(1, ATTEMPTS_MAX + 1):
            if attempt > 1:
                time.sleep(self.pause_seconds * 2 ** (attempt - 2))
            try:
                return self.once(path, body)
            except urllib.error.HTTPError as error:
                reason = f"status {error.code}"
                error.close()
                if error.code not in (408, 429) and error.code < 500:
                    raise Unasked(f"{what}: {reason}") from None
            except (OSError, http.client.HTTPException) as error:
                reason = rules.shown(getattr(error, "reason", None) or error or type(error).__name__, 200)
        raise Unasked(f"{what}: {reason}, {ATTEMPTS_MAX} times")

    def ids(self, parts):
        """Returns the ids of the faults of each part, in the order of the list."""
        found = [set() for _ in parts]
        asked = [(index, *place) for index, part in enumerate(parts) for place in rules.filed_under(part)]
        for begin in range(0, len(asked), BATCH_MAX):
            waiting = dict.fromkeys(asked[begin:begin + BATCH_MAX])
            for _ in range(PAGES_MAX):
                if waiting:
                    waiting = self.page(parts, waiting, found)
            if waiting:
                raise Unasked(f"{self.asking}: more than {PAGES_MAX} pages")
        if sum(map(len, found)) > FAULTS_MAX:
            raise Unasked(f"more than {FAULTS_MAX} faults are told of")
        return found

    def page(self, parts, waiting, found):
        """Asks for the next page of each waiting question, and returns those that have a further page."""
        queries = []
        for (index, ecosystem, name), token in waiting.items():
            query = {"package": {"ecosystem": ecosystem, "name": name}, "version": parts[index].version}
            queries.append(query if token is None else query | {"page_token": token})
        named = dict.fromkeys(f"{parts[index].name} {parts[index].version}" for index, _, _ in waiting)
        what = "faults of " + ", ".join(named)
        results = self.ask("/v1/querybatch", {"queries": queries}, what).get("results")
        if not isinstance(results, list) or len(results) != len(queries):
            raise Unasked(f"{what}: the answer has not a result for each")
        further = {}
        for question, result in zip(waiting, results):
            try:
                for fault in rules.wanted(rules.wanted(result, dict, "result").get("vulns", []), list, "vulns"):
                    id_ = rules.wanted(rules.wanted(fault, dict, "vulns").get("id"), str, "id")
                    if not rules.ID.fullmatch(id_):
                        raise ValueError(f"an id was expected, not {rules.shown(id_)}")
                    found[question[0]].add(id_)
                token = result.get("next_page_token") or None
                if token is not None:
                    further[question] = rules.wanted(token, str, "next_page_token")
            except ValueError as error:
                raise Unasked(f"faults of {parts[question[0]].name}: {error}") from None
        return further

    def record(self, id_, part):
        """Returns the full record of a fault."""
        what = f"{id_} of {part.name} {part.version}"
        record = self.ask(f"/v1/vulns/{id_}", None, what)
        if record.get("id") != id_:
            raise Unasked(f"{what}: the answer is about another one")
        return record

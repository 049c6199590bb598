"""Loads a server with h2load: checked responses, calls a second, processor time per call."""

import os
import re

from measure import Trouble, cores, on_core, run, seconds, setting

# The number of connections; calls in flight are per connection.
CONNECTIONS = 4
# The same call context for every side: a deadline and a trace, as real callers send them.
TRACE = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Target:
    """A server under h2load: its URL, the request, and the length of the correct response."""

    def __init__(self, name, server, url, body_path, headers):
        self.name = name
        self.server = server
        self.url = url
        self.body_path = body_path
        self.headers = headers
        self.answer_bytes = 0

    def check(self, wanted):
        """Sends the request once and records the length of the response, which must contain the given bytes."""
        answer_path = os.path.join(setting("BENCH_WORK"), f"{self.name}.answer")
        command = ["curl", "-sS", "--max-time", "10", "--http2-prior-knowledge", "--data-binary", f"@{self.body_path}"]
        for header in self.headers:
            command += ["-H", header]
        run([*command, "-o", answer_path, self.url])
        with open(answer_path, "rb") as file:
            answer = file.read()
        if wanted not in answer:
            raise Trouble(f"{self.name} answered {answer[:300]!r}, which lacks {wanted!r}")
        self.answer_bytes = len(answer)

    def load(self, in_flight, core, how):
        command = ["h2load", "-t", "1", "-c", str(CONNECTIONS), "-m", str(in_flight), "-d", self.body_path, *how]
        for header in self.headers:
            command += ["-H", header]
        return run(on_core(core, [*command, self.url]))

    def measure(self, in_flight):
        """Loads the server for about the given time; returns calls a second and processor microseconds per call."""
        core, _ = cores()
        warm = self.load(in_flight, core, ["-D", "1"])
        calls = max(int(_number(r"finished in .*?, ([\d.]+) req/s", warm) * seconds()), CONNECTIONS * in_flight)
        before = self.server.cpu_seconds()
        told = self.load(in_flight, core, ["-n", str(calls)])
        spent = self.server.cpu_seconds() - before
        if _number(r"(\d+) succeeded", told) != calls:
            raise Trouble(f"{self.name}: not every call succeeded:\n{told}")
        # h2load counts a failed call as a success if the protocol reports failure in the body or the trailers.
        per_answer = _number(r"\((\d+)\) data", told) / calls
        if abs(per_answer - self.answer_bytes) > 0.03 * self.answer_bytes:
            raise Trouble(f"{self.name}: answers have {per_answer} bytes, the checked one has {self.answer_bytes}")
        return _number(r"finished in .*?, ([\d.]+) req/s", told), spent / calls * 1e6


def _number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise Trouble(f"h2load did not print {pattern}:\n{text}")
    return float(found.group(1))

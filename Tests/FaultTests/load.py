"""Makes calls to a gateway at a steady pace and keeps a journal of every one of them.

Reads a line of JSON from standard input: base (http://host:port), token, titles, threads, callsPerSecond, writes,
journal, others (further gateways), reads (paths to read in turn, with {title} in the place of a title). Runs until
standard input ends, then writes a line per call to the journal, fields separated by tabs: begin (milliseconds of the
wall clock), duration (milliseconds), method, title, value, status, code. Each title belongs to one thread, so that what
was written last is known. Status 0: no answer came. Where there are several gateways a call that found nobody, or a
connection that ended without a byte of an answer, goes to another one, as a balancer in front of them would do it.
"""

import http.client
import json
import sys
import threading
import time

TIMEOUT_SECONDS = 40
plan = json.loads(sys.stdin.readline())
gateways = [base.removeprefix("http://").split(":") for base in [plan["base"]] + plan.get("others", [])]
reads = plan.get("reads") or ["/movies/{title}/rate"]
over = threading.Event()


class Caller(threading.Thread):
    """One connection to each gateway; calls in turn, at its share of the pace."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.titles = plan["titles"][number :: plan["threads"]]
        self.number = number
        self.lines = []
        self.connections = [None] * len(gateways)
        self.turn = number

    def run(self):
        pause = plan["threads"] / plan["callsPerSecond"]
        due = time.monotonic() + pause * self.number / plan["threads"]
        count = 0
        while not over.wait(max(0, due - time.monotonic())):
            title = self.titles[count // 2 % len(self.titles)]
            is_write = plan["writes"] and count % 2 == 0
            # Never the same value twice in a row for one title.
            value = f"{(count // 2 // len(self.titles) * 7 + self.number) % 95 / 10 + 0.5:.1f}" if is_write else ""
            path = "/movies/{title}/rate" if is_write else reads[count % len(reads)]
            self.call("POST" if is_write else "GET", path, title, value)
            count += 1
            # What was missed while a call waited is not made up for.
            due = max(due + pause, time.monotonic() - pause)

    def call(self, method, path, title, value):
        begin, started = time.time(), time.monotonic()
        status, code = 0, ""
        for attempt in range(len(gateways)):
            self.turn = (self.turn + 1) % len(gateways)
            try:
                status, text = self.ask(self.turn, method, path.replace("{title}", title), value)
                code = ""
                if status >= 400:
                    code = json.loads(text).get("code", "")
                elif not value and path.endswith("/rate"):
                    value = str(json.loads(text)["rating"])
                break
            except (OSError, http.client.HTTPException, ValueError, KeyError) as fault:
                code = type(fault).__name__
                if self.connections[self.turn] is not None:
                    self.connections[self.turn].close()
                self.connections[self.turn] = None
                # Refused, ended or broken before a byte of an answer came.
                if not isinstance(fault, ConnectionError):
                    break
        duration = (time.monotonic() - started) * 1000
        self.lines.append(f"{begin * 1000:.1f}\t{duration:.1f}\t{method}\t{title}\t{value}\t{status}\t{code}\n")

    def ask(self, place, method, path, value):
        if self.connections[place] is None:
            host, port = gateways[place]
            self.connections[place] = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
        headers = {"authorization": "Bearer " + plan["token"]}
        body = None
        if value:
            headers["content-type"] = "application/json"
            body = f'{{"rating":{value}}}'
        self.connections[place].request(method, "/api/v1" + path, body, headers)
        answer = self.connections[place].getresponse()
        return answer.status, answer.read()


callers = [Caller(number) for number in range(plan["threads"])]
for caller in callers:
    caller.start()
sys.stdin.read()
over.set()
for caller in callers:
    caller.join(TIMEOUT_SECONDS + 5)
with open(plan["journal"], "w", encoding="utf-8") as journal:
    for caller in callers:
        journal.writelines(caller.lines)

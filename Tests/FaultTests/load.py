"""Steady load on the public API by a client that shares no code with the product.

Reads one JSON object from the first line of its input: base, token, titles, threads, callsPerSecond, writes, journal.
Calls until its input ends. Every call becomes one line of the journal, with tabs between:
begin (milliseconds of the wall clock), duration (milliseconds), method, title, value, status, code.
Each title belongs to one thread, so that what was written last is known. Status 0: no answer came.
"""

import http.client
import json
import sys
import threading
import time

TIMEOUT_SECONDS = 40
plan = json.loads(sys.stdin.readline())
host, port = plan["base"].removeprefix("http://").split(":")
over = threading.Event()


class Caller(threading.Thread):
    """One connection that calls in turn, at its share of the pace."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.titles = plan["titles"][number :: plan["threads"]]
        self.number = number
        self.lines = []
        self.connection = None

    def run(self):
        pause = plan["threads"] / plan["callsPerSecond"]
        due = time.monotonic() + pause * self.number / plan["threads"]
        count = 0
        while not over.wait(max(0, due - time.monotonic())):
            title = self.titles[count // 2 % len(self.titles)]
            is_write = plan["writes"] and count % 2 == 0
            # Never the same value twice in a row for one title.
            value = f"{(count // 2 // len(self.titles) * 7 + self.number) % 95 / 10 + 0.5:.1f}" if is_write else ""
            self.call("POST" if is_write else "GET", title, value)
            count += 1
            # What was missed while a call waited is not made up for.
            due = max(due + pause, time.monotonic() - pause)

    def call(self, method, title, value):
        begin, started = time.time(), time.monotonic()
        status, code = 0, ""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
            headers = {"authorization": "Bearer " + plan["token"]}
            body = None
            if value:
                headers["content-type"] = "application/json"
                body = f'{{"rating":{value}}}'
            self.connection.request(method, f"/api/v1/movies/{title}/rate", body, headers)
            answer = self.connection.getresponse()
            status, text = answer.status, answer.read()
            if status >= 400:
                code = json.loads(text).get("code", "")
            elif not value:
                value = str(json.loads(text)["rating"])
        except (OSError, http.client.HTTPException, ValueError, KeyError) as fault:
            code = type(fault).__name__
            self.connection.close()
            self.connection = None
        duration = (time.monotonic() - started) * 1000
        self.lines.append(f"{begin * 1000:.1f}\t{duration:.1f}\t{method}\t{title}\t{value}\t{status}\t{code}\n")


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

"""sync: planning for a person with 100,000 items, and the calls of a sync with the emulated Trakt, against bounds."""

import http.client
import json
import os
import time
import urllib.parse

from enrich_family import get, psql
from import_family import Gateway
from measure import Trouble, figure, note, result, rounds, run, setting
from services import NAMES, start, start_upstreams

PLAN_MAX_MS, PLAN_MAX_MB = 300, 200
# One call finds out whether anything has changed, as in Trakt's own client.
NOOP_CALLS = 1
ONE_CALLS_MAX = 3
# Films in the Trakt account: more than one page.
RATINGS = 300
PAGE_ROWS = 250
PATIENCE_SECONDS = 60


def run_family():
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-queue")
    taken = json.loads(run([program, "-", "-", "plan", str(rounds())]))
    result("sync.plan", taken["first_ms"], PLAN_MAX_MS, "less")
    result("sync.plan.memory", taken["peak_mb"], PLAN_MAX_MB, "less")
    note(f"sync.plan, ms: first contact {figure(taken['first_ms'])}, one in a hundred changed {figure(taken['later_ms'])}")
    callback = f"http://127.0.0.1:{setting('BENCH_PORT_gateway')}/oauth/trakt/callback"
    upstreams = start_upstreams("--trakt-redirect", callback)
    servers = [start(name, changes={"REELAY_REFRESH": "false"} if name == "metadata" else None) for name in NAMES]
    calls(Account("demo-bench"))
    for server in [*reversed(servers), upstreams]:
        server.stop()


def calls(account):
    """Counts calls in the emulated Trakt's own log."""
    account.connect()
    account.there("/sync/ratings", {"movies": [{"ids": {"trakt": 60_000 + n}, "rating": n % 10 + 1} for n in range(RATINGS)]})
    film = account.gateway.ask("POST", "/movies/resolve", json.dumps({"ids": {"imdb": "tt9100001"}, "name": "A film"}))["id"]
    found, _ = account.sync()
    if found["changes_here"] != RATINGS or found["failed"]:
        raise Trouble(f"the first sync ended with {found}")
    account.settle()
    _, idle = account.sync()
    result("sync.noop", len(idle), NOOP_CALLS, "less")
    note(f"sync.noop: {', '.join(idle)}")

    account.gateway.ask("POST", f"/movies/{film}/rate", json.dumps({"rating": 8}))
    found, here = account.sync()
    if found["done"] != 1:
        raise Trouble(f"a rating here ended with {found}")
    result("sync.one", len(here), ONE_CALLS_MAX, "less")
    note(f"sync.one, changed here: {', '.join(here)}")
    account.settle()

    account.there("/sync/ratings", {"movies": [{"ids": {"trakt": 60_000}, "rating": 9}]})
    found, there = account.sync()
    if found["changes_here"] != 1:
        raise Trouble(f"a rating there ended with {found}")
    pages = -(-(RATINGS + 1) // PAGE_ROWS)
    result("sync.one.there", len(there), 1 + pages, "less")
    note(f"sync.one, changed there, {pages} pages of that type: {', '.join(there)}")


class Account:
    """A person here and their Trakt account."""

    def __init__(self, name):
        self.name = name
        self.gateway = Gateway(int(setting("BENCH_PORT_gateway")))
        self.upstreams = int(setting("BENCH_PORT_upstreams"))

    def connect(self):
        self.gateway.register("bench-sync")
        address = urllib.parse.urlsplit(self.gateway.ask("POST", "/scrobbling/trakt/connect")["authorize_url"])
        browser = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        browser.request("GET", f"{address.path}?{address.query}&as={self.name}", headers={"User-Agent": "a browser"})
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(browser.getresponse().getheader("location")).query)
        outcome = self.gateway.ask(
            "POST", "/scrobbling/trakt/complete", json.dumps({"code": back["code"][0], "state": back["state"][0]}))
        if outcome["result"] != "connected":
            raise Trouble(f"connecting ended with {outcome}")
        facets = [{"facet": facet, "direction": "both", "conflicts": "ask", "deletes": True}
                  for facet in ("history", "ratings", "watchlist", "collection", "progress")]
        self.gateway.ask("PATCH", "/scrobbling/connections/trakt", json.dumps({"enabled": True, "facets": facets}))

    def there(self, path, body):
        """Changes something in the Trakt account; Trakt accepts one write a second."""
        time.sleep(1.1)
        connection = http.client.HTTPConnection("127.0.0.1", self.upstreams, timeout=10)
        connection.request("POST", "/trakt" + path, json.dumps(body), {
            "Authorization": f"Bearer {self.name}", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
            "Content-Type": "application/json", "User-Agent": "a browser"})
        answer = connection.getresponse()
        if answer.status >= 300:
            raise Trouble(f"{path} answered {answer.status}")

    def sync(self):
        """Syncs until everything is delivered; returns the outcome and the calls that it took."""
        before = self.book()
        last = before[-1]["sequence"] if before else 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked = self.gateway.ask("POST", "/scrobbling/trakt/sync")
        while time.monotonic() < deadline:
            found = self.gateway.ask("GET", f"/scrobbling/runs/{asked['run']}")["runs"][0]
            if found["state"] in ("done", "held", "failed") and found["waiting"] == 0:
                return found, [f"{call['method']} {call['path']}" for call in self.book(last)]
            time.sleep(0.05)
        raise Trouble(f"the sync does not end: {found}")

    def book(self, after=0):
        """Returns the calls about accounts; metadata calls Trakt too."""
        entries = get(f"http://127.0.0.1:{self.upstreams}/control/book?provider=trakt&after={after}")["entries"]
        return [call for call in entries if any(field["name"] == "authorization" for field in call["headers"])]

    def settle(self):
        """Skips the minutes in which a reading may lag, and reads what was left undecided because of that."""
        psql("UPDATE scrobble.sync_base SET written_at = written_at - interval '1 day'")
        psql("UPDATE scrobble.queue_outcomes SET finished_at = finished_at - interval '1 day'")
        self.sync()

"""idle: memory of the four idle services, and the time until each is ready."""

import http.client
import json
import time

from measure import Trouble, figure, median, note, result, rounds, setting
from services import NAMES, start, start_upstreams

RSS_MAX_MB = 160
READY_MAX_SECONDS = 1
# How long the services get to settle after the walk.
REST_SECONDS = 3
PERSON = {"username": "alice", "password": "correct horse battery"}


def run_family():
    upstreams = start_upstreams()
    sums, shares, readiness = [], {name: [] for name in NAMES}, {name: [] for name in NAMES}
    # The first start runs migrations; only later ones are measured.
    for server in [start(name) for name in NAMES]:
        server.stop()
    for _ in range(rounds()):
        running = {}
        for name in NAMES:
            running[name] = start(name, interval=0.002)
            readiness[name].append(time.monotonic() - running[name].started_at)
        ThinPath(int(setting("BENCH_PORT_gateway"))).walk()
        time.sleep(REST_SECONDS)
        for name in NAMES:
            shares[name].append(running[name].resident_bytes() / 1e6)
        sums.append(sum(shares[name][-1] for name in NAMES))
        for name in reversed(NAMES):
            running[name].stop()
    upstreams.stop()
    result("idle.rss", median(sums), RSS_MAX_MB, "less")
    note("idle.rss in MB: " + ", ".join(f"{name} {median(shares[name]):.1f}" for name in NAMES))
    slowest = max(NAMES, key=lambda name: median(readiness[name]))
    result("idle.ready", median(readiness[slowest]), READY_MAX_SECONDS, "less")
    note("idle.ready in s: " + ", ".join(f"{name} {figure(median(readiness[name]))}" for name in NAMES))


class ThinPath:
    """A person's walk through the product: account, film, rating, playback, history."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        self.token = None

    def walk(self):
        status, grant = self.ask("POST", "/auth/register", PERSON)
        if status != 201:
            grant = self.want(200, "POST", "/auth/login", PERSON)
        self.token = grant["token"]
        self.want(200, "GET", "/users/me")
        film = self.want(200, "POST", "/movies/resolve", {"ids": {"imdb": "tt9100001"}, "name": "A film"})["id"]
        self.want(200, "GET", f"/movies/{film}")
        self.want(200, "POST", f"/movies/{film}/rate", {"rating": 8.5})
        self.want(200, "GET", f"/movies/{film}/rate")
        session = self.want(201, "POST", "/playback/sessions", {"title": film, "progress_percent": 1})["id"]
        self.want(200, "POST", f"/playback/sessions/{session}/stop", {"progress_percent": 96.5})
        self.want(200, "GET", "/history")
        self.connection.close()

    def want(self, wanted, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status != wanted:
            raise Trouble(f"{method} {path} answered {status}, expected {wanted}: {answer}")
        return answer

    def ask(self, method, path, body=None):
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

"""Starts the services for the benchmarks, with the settings that deploy/dev/bench has written."""

import http.client
import os

from measure import Server, setting

NAMES = ("metadata", "ratings", "scrobble", "gateway")


def settings(name):
    """Returns the settings that deploy/dev/bench has written for a service."""
    environment = {}
    with open(os.path.join(setting("BENCH_WORK"), f"{name}.settings"), encoding="utf-8") as file:
        for line in file:
            key, _, value = line.rstrip("\n").partition("=")
            environment[key] = value
    return environment


def start(name, await_ready=True, interval=0.02, changes=None):
    """Starts a service with its settings and `changes` to them; unless told otherwise, waits until it is ready."""
    environment = {**settings(name), **(changes or {})}
    server = Server(name, [os.path.join(setting("BENCH_PROGRAMS"), name)], environment=environment)
    if await_ready:
        port = int(environment["REELAY_ADMIN_PORT"])
        server.await_true(lambda: _is_ready(port), "is ready", 60, interval)
    return server


def start_upstreams(*arguments):
    """Starts the emulated providers."""
    port = setting("BENCH_PORT_upstreams")
    server = Server("upstreams", [os.path.join(setting("BENCH_PROGRAMS"), "upstreams"), "--port", port, *arguments])
    server.await_port(int(port))
    return server


def _is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

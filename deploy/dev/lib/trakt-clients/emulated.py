"""Shared by the clients: redirection to the emulated Trakt, and expectations.

The clients call https://api.trakt.tv, for tokens too, as was usual before tokens got a host of their own. Requests are
redirected to the emulated hosts below the client, in the one place that every call of `requests` passes; nothing else
in a client is changed.
"""
import json
import os
import sys
import threading
import time
import urllib.request

import requests.adapters

EMULATED = os.environ["REELAY_EMULATED_TRAKT"].rstrip("/")
CLIENT_ID = "reelay-demo-trakt"
CLIENT_SECRET = "reelay-demo-trakt-secret"
calls = []

_send = requests.adapters.HTTPAdapter.send


def send(adapter, request, **options):
    path = "/" + request.url.split("api.trakt.tv", 1)[1].lstrip("/")
    host = EMULATED + ("/auth" if path.startswith("/oauth/") else "")
    request.url = host + path
    # Trakt allows an account one write a second.
    if request.method not in ("GET", "HEAD") and not path.startswith("/oauth/"):
        time.sleep(1.1)
    response = _send(adapter, request, **options)
    calls.append((request.method, path, response.status_code))
    return response


requests.adapters.HTTPAdapter.send = send


def ask(path, headers=None):
    with urllib.request.urlopen(urllib.request.Request(EMULATED + path, headers=headers or {})) as answer:
        return answer.read()


def agree_soon(user_code, name):
    """Enters the code a moment later, as a person on another device would; Trakt requires a user agent."""

    def agree():
        time.sleep(1)
        ask(f"/auth/activate/{user_code}?as={name}", {"User-Agent": "a browser"})

    threading.Thread(target=agree, daemon=True).start()


def expect(what, seen, wanted):
    if seen != wanted:
        print(f"FAILED {what}: {json.dumps(seen, default=str)} instead of {json.dumps(wanted, default=str)}")
        for call in calls[-10:]:
            print("  ", *call)
        sys.exit(1)
    print(f"  {what}: {json.dumps(seen, default=str)}")


def finish(client):
    refused = [call for call in calls if call[2] >= 500]
    expect("answers that say the server failed", len(refused), 0)
    print(f"{client}: {len(calls)} calls, all as it expects")

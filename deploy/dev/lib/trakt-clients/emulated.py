"""What the clients share: the way to the emulated Trakt, and what each of them must see.

The clients call https://api.trakt.tv, tokens included, as they did before the tokens got a host of their own. Requests are
sent on to the emulated hosts below the client, in the one place where every call of `requests` passes; nothing else of a
client is touched.
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
    # One write a second is what Trakt allows an account.
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
    """A person enters the code on another device a moment later; Trakt asks for a user agent."""

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
    print(f"{client}: {len(calls)} calls, all as it wants them")

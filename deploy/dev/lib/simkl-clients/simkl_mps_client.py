"""simkl-mps: the code, the account, look-ups, plays of films and episodes, activities.

The program itself watches desktop windows; its module `simkl_api` talks to Simkl and is used here as in the program. It
calls https://api.simkl.com; requests are redirected to the emulated Simkl below it, in the one place that every call of
`requests` passes. Before most calls it checks whether the internet is reachable, trying Simkl first.
"""
import builtins
import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request

import requests.adapters

EMULATED = os.environ["REELAY_EMULATED_SIMKL"].rstrip("/")
CLIENT_ID = "reelay-demo-simkl"
calls = []
_send = requests.adapters.HTTPAdapter.send


def there(url):
    """Answers the check whether Simkl is reachable, without sending anything."""
    response = requests.Response()
    response.status_code, response.url = 200, url
    return response


def send(adapter, request, **options):
    address = urllib.parse.urlsplit(request.url)
    if address.hostname != "api.simkl.com" or address.path in ("", "/"):
        return there(request.url)
    request.url = EMULATED + address.path + ("?" + address.query if address.query else "")
    # Simkl allows an account one write a second.
    if request.method == "POST" and address.path.startswith("/sync/"):
        time.sleep(1.1)
    response = _send(adapter, request, **options)
    calls.append((request.method, address.path, response.status_code))
    return response


requests.adapters.HTTPAdapter.send = send


def ask(path):
    with urllib.request.urlopen(EMULATED + path) as answer:
        return json.load(answer) if answer.headers.get_content_type() == "application/json" else answer.read()


def expect(what, seen, wanted):
    if seen != wanted:
        print(f"FAILED {what}: {json.dumps(seen, default=str)} instead of {json.dumps(wanted, default=str)}")
        for call in calls[-10:]:
            print("  ", *call)
        sys.exit(1)
    said(f"  {what}: {json.dumps(seen, default=str)}")


said = builtins.print
asked = []


def overheard(*words, **options):
    """Reads the code and enters it a moment later, as a person would."""
    text = " ".join(str(word) for word in words)
    if "enter the code: " in text and not asked:
        code = text.split("enter the code: ")[1].strip()
        asked.append(code)
        threading.Timer(1, ask, (f"/pin/{code}?as=mps",)).start()


import webbrowser

webbrowser.open = lambda *_, **__: True
from simkl_mps import simkl_api

builtins.print = overheard
token = simkl_api.pin_auth_flow(CLIENT_ID)
builtins.print = said
expect("a code was shown and entered", [len(asked), bool(token)], [1, True])
polls = [call for call in calls if call[1].startswith("/oauth/pin/")]
expect("polls, all answered 200", {call[2] for call in polls}, {200})

settings = simkl_api.get_user_settings(CLIENT_ID, token)
expect("whose account it is", [settings["user"]["name"], settings["account_type"]], ["demo-mps", "free"])
before = simkl_api.get_activities(CLIENT_ID, token)
expect("nothing has happened there", [before["all"], "tv_shows" in before], [None, True])

film = simkl_api.search_movie("The Lighthouse Keeper's Clock", CLIENT_ID, token)["movie"]
expect("a film by its name", [film["title"], film["year"]], ["The Lighthouse Keeper's Clock", 2019])
details = simkl_api.get_movie_details(film["ids"]["simkl"], CLIENT_ID, token)
expect("the film by its number", [details["runtime"], details["ids"]["imdb"]], [118, "tt9100001"])
lookup = ask(f"/search/id?imdb=tt9100101&client_id={CLIENT_ID}&app-name=simkl-mps&app-version=1")
show = lookup[0]["ids"]["simkl"]
expect("a show by its number", simkl_api.get_show_details(show, CLIENT_ID, token)["title"], "Saltmarsh")

play = {"movies": [{"ids": {"simkl": film["ids"]["simkl"]}}]}
expect("a film is watched", simkl_api.add_to_history(play, CLIENT_ID, token)["added"]["movies"], 1)
episode = {"shows": [{"ids": {"simkl": show}, "seasons": [{"number": 1, "episodes": [{"number": 2}]}]}]}
added = simkl_api.add_to_history(episode, CLIENT_ID, token, allow_rewatch=True)
expect("an episode is watched", [added["added"]["episodes"], added["added"]["movies"]], [1, 0])
unknown = {"movies": [{"ids": {"imdb": "tt0000000"}}]}
expect("an unknown film is named", len(simkl_api.add_to_history(unknown, CLIENT_ID, token)["not_found"]["movies"]), 1)
after = simkl_api.get_activities(CLIENT_ID, token)
expect("both have moved", [bool(after["movies"]["completed"]), bool(after["tv_shows"]["watching"])], [True, True])
expect("a dead token is told", simkl_api.get_activities(CLIENT_ID, "worth nothing"), None)
expect("answers that say the server failed", len([call for call in calls if call[2] >= 500]), 0)
said(f"simkl-mps: {len(calls)} calls, all as it expects")

"""traktexport: exports every list of the account that another client has written to."""
import json
import os
import sys
import tempfile
import time

import emulated
import logzero
from emulated import expect

os.environ["TRAKTEXPORT_SLEEP_TIME"] = "0"
logzero.loglevel(logzero.WARNING)
import trakt.core

folder = tempfile.mkdtemp()
trakt.core.CONFIG_PATH = os.path.join(folder, "traktexport.json")
import traktexport

traktexport.traktexport_cfg = trakt.core.CONFIG_PATH
name = sys.argv[1]


def post(path, body):
    import requests

    answer = requests.post("https://api.trakt.tv" + path, json=body, headers={"User-Agent": "Reelay check"})
    answer.raise_for_status()
    return answer.json()


info = post("/oauth/device/code", {"client_id": emulated.CLIENT_ID})
emulated.agree_soon(info["user_code"], name)
time.sleep(info["interval"] + 1)
tokens = post("/oauth/device/token", {
    "code": info["device_code"], "client_id": emulated.CLIENT_ID, "client_secret": emulated.CLIENT_SECRET})
with open(trakt.core.CONFIG_PATH, "w") as file:
    json.dump({
        "CLIENT_ID": emulated.CLIENT_ID, "CLIENT_SECRET": emulated.CLIENT_SECRET, "APPLICATION_ID": None,
        "OAUTH_TOKEN": tokens["access_token"], "OAUTH_REFRESH": tokens["refresh_token"],
        "OAUTH_EXPIRES_AT": tokens["created_at"] + tokens["expires_in"]}, file)

from traktexport.export import full_export
from traktexport.dal import parse_export

export = full_export(name)
path = os.path.join(folder, "export.json")
with open(path, "w") as file:
    json.dump(export, file)
with open(path) as file:
    parsed = parse_export(file)
expect("who it is", export["profile"]["username"], name)
expect("plays", len(parsed.history), 74)
expect("ratings", [rating.rating for rating in parsed.ratings], [7])
expect("watched films and shows", len(export["watched"]), 72)
expect("collected", len(export["collection"]), 1)
expect("statistics", export["stats"]["movies"]["plays"] + export["stats"]["episodes"]["plays"], 74)
emulated.finish("traktexport")

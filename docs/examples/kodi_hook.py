"""Tells Reelay what Kodi plays: the service of an add-on, and a command that tries it without Kodi.

    REELAY_HOOK_SECRET=reelay_hk_… python3 kodi_hook.py ADDRESS EVENT '{"type": "movie", "title": "…", "year": 2019, "uniqueid": {"imdb": "tt…"}}' [SECONDS [LENGTH]]

ADDRESS is that of the installation, and the secret is what `POST /api/v1/hooks` answered. In an add-on they are the
settings `address` and `secret`; `xbmc.service` starts `main()`, and `docs/hooks.md` describes what is sent.
"""

import datetime
import http.client
import json
import os
import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 10
PROGRESS_SECONDS = 30


def event(kind, item, position, length, player="kodi"):
    """What Kodi's JSON-RPC says of an item (`Player.GetItem`), in the form of a hook."""
    told = {
        "event": kind,
        "player": player,
        "occurred_at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "item": str(item.get("id") or item.get("file") or ""),
        "title": item.get("title"),
        "year": item.get("year"),
        "ids": ids(item.get("uniqueid")),
        "position_seconds": position,
        "duration_seconds": length,
    }
    if item.get("type") == "episode":
        told.update(kind="episode", year=None, season=item.get("season"), episode=item.get("episode"),
                    series={"title": item.get("showtitle"), "year": item.get("showyear"),
                            "ids": ids(item.get("showuniqueid"))})
    else:
        told["kind"] = "movie"
    return without_gaps(told)


def ids(given):
    """The ids that Reelay knows, numbers as numbers."""
    known = {name: (given or {}).get(name) for name in ("imdb", "tmdb", "tvdb")}
    return {name: value if name == "imdb" else int(value) for name, value in known.items()
            if value and (name == "imdb" or str(value).isdigit())}


def without_gaps(value):
    if not isinstance(value, dict):
        return value
    kept = {name: without_gaps(part) for name, part in value.items()}
    # Kodi says 0 and -1 for numbers that it does not know.
    return {name: part for name, part in kept.items() if part not in (None, "", {}, -1) and (name, part) != ("year", 0)}


def send(address, secret, told):
    """What became of it; a repetition of the same delivery changes nothing."""
    place = address.rstrip("/") + "/api/v1/hooks/deliver"
    request = urllib.request.Request(place, json.dumps(told).encode(), {"content-type": "application/json"})
    # Wherever an answer redirects to, the secret stays here.
    request.add_unredirected_header("Authorization", "Bearer " + secret.strip())
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.loads(refusal.read() or b"null")


def try_to_send(address, secret, told):
    """The same for a service that must outlive whatever the network does."""
    try:
        return send(address, secret, told)
    # Not reached, cut off, or answered by something else, such as a proxy whose page is no JSON.
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return {"problem": str(problem)}


def main():
    import xbmc
    import xbmcaddon

    address, secret = (xbmcaddon.Addon().getSetting(name) for name in ("address", "secret"))
    properties = ["title", "showtitle", "season", "episode", "year", "uniqueid", "tvshowid", "file"]

    def ask(method, **params):
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(xbmc.executeJSONRPC(json.dumps(call))).get("result", {})

    class Player(xbmc.Player):
        item, position, length = None, 0, None

        def tell(self, kind):
            if self.item:
                told = event(kind, self.item, self.position, self.length)
                xbmc.log("reelay: %s" % try_to_send(address, secret, told), xbmc.LOGDEBUG)

        def look(self):
            try:
                if self.isPlayingVideo():
                    self.position, self.length = self.getTime(), self.getTotalTime()
            except RuntimeError:
                # It has stopped in between.
                pass

        # Now the stream really runs.
        def onAVStarted(self):
            self.item = None
            if not self.isPlayingVideo():
                return
            item = ask("Player.GetItem", playerid=1, properties=properties).get("item", {})
            # Television, music videos and clips are no films.
            if item.get("type") not in ("movie", "episode"):
                return
            if item.get("tvshowid", -1) > 0:
                found = ask("VideoLibrary.GetTVShowDetails", tvshowid=item["tvshowid"], properties=["uniqueid", "year"])
                show = found.get("tvshowdetails", {})
                item["showuniqueid"], item["showyear"] = show.get("uniqueid"), show.get("year")
            self.item = item
            self.look()
            self.tell("play")

        def onPlayBackPaused(self):
            self.look()
            self.tell("pause")

        def onPlayBackResumed(self):
            self.look()
            self.tell("resume")

        def onPlayBackSeek(self, time, offset):
            self.position = time / 1000
            self.tell("seek")

        # The place is gone by then: the last look counts.
        def onPlayBackStopped(self):
            self.tell("stop")
            self.item = None

        def onPlayBackEnded(self):
            self.position = self.length or self.position
            self.tell("stop")
            self.item = None

    player, monitor, waited = Player(), xbmc.Monitor(), 0
    while not monitor.waitForAbort(1):
        player.look()
        waited += 1
        if player.item and waited >= PROGRESS_SECONDS:
            waited = 0
            player.tell("progress")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        main()
    else:
        place = [float(seconds) for seconds in sys.argv[4:6]] + [None, None]
        told = event(sys.argv[2], json.loads(sys.argv[3]), place[0], place[1])
        print(json.dumps(send(sys.argv[1], os.environ["REELAY_HOOK_SECRET"], told)))

"""trakt.py: the device flow, a refresh, writes, reading back with its own paging, scrobbles."""
import emulated
from emulated import expect

from trakt import Trakt

Trakt.configuration.defaults.client(id=emulated.CLIENT_ID, secret=emulated.CLIENT_SECRET)
Trakt.configuration.defaults.app(name="Reelay check", version="1.0")

info = Trakt["oauth/device"].code()
expect("a code for a device", len(info["user_code"]), 8)
emulated.agree_soon(info["user_code"], "traktpy")
granted = []
poller = Trakt["oauth/device"].poll(**info)
poller.on("authenticated", granted.append)
poller.on("poll", lambda go_on: go_on(True))
poller.start(daemon=True)
poller._thread.join(30)
expect("logged in", len(granted), 1)
expect("the token lives", granted[0]["expires_in"], 604800)
renewed = Trakt["oauth"].token_refresh(granted[0]["refresh_token"], "urn:ietf:wg:oauth:2.0:oob")
expect("a refresh gives another token", renewed["access_token"] != granted[0]["access_token"], True)
spent = Trakt["oauth"].token_refresh(granted[0]["refresh_token"], "urn:ietf:wg:oauth:2.0:oob")
expect("its refresh token was good once", spent, None)

with Trakt.configuration.oauth(token=renewed["access_token"]):
    film = {"ids": {"imdb": "tt9100001"}}
    episode = {"shows": [{"ids": {"imdb": "tt9100102"}, "seasons": [{"number": 1, "episodes": [{"number": 1, "watched_at": "2024-01-02T03:04:05.000Z"}, {"number": 2, "watched_at": "2024-01-03T03:04:05.000Z"}]}]}]}
    expect("settings", Trakt["users/settings"].get()["user"]["username"], "traktpy")
    expect("rated", Trakt["sync/ratings"].add({"movies": [{"rating": 7, **film}]})["added"]["movies"], 1)
    expect("episodes watched, by their numbers", Trakt["sync/history"].add(episode)["added"]["episodes"], 2)
    expect("wanted", Trakt["sync/watchlist"].add({"movies": [film]})["added"]["movies"], 1)
    expect("collected", Trakt["sync/collection"].add({"movies": [{"media_type": "bluray", **film}]})["added"]["movies"], 1)
    expect("what was watched of shows", [
        (number, len(season.episodes)) for show in Trakt["sync/watched"].shows().values() for number, season in show.seasons.items()
    ], [(1, 2)])
    expect("the rating", [movie.rating.value for movie in Trakt["sync/ratings"].movies().values()], [7])
    expect("the collection", len(Trakt["sync/collection"].movies()), 1)
    expect("the watchlist, page by page", len(list(Trakt["sync/watchlist"].movies(flat=True, pagination=True))), 1)
    many = {"movies": [{"ids": {"trakt": 710_000 + number}, "watched_at": "2020-01-01T00:00:00.000Z"} for number in range(70)]}
    expect("70 plays at once", Trakt["sync/history"].add(many)["added"]["movies"], 70)
    pages = Trakt["sync/history"].movies(pagination=True, per_page=20)
    expect("they come in pages", len(list(pages)), 70)
    expect("how many pages that were", pages.total_pages, 4)
    stopped = Trakt["scrobble"].pause(movie=film, progress=42.5)
    expect("paused", (stopped["action"], stopped["progress"]), ("pause", 42.5))
    places = Trakt["sync/playback"].movies()
    expect("where it was stopped", [movie.progress for movie in places.values()], [42.5])
    scrobbled = Trakt["scrobble"].stop(movie=film, progress=96)
    expect("watched to its end", scrobbled["action"], "scrobble")
    expect("which takes it off the watchlist", len(list(Trakt["sync/watchlist"].movies(flat=True, pagination=True))), 0)
    expect("an episode by show and numbers", Trakt["scrobble"].stop(
        show={"ids": {"imdb": "tt9100102"}}, episode={"season": 1, "number": 3}, progress=91)["action"], "scrobble")
emulated.finish("trakt.py")

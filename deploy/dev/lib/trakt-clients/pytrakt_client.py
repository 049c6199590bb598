"""pytrakt: the device flow, every kind of write, reading back, paging."""
import datetime

import emulated
from emulated import expect

import trakt.core

import tempfile, os

trakt.core.CONFIG_PATH = os.path.join(tempfile.mkdtemp(), "pytrakt.json")
trakt.core.AUTH_METHOD = trakt.core.DEVICE_AUTH
import builtins

said = builtins.print


def overheard(*words, **options):
    text = " ".join(str(word) for word in words)
    if text.startswith("Your user code is: "):
        emulated.agree_soon(text.split(": ")[1].split(",")[0], "pytrakt")
    elif "access_token" not in text:
        said(*words, **options)


builtins.print = overheard
trakt.core.init(client_id=emulated.CLIENT_ID, client_secret=emulated.CLIENT_SECRET, store=True)
expect("logged in", bool(trakt.core.config().OAUTH_TOKEN), True)

from trakt import sync
from trakt.pagination import paginate
from trakt.users import User

me = User("me")
found = sync.search_by_id("tt9100001", id_type="imdb")
movie = found[0]
expect("a film by its IMDb id", type(movie).__name__, "Movie")
show = [title for title in sync.search_by_id("tt9100102", id_type="imdb") if type(title).__name__ == "TVShow"][0]
expect("a show by its IMDb id", type(show).__name__, "TVShow")

expect("rated", sync.rate(movie, 8)["added"]["movies"], 1)
watched = datetime.datetime(2024, 5, 6, 20, 31, 45, tzinfo=datetime.timezone.utc)
expect("watched", sync.add_to_history(movie, watched)["added"]["movies"], 1)
expect("wanted", sync.add_to_watchlist(show)["added"]["shows"], 1)
expect("collected", sync.add_to_collection(movie)["added"]["movies"], 1)

ratings = list(paginate("sync/ratings/movies", limit=10))
expect("the rating reads back", [(row["rating"], row["movie"]["ids"]["imdb"]) for row in ratings], [(8, "tt9100001")])
history = list(paginate("sync/history/movies", limit=10))
expect("the play reads back without its seconds", [row["watched_at"] for row in history], ["2024-05-06T20:31:00.000Z"])
expect("the watchlist reads back", [type(item).__name__ for item in sync.get_watchlist()], ["TVShow"])
expect("what was watched", [len(me.watched_movies), me.watched_movies[0].plays], [1, 1])
expect("what was collected", len(me.movie_collection), 1)

many = {"movies": [{"ids": {"trakt": 700_000 + number}, "watched_at": "2020-01-01T00:00:00.000Z"} for number in range(120)]}
expect("120 plays at once", sync.add_to_history(many)["added"]["movies"], 120)
expect("they come in pages of 50", len(paginate("sync/history/movies", limit=50)), 121)
expect("unknown titles are named", len(sync.add_to_watchlist({"movies": [{"ids": {"trakt": 0}}]})["not_found"]["movies"]), 1)

scrobbler = movie.scrobble(10.0, "1.0", "2026-01-01")
scrobbler.start()
scrobbler.update(40.0)
scrobbler.pause()
expect("where it was stopped", [entry.progress for entry in sync.get_playback("movies")], [40.0])
scrobbler.finish()
expect("watched once more", len(paginate("sync/history/movies", limit=250)), 122)
expect("and no place is kept", len(sync.get_playback("movies")), 0)
expect("the rating is taken back", trakt.core.api().post("sync/ratings/remove", movie.to_json())["deleted"]["movies"], 1)
expect("the plays are taken back", sync.remove_from_history(movie)["deleted"]["movies"], 2)
builtins.print = said
emulated.finish("pytrakt")

"""Walks through the product with a client generated from its OpenAPI document."""

import datetime
import secrets
import sys
import time

from reelay_client import AuthenticatedClient, Client, models
from reelay_client.api.auth import create_api_key, delete_me, get_me, list_sessions, login, register, update_me
from reelay_client.api.collection import list_collection, put_on_collection
from reelay_client.api.episodes import mark_episode_watched
from reelay_client.api.history import list_continue_watching, list_history, remove_play
from reelay_client.api.home import get_home, read_titles
from reelay_client.api.likes import put_on_likes
from reelay_client.api.lists import create_list, list_list_items, put_list_items
from reelay_client.api.movies import (
    get_movie,
    get_movie_rating,
    mark_movie_watched,
    rate_movie,
    resolve_movie,
    search_titles,
    unrate_movie,
)
from reelay_client.api.playback import list_playback, start_playback, stop_playback
from reelay_client.api.ratings import get_rating_statistics, list_ratings
from reelay_client.api.service import list_sources
from reelay_client.api.shows import get_show_watched, list_season_episodes, list_show_seasons, resolve_show
from reelay_client.api.watchlist import list_watchlist, put_on_watchlist

URL = sys.argv[1]
REFUSED = sys.argv[2:]
PASSWORD = "a long and odd phrase"
STEPS = []


def step(name, answer, status, check=lambda body: True):
    """Checks a response as the generated client has parsed it."""
    begun = STEPS[-1][1] if STEPS else time.monotonic()
    got = int(answer.status_code)
    if name in REFUSED:
        status, check = 503, lambda it: it.code == "unavailable"
    if got != status:
        sys.exit(f"{len(STEPS) + 1}. {name}: {got} instead of {status}: {answer.content[:500]!r}")
    if not check(answer.parsed):
        sys.exit(f"{len(STEPS) + 1}. {name}: not what was expected: {answer.content[:2000]!r}")
    now = time.monotonic()
    STEPS.append((name, now))
    print(f"{len(STEPS):2}. {name}: {got} in {(now - begun) * 1000:.0f} ms")
    return answer.parsed


def ids(items):
    return [item.title.id for item in items]


name = "journey" + secrets.token_hex(5)
anybody = Client(base_url=URL)
grant = step(
    "make an account",
    register.sync_detailed(client=anybody, body=models.Registration(username=name, password=PASSWORD)), 201,
    lambda it: it.user.username == name)
step(
    "fail to log in",
    login.sync_detailed(client=anybody, body=models.LoginRequest(username=name, password="not this one")), 401,
    lambda it: isinstance(it, models.Problem) and it.code == "invalidCredentials")
step(
    "log in", login.sync_detailed(client=anybody, body=models.LoginRequest(username=name, password=PASSWORD)), 200,
    lambda it: it.token != grant.token)
me = AuthenticatedClient(base_url=URL, token=grant.token)
step("see who I am", get_me.sync_detailed(client=me), 200, lambda it: it.id == grant.user.id)
step(
    "live in Berlin", update_me.sync_detailed(client=me, body=models.UserChange(time_zone="Europe/Berlin")), 200,
    lambda it: it.time_zone == "Europe/Berlin")
step("see my sessions", list_sessions.sync_detailed(client=me), 200, lambda it: len(it.items) == 2)
key = step(
    "make a key that may read",
    create_api_key.sync_detailed(
        client=me, body=models.ApiKeyRequest(name="journey", scopes=[models.Scope.READ]), idempotency_key=name), 201)
script = AuthenticatedClient(base_url=URL, token=key.token)
film = step(
    "find a film by its id",
    resolve_movie.sync_detailed(
        client=me, body=models.ResolveRequest(ids=models.ExternalIds(imdb="tt9100001"))), 200,
    lambda it: len(it.external_ratings) > 1)
step(
    "search for it", search_titles.sync_detailed(client=me, query=film.name), 200,
    lambda it: film.id == it.accepted or film.name in str(it.to_dict()))
step("look at it", get_movie.sync_detailed(film.id, client=me), 200, lambda it: it.name == film.name)
step("see who scores", list_sources.sync_detailed(client=me), 200)
rated = step(
    "rate it",
    rate_movie.sync_detailed(film.id, client=me, body=models.RateRequest(rating=8.5, review="Look at the clock.")), 200,
    lambda it: it.rating == 8.5 and it.review == "Look at the clock.")
step(
    "see that a key that may read may not rate",
    rate_movie.sync_detailed(film.id, client=script, body=models.RateRequest(rating=1)), 403,
    lambda it: it.code == "forbidden")
step(
    "read my rating with the key", get_movie_rating.sync_detailed(film.id, client=script), 200,
    lambda it: it.rating == 8.5)
step("list my ratings", list_ratings.sync_detailed(client=me), 200, lambda it: ids(it.items) == [film.id])
step("see them in figures", get_rating_statistics.sync_detailed(client=me), 200)
step(
    "want to watch it",
    put_on_watchlist.sync_detailed(
        client=me, body=models.ShelfEntries(items=[models.ShelfRequestItem(title=film.id, note="with friends")])), 200)
step(
    "see what I want to watch", list_watchlist.sync_detailed(client=me), 200,
    lambda it: ids(it.items) == [film.id] and it.items[0].note == "with friends")
session = step(
    "begin to watch it",
    start_playback.sync_detailed(client=me, body=models.StartRequest(title=film.id, progress_percent=3)), 201)
step(
    "see what I watch now", list_playback.sync_detailed(client=me), 200,
    lambda it: [open.id for open in it.sessions] == [session.id])
step(
    "watch it to its end",
    stop_playback.sync_detailed(session.id, client=me, body=models.StopRequest(progress_percent=97)), 200,
    lambda it: it.play.title == film.id)
step(
    "watch it another time",
    mark_movie_watched.sync_detailed(
        film.id, client=me, body=models.WatchedMark(watched_on=datetime.date(2024, 11, 1))), 200,
    lambda it: it.added == 1)
history = step(
    "see when I watched it", list_history.sync_detailed(client=me, limit=10), 200,
    lambda it: len(it.items) == 2 and it.items[1].play.watched_on == datetime.date(2024, 11, 1))
step(
    "forget the first time", remove_play.sync_detailed(history.items[1].play.id, client=me), 200, lambda it: it.removed)
show = step(
    "find a show",
    resolve_show.sync_detailed(client=me, body=models.ResolveRequest(ids=models.ExternalIds(imdb="tt9100101"))), 200)
seasons = step("see its seasons", list_show_seasons.sync_detailed(show.id, client=me), 200, lambda it: it.items)
first = next(season for season in seasons.items if season.season_number == 1)
episodes = step(
    "see the episodes of one", list_season_episodes.sync_detailed(first.id, client=me), 200,
    lambda it: len(it.items) > 1)
step(
    "watch the first", mark_episode_watched.sync_detailed(
        episodes.items[0].id, client=me, body=models.WatchedMarkOfEpisode()), 200, lambda it: it.added == 1)
step("see how far I am", get_show_watched.sync_detailed(show.id, client=me), 200, lambda it: it.watched == 1)
step(
    "go on with the second", list_continue_watching.sync_detailed(client=me), 200,
    lambda it: ids(it.items) == [episodes.items[1].id])
step(
    "own the film",
    put_on_collection.sync_detailed(
        client=me, body=models.ShelfEntries(items=[models.ShelfRequestItem(title=film.id)])), 200)
step("see what I own", list_collection.sync_detailed(client=me), 200, lambda it: ids(it.items) == [film.id])
step(
    "like it",
    put_on_likes.sync_detailed(client=me, body=models.ShelfEntries(items=[models.ShelfRequestItem(title=film.id)])), 200)
made = step(
    "make a list", create_list.sync_detailed(client=me, body=models.ListRequest(name="Clocks", is_ranked=True)), 201)
step(
    "put both on it",
    put_list_items.sync_detailed(
        made.id, client=me,
        body=models.ShelfEntries(items=[models.ShelfRequestItem(title=it) for it in (film.id, show.id)])), 200)
step(
    "see them in their order", list_list_items.sync_detailed(made.id, client=me), 200,
    lambda it: ids(it.items) == [film.id, show.id])
step(
    "see the start screen", get_home.sync_detailed(client=me), 200,
    lambda it: ids(it.next_episodes) == [episodes.items[1].id] and ids(it.recently_rated) == [film.id]
    and ids(it.recently_watched) == [episodes.items[0].id, film.id] and it.unavailable == [])
step(
    "see several titles at once",
    read_titles.sync_detailed(client=me, body=models.TitleBatch(titles=[show.id, film.id])), 200,
    lambda it: [found.asked for found in it.items] == [show.id, film.id] and it.items[1].state.is_liked)
step("take my rating back", unrate_movie.sync_detailed(film.id, client=me), 204)
step(
    "see that it is gone", get_movie_rating.sync_detailed(film.id, client=me), 404,
    lambda it: it.code == "ratingNotFound")
step("close my account", delete_me.sync_detailed(client=me), 204)
step("see that I am nobody any more", get_me.sync_detailed(client=me), 401, lambda it: it.code == "unauthenticated")
refused = f", except those that had to be refused: {', '.join(REFUSED)}" if REFUSED else ""
print(f"{len(STEPS)} steps, each as the document says{refused}")

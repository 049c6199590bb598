"""The peer of `gateway.fastapi`: the reads of a film with its scores, its rating and its state on FastAPI and asyncpg.

It reads the same rows of the same tables in one process, with no service in between: the token, the title, the rating, and what
the film is to the person."""

import datetime
import hashlib
import json
import os
import uuid
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

USER = """SELECT s.user_id FROM gateway.sessions s WHERE s.token_hash = $1 AND s.expires_at > now()"""
TITLE = """SELECT id, kind, name, original_name, year, release_date, overview, runtime_minutes, genres, certification,
poster_url, backdrop_url, external_ratings, vote_average, vote_count, enriched_at FROM metadata.titles WHERE id = $1"""
IDS = "SELECT source, value FROM metadata.external_ids WHERE title_id = $1"
RATING = """SELECT media_id, media_type, rating, review, spoiler, rated_at, updated_at FROM ratings.user_ratings
WHERE user_id = $1 AND media_id = $2"""
STATE = """SELECT (SELECT count(*) FROM scrobble.plays p WHERE p.user_id = $1 AND p.title_id = $2 AND p.removed_at IS NULL),
(SELECT max(listed_at) FROM scrobble.plays p WHERE p.user_id = $1 AND p.title_id = $2 AND p.removed_at IS NULL),
(SELECT percent FROM scrobble.watch_progress w WHERE w.user_id = $1 AND w.title_id = $2 AND w.removed_at IS NULL),
EXISTS (SELECT FROM scrobble.watchlist_items i WHERE i.user_id = $1 AND i.title_id = $2 AND i.removed_at IS NULL),
EXISTS (SELECT FROM scrobble.collection_items i WHERE i.user_id = $1 AND i.title_id = $2 AND i.removed_at IS NULL),
EXISTS (SELECT FROM scrobble.likes i WHERE i.user_id = $1 AND i.title_id = $2 AND i.removed_at IS NULL)"""


class Rating(BaseModel):
    title: uuid.UUID
    kind: str
    rating: float
    review: str | None
    spoiler: bool
    rated_at: datetime.datetime
    updated_at: datetime.datetime


class State(BaseModel):
    title: uuid.UUID
    plays: int
    last_watched_at: datetime.datetime | None
    percent: float | None
    on_watchlist: bool
    in_collection: bool
    is_liked: bool


class Movie(BaseModel):
    id: uuid.UUID
    name: str
    original_name: str | None
    year: int | None
    release_date: datetime.date | None
    overview: str | None
    runtime_minutes: int | None
    genres: list[str]
    certification: str | None
    poster_url: str | None
    backdrop_url: str | None
    external_ids: dict[str, str]
    external_ratings: list[dict]
    vote_average: float | None
    vote_count: int | None
    enriched_at: datetime.datetime | None
    my_rating: Rating | None
    my_state: State


@asynccontextmanager
async def life(app):
    async def prepare(connection):
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")

    app.state.pool = await asyncpg.create_pool(
        host=os.environ["PEER_PG_SOCKETS"], port=int(os.environ["PEER_PG_PORT"]), user=os.environ["PEER_PG_USER"],
        database=os.environ["PEER_PG_DATABASE"], min_size=8, max_size=16, init=prepare)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=life)


@app.get("/api/v1/movies/{title}", response_model_exclude_none=True)
async def movie(title: uuid.UUID, authorization: str = Header()) -> Movie:
    token = authorization.removeprefix("Bearer ")
    async with app.state.pool.acquire() as connection:
        user = await connection.fetchval(USER, hashlib.sha256(token.encode()).digest())
        if user is None:
            raise HTTPException(401)
        row = await connection.fetchrow(TITLE, title)
        if row is None or row["kind"] != "movie":
            raise HTTPException(404)
        ids = await connection.fetch(IDS, title)
        rated = await connection.fetchrow(RATING, user, title)
        plays, last, percent, wanted, owned, liked = await connection.fetchrow(STATE, user, title)
    values = dict(row)
    values.pop("kind")
    values["genres"] = values["genres"] or []
    values["external_ratings"] = values["external_ratings"] or []
    mine = rated and Rating(
        title=rated["media_id"], kind=rated["media_type"], rating=float(rated["rating"]), review=rated["review"],
        spoiler=rated["spoiler"], rated_at=rated["rated_at"], updated_at=rated["updated_at"])
    return Movie(
        **values, external_ids={found["source"]: found["value"] for found in ids}, my_rating=mine,
        my_state=State(
            title=title, plays=plays, last_watched_at=last, percent=percent, on_watchlist=wanted, in_collection=owned,
            is_liked=liked))

"""ratings: one rating and one page among 10 million and among 100,000, bulk writes, figures of a person, a title that
everybody rates, and the memory that all this took; against bounds, and against pgbench reading the same table."""

import json
import os

import database
from measure import figure, in_turn, median, note, result, rounds, run, seconds, setting, spread
from services import start

SMALL_PEOPLE, LARGE_PEOPLE, RATINGS_EACH = 100, int(os.environ.get("BENCH_RATINGS_PEOPLE", "10000")), 1_000
# Whose ratings one statement writes when the table is filled, and how long it and each index may take.
FILLED_AT_ONCE, FILL_SECONDS = 1_000, 1_800
TITLES = 20_000
# The newest date, and the seconds before it over which dates are spread.
NEWEST, DATES_SECONDS = "2026-11-01T12:00:00Z", 100_000_000
# One with a rating of every title; those who write in bulk, and those who rate one title at once.
HEAVY, BULK, HOT = database.FIRST + 20_000, database.FIRST + 30_000, database.FIRST + 40_000
# Bounds: of a large table against a small one, of pgbench, rows a second, milliseconds, one title against many, MB.
GROWTH_MAX, PGBENCH_MAX = 1.3, 1.2
BULK_MIN, STATS_MAX_MS, HOT_MIN, RSS_MAX_MB = 20_000, 20, 0.5, 100

_U = f"('{database.USER}' || ({database.FIRST} + :u))::uuid"
_PICK = f"\\set u random(0, {{people}} - 1)\n\\set t random(0, {RATINGS_EACH} - 1)\n\\set s random(0, {DATES_SECONDS // 2})\n"
_COLUMNS = ("media_id, media_type, rating, review, spoiler, rated_at, updated_at, source, given_value, given_scale, "
            "play_id, version")
_POINT = f"""SELECT {_COLUMNS} FROM ratings.user_ratings
WHERE user_id = {_U} AND media_id = ('{database.TITLE}' || ({database.FIRST} + (:u * 37 + :t) % {TITLES}))::uuid;
"""
# As the service does: one row more than a page has.
_PAGE = f"""SELECT {_COLUMNS} FROM ratings.user_ratings
WHERE user_id = {_U} AND rated_at < timestamptz '{NEWEST}' - :s * interval '1 second'
ORDER BY rated_at DESC, media_id DESC LIMIT 51;
"""


def run_family():
    server = start("ratings")
    _fill(0, SMALL_PEOPLE)
    small = {work: _median_us(work, SMALL_PEOPLE) for work in ("point", "page")}
    _bulk()
    _hot()
    note(f"filling the table with {LARGE_PEOPLE * RATINGS_EACH:,} ratings")
    _fill(SMALL_PEOPLE, LARGE_PEOPLE)
    for work, script in (("point", _POINT), ("page", _PAGE)):
        _large(work, script, small[work])
    _stats()
    result("ratings.rss", server.peak_bytes() / 1e6, RSS_MAX_MB, "less")
    server.stop()


def _fill(first, last):
    """Ratings of the people from `first` to before `last`; the indexes are made afterwards, from the same rows."""
    names = database.sql(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'ratings' AND tablename = 'user_ratings'"
        " AND indexname <> 'user_ratings_pkey' ORDER BY 1").split()
    indexes = [database.sql(f"SELECT pg_get_indexdef('ratings.{name}'::regclass)") for name in names]
    for name in names:
        database.sql(f"DROP INDEX ratings.{name}")
    for start in range(first, last, FILLED_AT_ONCE):
        database.sql(f"""
            INSERT INTO ratings.user_ratings
                (user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at, version)
            SELECT ('{database.USER}' || ({database.FIRST} + u))::uuid, 'movie',
                ('{database.TITLE}' || ({database.FIRST} + (u * 37 + t) % {TITLES}))::uuid,
                (1 + (u * 31 + t * 17) % 100) / 10.0,
                CASE WHEN t % 20 = 0 THEN 'Holds up.' END, false,
                timestamptz '{NEWEST}' - ((t * 99991 + u * 7919) % {DATES_SECONDS}) * interval '1 second', '{NEWEST}', t + 1
            FROM generate_series({start}::bigint, {min(start + FILLED_AT_ONCE, last) - 1}) AS u,
                generate_series(0::bigint, {RATINGS_EACH - 1}) AS t""", FILL_SECONDS)
    for index in indexes:
        database.sql(f"SET maintenance_work_mem = '512MB'; {index}", FILL_SECONDS)
    database.sql(f"""
        INSERT INTO ratings.user_versions (user_id, version)
        SELECT ('{database.USER}' || ({database.FIRST} + u))::uuid, {RATINGS_EACH}
        FROM generate_series({first}::bigint, {last - 1}) AS u""")
    _settle()


def _settle():
    for table in ("user_ratings", "rating_events", "rating_aggregates", "user_versions"):
        database.sql(f"VACUUM ANALYZE ratings.{table}", FILL_SECONDS)
    database.sql("CHECKPOINT", FILL_SECONDS)


def _ask(work, first=database.FIRST, people=1):
    told = run([
        os.path.join(setting("BENCH_PROGRAMS"), "bench-ratings"), work, f"127.0.0.1:{setting('BENCH_PORT_ratings')}",
        setting("BENCH_SECRET_FILE"), str(seconds()), f"{database.USER}:{first}:{people}",
        f"{database.TITLE}:{database.FIRST}:{TITLES}"])
    return json.loads(told)


def _median_us(work, people):
    return median([_ask(work, people=people)["p50_us"] for _ in range(rounds())])


def _large(work, script, small):
    pick = _PICK.format(people=LARGE_PEOPLE)
    taken = in_turn(
        ours=lambda: _ask(work, people=LARGE_PEOPLE)["p50_us"],
        lone=lambda: _ask("lone")["p50_us"],
        peer=lambda: database.pgbench_median(pick + script))
    ours = median(taken["ours"])
    result(f"ratings.{work}10M", ours, GROWTH_MAX * small, "less")
    result(f"ratings.{work}10M.pgbench", ours, PGBENCH_MAX * median(taken["peer"]) + median(taken["lone"]), "less")
    note(f"ratings.{work}10M, p50 in µs: {spread(taken['ours'])}; among 100,000 {figure(small)}; "
         f"pgbench {spread(taken['peer'])}, a call without a query {spread(taken['lone'])}")


def _bulk():
    rates = []
    for number in range(rounds()):
        _settle()
        taken = _ask("bulk", BULK + 1_000 * number, 1_000)
        rates.append(taken["rows"] / taken["seconds"])
    result("ratings.bulk", median(rates), BULK_MIN, "more")
    note(f"ratings.bulk, rows a second with their events and averages: {spread(rates)}")


def _hot():
    taken = in_turn(hot=lambda: _writers("hot"), cool=lambda: _writers("cool"))
    hot, cool = median(taken["hot"]), median(taken["cool"])
    result("ratings.hot", hot / cool, HOT_MIN, "more")
    note(f"ratings.hot, writes a second of 64 people: one title {spread(taken['hot'])}, 64 titles {spread(taken['cool'])}")


def _writers(work):
    _settle()
    taken = _ask(work, HOT, 64)
    return taken["writes"] / taken["seconds"]


def _stats():
    database.sql(f"""
        INSERT INTO ratings.user_ratings
            (user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at, version)
        SELECT ('{database.USER}' || {HEAVY})::uuid, 'movie', ('{database.TITLE}' || ({database.FIRST} + t))::uuid,
            (1 + t * 17 % 100) / 10.0, CASE WHEN t % 20 = 0 THEN 'Holds up.' END, false,
            timestamptz '{NEWEST}' - (t * 4999 % {DATES_SECONDS}) * interval '1 second', '{NEWEST}', t + 1
        FROM generate_series(0::bigint, {TITLES - 1}) AS t""")
    _settle()
    taken = [_ask("stats", HEAVY)["p50_us"] / 1_000 for _ in range(rounds())]
    result("ratings.stats", median(taken), STATS_MAX_MS, "less")
    note(f"ratings.stats, p50 in ms of a person with {TITLES:,} ratings: {spread(taken)}")

"""ratings: one rating and one page among 10 million and among 100,000, bulk writes, a person's statistics, a title that
everybody rates, and the memory used; against bounds, and against pgbench sending the same statements."""

import json
import os

import database
from measure import Server, figure, free_port, in_turn, median, note, result, rounds, run, seconds, setting, spread
from services import start

SMALL_PEOPLE, LARGE_PEOPLE, RATINGS_EACH = 100, int(os.environ.get("BENCH_RATINGS_PEOPLE", "10000")), 1_000
# The people per statement when the table is filled, and the time limit for a statement and each index.
FILLED_AT_ONCE, FILL_SECONDS = 1_000, 1_800
TITLES = 20_000
# The newest date, and the seconds before it over which the dates are spread.
NEWEST, DATES_SECONDS = "2026-11-01T12:00:00Z", 100_000_000
# A person with a rating of every title, those who write in bulk, and those who rate one title at once.
HEAVY, BULK, HOT = database.FIRST + 20_000, database.FIRST + 30_000, database.FIRST + 40_000
# Bounds: large table relative to small, relative to pgbench, rows a second, milliseconds, one title relative to many,
# MB.
GROWTH_MAX, PGBENCH_MAX = 1.3, 1.2
BULK_MIN, STATS_MAX_MS, HOT_MIN, RSS_MAX_MB = 20_000, 20, 0.5, 100

_U = f"('{database.USER}' || ({database.FIRST} + :u))::uuid"
_PICK = f"\\set u random(0, {{people}} - 1)\n\\set t random(0, {RATINGS_EACH} - 1)\n\\set s random(0, {DATES_SECONDS // 2})\n"
_COLUMNS = ("media_id, media_type, rating, review, spoiler, rated_at, updated_at, source, given_value, given_scale, "
            "play_id, version")
# What the service sends for one title and for a page of the newest, which asks for one row more than a page has.
_T = f"('{database.TITLE}' || ({database.FIRST} + (:u * 37 + :t) % {TITLES}))::uuid"
_POINT = f"""SELECT {_COLUMNS} FROM ratings.user_ratings
WHERE user_id = {_U} AND media_id = coalesce((SELECT to_id FROM ratings.merged_titles WHERE from_id = {_T}), {_T});
"""
_PAGE = f"""SELECT {_COLUMNS} FROM ratings.user_ratings
WHERE user_id = {_U} AND rated_at >= '-infinity' AND (rated_at, media_id)
    < (timestamptz '{NEWEST}' - :s * interval '1 second', '00000000-0000-0000-0000-000000000000')
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
    _large_point(small["point"])
    _large_page(small["page"])
    _stats()
    result("ratings.rss", server.peak_bytes() / 1e6, RSS_MAX_MB, "less")
    server.stop()


def _fill(first, last):
    """Creates ratings of the people from `first` to before `last`, and afterwards the indexes."""
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


def _ask(work, first=database.FIRST, people=1, port=None):
    return json.loads(run(_asking(work, port or setting("BENCH_PORT_ratings"), seconds(), first, people)))


def _asking(work, port, seconds_or_port, first, people):
    return [
        os.path.join(setting("BENCH_PROGRAMS"), "bench-ratings"), work, f"127.0.0.1:{port}",
        setting("BENCH_SECRET_FILE"), str(seconds_or_port), f"{database.USER}:{first}:{people}",
        f"{database.TITLE}:{database.FIRST}:{TITLES}"]


def _start_page_server():
    """Starts a server that returns a fixed page of the service without a query; returns it and its port."""
    port = free_port()
    server = Server("bench-ratings", _asking("serve", setting("BENCH_PORT_ratings"), port, database.FIRST, 1))
    server.await_port(port)
    return server, port


def _median_us(work, people):
    return median([_ask(work, people=people)["p50_us"] for _ in range(rounds())])


def _large_point(small):
    taken = _in_turn_large("point", _POINT)
    _print_large("point", taken, small, taken["empty"])
    _note_large("point", taken, small, f"a call without a query {spread(taken['empty'])}")


def _large_page(small):
    """Measures a page against a call that returns a fixed page, since that too must be encoded, sent and read."""
    server, port = _start_page_server()
    taken = _in_turn_large("page", _PAGE, call=lambda: _ask("page", people=LARGE_PEOPLE, port=port)["p50_us"])
    server.stop()
    _print_large("page", taken, small, taken["call"])
    # The same bound with the cost of a call with an empty response.
    result("ratings.page10M.pgbench.empty", median(taken["ours"]), _bound(taken, taken["empty"]), "less")
    _note_large(
        "page", taken, small, f"a call that returns a fixed page {spread(taken['call'])}, "
        f"one without query and page {spread(taken['empty'])}: the bound is {figure(_bound(taken, taken['call']))} "
        f"with the former, {figure(_bound(taken, taken['empty']))} with the latter")


def _in_turn_large(work, script, **others):
    pick = _PICK.format(people=LARGE_PEOPLE)
    return in_turn(
        ours=lambda: _ask(work, people=LARGE_PEOPLE)["p50_us"],
        empty=lambda: _ask("lone")["p50_us"],
        peer=lambda: database.pgbench_median(pick + script), **others)


def _bound(taken, call):
    return PGBENCH_MAX * median(taken["peer"]) + median(call)


def _print_large(work, taken, small, call):
    ours = median(taken["ours"])
    result(f"ratings.{work}10M", ours, GROWTH_MAX * small, "less")
    result(f"ratings.{work}10M.pgbench", ours, _bound(taken, call), "less")


def _note_large(work, taken, small, calls):
    note(f"ratings.{work}10M, p50 in µs: {spread(taken['ours'])}; among 100,000 {figure(small)}; "
         f"pgbench {spread(taken['peer'])}, {calls}")


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

"""The benchmarks' own Postgres, and pgbench on it as the ratings service's peer."""

import contextlib
import glob
import os
import re
import subprocess

from measure import Trouble, median, run, seconds, setting

# The users and titles with ratings: their ids end in twelve decimal digits, so that pgbench can generate them too.
USERS = 1_000
TITLES = 100
FIRST = 100_000_000_001
USER = "01920000-0000-7000-8000-"
TITLE = "01920000-0000-7000-9000-"
PEER_TABLE = "ratings.bench_user_ratings"
# The tables that writes change.
WRITTEN = (
    "ratings.user_ratings", "ratings.user_versions", "ratings.rating_events", "ratings.rating_aggregates", PEER_TABLE)

_IDS = f"('{USER}' || cast(:u as text))::uuid", f"('{TITLE}' || cast(:t as text))::uuid"
_PICK = f"""\\set u random({FIRST}, {FIRST + USERS - 1})
\\set t random({FIRST}, {FIRST + TITLES - 1})
"""
# What the service sends for a lone ratings.getRating.
READ = _PICK + f"""SELECT media_id, media_type, rating, review, spoiler, rated_at, updated_at, source, given_value,
given_scale, play_id, version FROM ratings.user_ratings
WHERE user_id = {_IDS[0]} AND media_id = coalesce(
(SELECT to_id FROM ratings.merged_titles WHERE from_id = {_IDS[1]}), {_IDS[1]});
"""
# What the service sends for a lone ratings.rateTitle: the rating, its event, the person's version, the averages.
WRITE = _PICK + f"""\\set r random(1, 100)
SELECT fate, results, versions, title, rating, review, spoiler, rated_at, updated_at, source FROM ratings.change_ratings(
ARRAY[{_IDS[0]}], ARRAY[NULL]::text[], ARRAY[NULL]::bytea[], ARRAY['person'], ARRAY[NULL]::uuid[], ARRAY[false],
ARRAY[true], NULL, ARRAY[{_IDS[1]}], ARRAY['movie'], ARRAY[cast(:r as integer) / 10.0], ARRAY['Holds up.'],
ARRAY[NULL]::boolean[], ARRAY[now()], ARRAY[NULL]::numeric[], ARRAY[NULL]::text[], ARRAY[NULL]::uuid[],
ARRAY[NULL]::bigint[], ARRAY[NULL]::text[], now());
"""
# The rating alone, without its history and the averages, into a table of the same shape with the same indexes.
UPSERT = _PICK + f"""\\set r random(1, 100)
INSERT INTO {PEER_TABLE} (user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at)
VALUES ({_IDS[0]}, 'movie', {_IDS[1]}, cast(:r as integer) / 10.0, 'Holds up.', false, now(), now())
ON CONFLICT (user_id, media_id) DO UPDATE SET media_type = EXCLUDED.media_type, rating = EXCLUDED.rating,
review = EXCLUDED.review, spoiler = EXCLUDED.spoiler, rated_at = EXCLUDED.rated_at, updated_at = EXCLUDED.updated_at;
"""


def _postgres(program):
    return os.path.join(setting("BENCH_PG_BIN"), program)


def _psql(*options):
    return [
        _postgres("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", setting("BENCH_PG_SOCKETS"),
        "-p", setting("BENCH_PG_PORT"), "-U", setting("BENCH_PG_ADMIN"), "-d", setting("BENCH_PG_DATABASE"), *options
    ]


def sql(text, limit=600):
    """Runs SQL as the administrator, over the socket, for `limit` seconds at most."""
    return run(_psql("-c", text), limit=limit).strip()


@contextlib.contextmanager
def committing(rate):
    """Meanwhile commits `rate` transactions a second that change nothing."""
    with subprocess.Popen(_psql(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as writer:
        writer.stdin.write(f"SELECT pg_current_xact_id() \\watch {1 / rate}\n")
        writer.stdin.flush()
        try:
            yield
            if writer.poll() is not None:
                raise Trouble("the writer has ended early")
        finally:
            writer.kill()


def fill():
    """Creates a rating of every title by every user, and an identical table for the peer's writes."""
    sql(f"""
        INSERT INTO ratings.user_ratings
            (user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at)
        SELECT ('{USER}' || u)::uuid, 'movie', ('{TITLE}' || t)::uuid, 8.5, 'Holds up.', false,
            '2026-11-01T12:00:00Z', '2026-11-01T12:00:00Z'
        FROM generate_series({FIRST}::bigint, {FIRST + USERS - 1}) AS u,
            generate_series({FIRST}::bigint, {FIRST + TITLES - 1}) AS t""")
    sql(f"CREATE TABLE {PEER_TABLE} (LIKE ratings.user_ratings INCLUDING ALL)")
    sql(f"INSERT INTO {PEER_TABLE} SELECT * FROM ratings.user_ratings")
    sql(f"GRANT ALL ON {PEER_TABLE} TO reelay_ratings")
    for name in ("synchronous_commit", "fsync", "full_page_writes"):
        if sql(f"SHOW {name}") != "on":
            raise Trouble(f"{name} is not on: writes would not be durable")


def settle():
    """Gives each measurement the same start: no dead rows, and no checkpoint left over from the previous one."""
    for table in WRITTEN:
        sql(f"VACUUM ANALYZE {table}")
    sql("CHECKPOINT")


def _pgbench(script, clients, extra=()):
    """Runs pgbench as the service's own role, over TCP like the service."""
    path = os.path.join(setting("BENCH_WORK"), "pgbench.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    with open(setting("BENCH_PG_PASSWORD_FILE"), encoding="ascii") as file:
        password = file.read().strip()
    return run(
        [_postgres("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
         "-T", str(max(round(seconds()), 1)), "-f", path, *extra, "-h", "127.0.0.1", "-p", setting("BENCH_PG_PORT"),
         "-U", "reelay_ratings", setting("BENCH_PG_DATABASE")],
        environment={"PGPASSWORD": password})


def pgbench_rate(script, clients):
    """Returns transactions a second."""
    told = _pgbench(script, clients)
    found = re.search(r"tps = ([\d.]+) \(without", told)
    if not found or not re.search(r"number of failed transactions: 0 ", told):
        raise Trouble(f"pgbench printed:\n{told}")
    return float(found.group(1))


def pgbench_median(script):
    """Returns the median of one client's transactions, in microseconds."""
    prefix = os.path.join(setting("BENCH_WORK"), "pgbench-log")
    for path in glob.glob(prefix + ".*"):
        os.remove(path)
    _pgbench(script, 1, ["--log", f"--log-prefix={prefix}"])
    times = []
    for path in glob.glob(prefix + ".*"):
        with open(path, encoding="ascii") as file:
            times += [int(line.split()[2]) for line in file]
        os.remove(path)
    if not times:
        raise Trouble("pgbench logged no transaction")
    return median(times)

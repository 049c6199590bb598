"""What schemathesis must know about this API that the document cannot express."""

import os

import schemathesis
from hypothesis import strategies as st

# RFC 9110 §8.8.3 without obs-text. By default schemathesis generates headers of letters and digits only, finds no
# entity tag among them, and then sends an invalid one as if it were valid.
TAGS = st.builds(
    '{}"{}"'.format, st.sampled_from(["", "W/"]),
    st.text(st.characters(codec="ascii", min_codepoint=0x23, max_codepoint=0x7E), max_size=24))
schemathesis.openapi.format("entity-tags", st.just("*") | st.lists(TAGS, min_size=1, max_size=8).map(", ".join))

# An archive is bytes like any others.
schemathesis.serializer.alias("application/zip", "application/octet-stream")

# A stream lasts as long as the request allows; the shortest one shows as much as one of a quarter of an hour.
STREAM = "GET /api/v1/events"
STREAM_SECONDS = [str(seconds) for seconds in range(1, 901)]

# The document's examples name a title that does not exist. Sent unchanged, they would only reach a 404, so an existing
# title takes its place.
NOBODY = "01920000-0000-7000-8000-000000000603"
TITLES = dict(pair.split("=") for pair in os.environ.get("REELAY_SCHEMATHESIS_TITLES", "").split())


def put(value, title):
    """Returns `value` with `title` in place of the one that does not exist."""
    if isinstance(value, dict):
        return {name: put(member, title) for name, member in value.items()}
    if isinstance(value, list):
        return [put(item, title) for item in value]
    return title if value == NOBODY else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives valid requests an existing title and a short stream; leaves the others unchanged."""
    kind = case.operation.path.removeprefix("/api/v1/").split("/")[0]
    title = TITLES.get(kind, TITLES.get("movies"))
    for part in ("path_parameters", "query", "body") if title else ():
        value = getattr(case, part)
        known = put(value, title)
        if known != value:
            setattr(case, part, known)
    if case.operation.label == STREAM and case.method == "GET":
        seconds = (case.query or {}).get("seconds")
        if seconds is None or str(seconds) in STREAM_SECONDS:
            case.query = {**(case.query or {}), "seconds": 1}

"""The two queries on Prometheus's HTTP API."""

import http.client
import json
import math
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 60


class Away(Exception):
    """Prometheus does not answer, or something else does."""


class Refused(Exception):
    """Prometheus rejects the query."""


class Prometheus:
    def __init__(self, url, headers):
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise Away(f"{url} is not the URL of a Prometheus: http://HOST:PORT")
        self._url = url.rstrip("/")
        self._headers = headers

    def series(self, expression, begin, end, step):
        """Returns labels and points (seconds, value; no NaN) of each series over a time range."""
        found = self._ask("query_range", query=expression, start=begin, end=end, step=step)
        if found.get("resultType") != "matrix":
            raise Refused(f"it returns a {found.get('resultType')}")
        all_series = []
        for one in found["result"]:
            points = [(float(at), float(value)) for at, value in one["values"]]
            all_series.append((one["metric"], [point for point in points if not math.isnan(point[1])]))
        return all_series

    def has(self, metric, begin, end):
        """Returns whether it has a metric in a time range."""
        found = self._ask("query", query=f"count(last_over_time({metric}[{max(1, math.ceil(end - begin))}s]))", time=end)
        return bool(found["result"])

    def _ask(self, path, **parameters):
        request = urllib.request.Request(
            f"{self._url}/api/v1/{path}", urllib.parse.urlencode(parameters).encode(), self._headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return self._data(answer.read())
        except urllib.error.HTTPError as failure:
            body = failure.read()
            # Prometheus explains its own refusals; anything else comes from a proxy.
            try:
                raise Refused(json.loads(body)["error"]) from None
            except (ValueError, KeyError, TypeError):
                raise Away(f"{self._url} answers {failure.code} {failure.reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            raise Away(f"{self._url}: {getattr(trouble, 'reason', None) or trouble}") from None

    def _data(self, body):
        try:
            answer = json.loads(body)
            if answer["status"] == "success":
                return answer["data"]
        except (ValueError, KeyError, TypeError):
            raise Away(f"{self._url} does not answer as Prometheus does") from None
        raise Refused(answer.get("error", "no reason given"))

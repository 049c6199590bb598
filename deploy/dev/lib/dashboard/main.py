"""Runs every query of a dashboard on a Prometheus and reports what it has; see deploy/dev/dashboard --help."""

import argparse
import datetime
import sys
import time

from panels import Dashboard, Unfit, filled_in, metrics_of, seconds_of, step_of
from prometheus import Away, Prometheus, Refused

PICTURE_WIDTH = 1600


def moment(text):
    """Parses a time into seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Unfit(f"not a time: {text} (expected: 2026-11-23T10:00:00Z, or seconds since 1970)") from None
    return (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()


def read_headers(path):
    headers = {}
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file if line.strip()]
        except (OSError, ValueError) as trouble:
            raise Unfit(f"{path}: {trouble}") from None
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise Unfit(f"{path} has a line that is not a header")
            headers[name.strip()] = value.strip()
    return headers


def read_variables(pairs):
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Unfit(f"--variable needs NAME=VALUE: {pair}")
        variables[name] = value
    return variables


class Asking:
    """All queries of a dashboard over one time range, and their outcomes."""

    def __init__(self, options, dashboard):
        self.dashboard = dashboard
        self.prometheus = Prometheus(options.prometheus, read_headers(options.headers))
        self.scrape_interval = seconds_of(options.scrape_interval)
        self.variables = {**dashboard.variables, **read_variables(options.variable)}
        self.end = moment(options.until) if options.until else time.time()
        self.span = seconds_of(options.last) if options.last else dashboard.last
        self.nothing_may_be_empty = options.nothing_may_be_empty
        self.may_be_empty = set(options.may_be_empty)
        unknown = self.may_be_empty - {panel.title for panel in dashboard.panels}
        if unknown:
            raise Unfit(f"no panel is called {', '.join(sorted(unknown))}")
        self.counts = {"data": 0, "empty": 0, "EMPTY": 0, "REFUSED": 0}

    def ask(self, panel, query):
        """Runs a query and prints the outcome."""
        query.step = step_of(self.span, panel.pixels(PICTURE_WIDTH), self.scrape_interval)
        # Aligned as in Grafana, so that repeated queries ask for the same points.
        begin, end = ((self.end - past) // query.step * query.step for past in (self.span, 0))
        try:
            expression = filled_in(query.expression, query.step, self.span, self.scrape_interval, self.variables)
            query.series = [one for one in self.prometheus.series(expression, begin, end, query.step) if one[1]]
        except (Refused, Unfit) as trouble:
            query.refusal = str(trouble)
            self.say("REFUSED", panel, query, str(trouble))
            return
        if query.series:
            self.say("data", panel, query, f"{len(query.series)} series" if len(query.series) > 1 else "1 series")
            return
        missing = [name for name in metrics_of(expression) if not self.prometheus.has(name, begin, end)]
        why = f"Prometheus has no {', '.join(missing)}" if missing else "the metric exists, but no series matches"
        if self.nothing_may_be_empty or not (panel.no_value or panel.title in self.may_be_empty):
            self.say("EMPTY", panel, query, why)
        else:
            self.say("empty", panel, query, f"which means here: {panel.no_value or 'as told'} ({why})")

    def say(self, word, panel, query, text):
        self.counts[word] += 1
        print(f"{word:8} {panel.title}: {text}")
        if word.isupper():
            print(f"{'':8} {query.expression}")

    @property
    def has_failed(self):
        return bool(self.counts["EMPTY"] or self.counts["REFUSED"])


def main(arguments):
    parser = argparse.ArgumentParser(prog="dashboard", add_help=False, allow_abbrev=False)
    parser.add_argument("--dashboard", required=True)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--last")
    parser.add_argument("--until")
    parser.add_argument("--picture")
    parser.add_argument("--may-be-empty", action="append", default=[])
    parser.add_argument("--nothing-may-be-empty", action="store_true")
    parser.add_argument("--scrape-interval", default="15s")
    parser.add_argument("--variable", action="append", default=[])
    parser.add_argument("--headers")
    options = parser.parse_args(arguments)
    try:
        asking = Asking(options, Dashboard(options.dashboard))
        for panel in asking.dashboard.panels:
            for query in panel.queries:
                asking.ask(panel, query)
        if options.picture:
            # Imported only here, so that text output does not need matplotlib.
            from draw import draw
            draw(asking.dashboard, asking.end - asking.span, asking.end, PICTURE_WIDTH, options.picture)
    except (Unfit, Away, OSError) as trouble:
        print(f"dashboard: {trouble}", file=sys.stderr)
        return 2
    counts = asking.counts
    print(f"{sum(counts.values())} queries: {counts['data']} with data, {counts['empty']} allowed to be empty, "
          f"{counts['EMPTY']} empty, {counts['REFUSED']} refused")
    return 1 if asking.has_failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

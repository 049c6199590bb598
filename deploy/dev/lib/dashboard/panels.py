"""Models a Grafana dashboard of time series: panels, positions, queries, and Grafana's interpolation of variables."""

import json
import re

# The grid of panels has 24 columns; its rows are 30 pixels high with gaps of 8.
COLUMNS = 24
ROW_PIXELS = 38
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# How Grafana rounds the interval between points, in milliseconds: below the first number, to the second.
ROUNDED = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000), (3500, 2000), (7500, 5000),
    (12500, 10000), (17500, 15000), (25000, 20000), (45000, 30000), (90000, 60000), (210000, 120000), (450000, 300000),
    (750000, 600000), (1050000, 900000), (1500000, 1200000), (2700000, 1800000), (5400000, 3600000), (9000000, 7200000),
    (16200000, 10800000), (32400000, 21600000), (86400000, 43200000), (604800000, 86400000), (1814400000, 604800000),
)
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]|\$(\w+)")
# Words in an expression that are not metrics, besides those before a parenthesis.
OPERATORS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "inf", "nan"}


class Unfit(Exception):
    """The dashboard, or an argument, is not usable."""


class Panel:
    """One panel, or the heading of a row of them."""

    def __init__(self, source):
        place = source.get("gridPos", {})
        self.title = source.get("title", "")
        self.description = source.get("description") or ""
        self.kind = source.get("type", "")
        self.x, self.y, self.width, self.height = (place.get(key, 0) for key in "xywh")
        defaults = source.get("fieldConfig", {}).get("defaults", {})
        self.unit = defaults.get("unit", "short")
        self.floor, self.ceiling = defaults.get("min"), defaults.get("max")
        # The text that an empty panel shows.
        self.no_value = defaults.get("noValue")
        self.queries = [Query(target) for target in source.get("targets", []) if not target.get("hide")]

    @property
    def is_heading(self):
        return self.kind == "row"

    def pixels(self, picture_width):
        """Returns its width; Grafana asks for at most one point per pixel."""
        return max(1, picture_width * self.width // COLUMNS)


class Query:
    def __init__(self, source):
        self.expression = source.get("expr", "")
        self.legend = source.get("legendFormat", "")
        # Set when the query is run.
        self.series, self.step, self.refusal = [], 0, None

    def name_of(self, labels):
        """Returns the legend of a series; missing labels are empty."""
        if self.legend and self.legend != "__auto":
            return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda found: labels.get(found[1], ""), self.legend).strip()
        inside = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
        return labels.get("__name__", "") + (f"{{{inside}}}" if inside else "")


class Dashboard:
    def __init__(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                source = json.load(file)
        except (OSError, ValueError) as trouble:
            raise Unfit(f"{path}: {trouble}") from None
        self.title = source.get("title", "")
        self.panels = []
        for panel in source.get("panels", []):
            # A collapsed row contains its panels.
            self.panels += [Panel(panel)] + [Panel(inner) for inner in panel.get("panels") or []]
        for panel in self.panels:
            if panel.kind not in ("row", "timeseries"):
                raise Unfit(f"{panel.title}: a panel of kind {panel.kind}; only time series are supported")
        begin = source.get("time", {}).get("from", "now-6h")
        found = re.fullmatch(r"now-(\w+)", begin)
        self.last = seconds_of(found[1]) if found else 6 * 3600
        self.variables = {}
        for variable in source.get("templating", {}).get("list", []):
            value = variable.get("current", {}).get("value")
            if value is None and variable.get("type") in ("constant", "textbox"):
                value = variable.get("query")
            if isinstance(value, list):
                value = "|".join(value)
            if isinstance(value, str):
                self.variables[variable["name"]] = value


def seconds_of(text):
    """Parses 15m, 6h and the like."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", text)
    if not found:
        raise Unfit(f"not a duration: {text} (expected: 90s, 15m, 6h, 2d)")
    return int(found[1]) * SECONDS[found[2]]


def length(seconds):
    """Formats seconds as a Prometheus duration."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def step_of(span, points, scrape_interval):
    """Returns the seconds between points that Grafana asks for: rounded, and at least the scrape interval."""
    milliseconds = span * 1000 / points
    rounded = next((to for below, to in ROUNDED if milliseconds < below), 2592000000)
    return max(rounded / 1000, scrape_interval)


def filled_in(expression, step, span, scrape_interval, variables):
    """Returns the expression with variables interpolated as Grafana does for Prometheus."""
    known = {
        "__interval": length(step),
        "__interval_ms": str(round(step * 1000)),
        "__rate_interval": length(max(step + scrape_interval, 4 * scrape_interval)),
        "__range": length(span),
        "__range_s": str(round(span)),
        "__range_ms": str(round(span * 1000)),
        **variables,
    }

    def value(found):
        name = found[1] or found[2] or found[3]
        if name not in known:
            raise Unfit(f"${name} has no value (--variable {name}=…)")
        return known[name]

    return VARIABLE.sub(value, expression)


def metrics_of(expression):
    """Returns the metrics that an expression reads."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', "", expression)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()", bare)
    return [word for word in dict.fromkeys(words) if word.lower() not in OPERATORS]

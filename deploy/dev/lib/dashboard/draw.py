"""Draws the panels of a dashboard into one PNG, with matplotlib."""

import datetime
import math

import matplotlib

matplotlib.use("Agg")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from panels import COLUMNS, ROW_PIXELS

# One point is one pixel: all sizes here are pixels.
DPI = 72
HEAD, FOOT, GAP = 46, 34, 8
LINE, LEGEND_LINES_MAX = 16, 4
PAPER, CARD, EDGE, GRID = "#f4f5f5", "#ffffff", "#dcdee0", "#ececee"
INK, SOFT, WRONG = "#24292e", "#6e757c", "#c4162a"
COLOURS = (
    "#1f78c1", "#e0752d", "#3f8f3f", "#c4162a", "#705da0", "#b8860b", "#0a9ba3", "#ba43a9", "#6d5b4f", "#7a7f00", "#5794f2",
    "#ff9830", "#73bf69", "#f2495c",
)
TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
PNG_COLOURS = 128


def draw(dashboard, begin, end, width, path):
    Picture(dashboard, begin, end, width).save(path)


class Picture:
    def __init__(self, dashboard, begin, end, width):
        matplotlib.rcParams.update({"font.family": ["DejaVu Sans"], "text.parse_math": False})
        rows = max((panel.y + panel.height for panel in dashboard.panels), default=0)
        self.width, self.height = width, HEAD + rows * ROW_PIXELS + FOOT
        self.begin, self.end = begin, end
        self.figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.renderer = self.canvas.get_renderer()
        self.text(16, 14, dashboard.title, 19, weight="bold")
        self.text(width - 16, 18, f"{stamp(begin)} – {stamp(end)} UTC", 12, SOFT, align="right")
        for panel in dashboard.panels:
            if panel.is_heading:
                self.heading(panel)
            else:
                self.panel(panel)
        self.text(
            16, self.height - FOOT + 9,
            "Drawn by deploy/dev/dashboard from dashboard.json and Prometheus's data. Grafana draws the same panels in its "
            "own way.", 12, SOFT)

    def save(self, path):
        self.canvas.draw()
        picture = Image.frombytes("RGBA", self.canvas.get_width_height(), bytes(self.canvas.buffer_rgba())).convert("RGB")
        # Lines and letters need few colours, and pages with pictures should load fast.
        picture.quantize(PNG_COLOURS, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)

    # Drawing, in pixels from the left and the top.

    def text(self, x, y, text, size, colour=INK, align="left", weight="normal"):
        self.figure.text(
            x / self.width, 1 - y / self.height, text, fontsize=size, color=colour, ha=align, va="top", weight=weight)

    def text_width(self, text, size, weight="normal"):
        font = matplotlib.font_manager.FontProperties(family=["DejaVu Sans"], size=size, weight=weight)
        return self.renderer.get_text_width_height_descent(text, font, False)[0]

    def cut(self, text, size, room):
        """Returns as much of a text as fits."""
        if self.text_width(text, size) <= room:
            return text
        while text and self.text_width(text + "…", size) > room:
            text = text[:-1]
        return text.rstrip() + "…" if text else ""

    def place(self, panel):
        """Returns left, top, width and height of a panel."""
        column = (self.width - GAP) / COLUMNS
        return (GAP + panel.x * column, HEAD + panel.y * ROW_PIXELS, panel.width * column - GAP, panel.height * ROW_PIXELS - GAP)

    def heading(self, panel):
        left, top, _, _ = self.place(panel)
        self.text(left + 4, top + 8, panel.title, 15, weight="bold")

    def panel(self, panel):
        left, top, width, height = self.place(panel)
        self.figure.add_artist(Rectangle(
            (left / self.width, 1 - (top + height) / self.height), width / self.width, height / self.height,
            facecolor=CARD, edgecolor=EDGE, linewidth=1, zorder=-1))
        title = self.cut(panel.title, 13, width - 24)
        self.text(left + 12, top + 9, title, 13, weight="bold")
        taken = self.text_width(title, 13, "bold") + 24
        self.text(left + taken, top + 11, self.cut(panel.description, 11, width - 12 - taken), 11, SOFT)
        drawn = [(query, labels, points) for query in panel.queries for labels, points in query.series]
        refusal = next((query.refusal for query in panel.queries if query.refusal), None)
        names = [(query.name_of(labels), COLOURS[place % len(COLOURS)]) for place, (query, labels, _) in enumerate(drawn)]
        lines = self.legend_lines(names, width - 24)
        self.legend(lines, left + 12, top + height - 8 - LINE * len(lines))
        if refusal or not drawn:
            text = self.cut(refusal, 12, width - 24) if refusal else panel.no_value or "No data"
            colour = WRONG if refusal or not panel.no_value else SOFT
            self.text(left + width / 2, top + height / 2 - 7, text, 12, colour, align="center")
        if drawn:
            axes = self.axes(left + 64, top + 36, width - 64 - 16, height - 36 - 26 - 8 - LINE * len(lines), panel.unit)
            for place, (query, _, points) in enumerate(drawn):
                curve(axes, points, query.step, COLOURS[place % len(COLOURS)])
            self.bounds(axes, panel, [value for _, _, points in drawn for _, value in points if math.isfinite(value)])

    def axes(self, left, top, width, height, unit):
        axes = self.figure.add_axes(
            [left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height])
        axes.set_facecolor("none")
        for side in axes.spines.values():
            side.set_visible(False)
        axes.grid(True, color=GRID, linewidth=1)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=11, labelcolor=SOFT, pad=5)
        axes.set_xlim(self.begin, self.end)
        step = next((step for step in TIME_STEPS if (self.end - self.begin) / step <= width / 62), TIME_STEPS[-1])
        # No tick so close to the left end that it would collide with the numbers of the other axis.
        first = math.ceil((self.begin + (self.end - self.begin) * 20 / width) / step) * step
        axes.set_xticks([first + step * place for place in range(int((self.end - first) // step) + 1)])
        form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%m-%d"
        axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: utc(at).strftime(form)))
        axes.yaxis.set_major_locator(Binary(5) if unit == "bytes" else MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, unit)))
        return axes

    def bounds(self, axes, panel, values):
        lowest, highest = min(values, default=0), max(values, default=1)
        low = lowest if panel.floor is None else min(panel.floor, lowest)
        high = highest if panel.ceiling is None else max(panel.ceiling, highest)
        if high == low:
            high = low + 1
        room = (high - low) * 0.06
        axes.set_ylim(low - room if panel.floor is None else low, high + room if panel.ceiling is None else high)

    def legend_lines(self, names, room):
        """Returns names and colours by line; counts those that do not fit."""
        lines, taken = [], room + 1
        for place, (name, colour) in enumerate(names):
            name = self.cut(name, 11, room - 24)
            needed = 20 + self.text_width(name, 11) + 14
            if taken + needed > room:
                if len(lines) == LEGEND_LINES_MAX:
                    left_out = f"and {len(names) - place} more"
                    while lines[-1] and sum(20 + self.text_width(one, 11) + 14 for one, _ in lines[-1]) + 90 > room:
                        lines[-1].pop()
                        left_out = f"and {len(names) - place + 1} more"
                    lines[-1].append((left_out, None))
                    break
                lines.append([])
                taken = 0
            lines[-1].append((name, colour))
            taken += needed
        return lines

    def legend(self, lines, left, top):
        for row, line in enumerate(lines):
            x, y = left, top + row * LINE
            for name, colour in line:
                if colour:
                    self.figure.add_artist(Line2D(
                        [x / self.width, (x + 14) / self.width], [1 - (y + 7) / self.height] * 2, color=colour, linewidth=3))
                self.text(x + (20 if colour else 0), y, name, 11)
                x += 20 + self.text_width(name, 11) + 14


class Binary(MaxNLocator):
    """Ticks at round numbers of KiB, MiB and so on."""

    def tick_values(self, low, high):
        size = 1
        while high >= size * 1024:
            size *= 1024
        # Up to a few GiB, ticks are in MiB, and so on.
        if size > 1 and high < 4 * size:
            size /= 1024
            return [tick * size for tick in MaxNLocator(5, steps=[1, 1.28, 2.56, 5.12, 10]).tick_values(low / size, high / size)]
        return [tick * size for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low / size, high / size)]


def curve(axes, points, step, colour):
    """Draws a line through consecutive points, and a dot for an isolated one."""
    parts = []
    for at, value in points:
        if not parts or at - parts[-1][-1][0] > step * 1.5:
            parts.append([])
        parts[-1].append((at, value))
    for part in parts:
        alone = len(part) == 1
        axes.plot([at for at, _ in part], [value for _, value in part], color=colour, linewidth=1.5, solid_joinstyle="round",
                  marker="o" if alone else None, markersize=4, clip_on=False)


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def stamp(seconds):
    return utc(seconds).strftime("%Y-%m-%d %H:%M:%S")


def plain(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def scaled(value, size, names, first=0):
    """Formats a value with the largest prefix that leaves it at 1 or more."""
    place = first
    while abs(value) >= size and place < len(names) - 1:
        value, place = value / size, place + 1
    return plain(value) + names[place]


def in_unit(value, unit):
    """Formats a value in one of Grafana's units; an unknown unit follows by name."""
    # The rounding error of a sum of fractions.
    if abs(value) < 1e-12:
        value = 0
    if unit in ("short", "none", ""):
        return scaled(value, 1000, ["", " K", " Mil", " Bil"])
    if unit == "reqps":
        return scaled(value, 1000, [" req/s", "K req/s", "M req/s"])
    if unit == "bytes":
        return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"])
    if unit == "percentunit":
        return f"{plain(value * 100)}%"
    if unit == "percent":
        return f"{plain(value)}%"
    if unit == "s":
        for size, name in ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")):
            if abs(value) >= size:
                return plain(value / size) + name
        return f"{plain(value)} s"
    if unit == "d":
        return f"{plain(value)} d"
    return f"{plain(value)} {unit}"

# SPDX-License-Identifier: MIT
"""Pictures of a run, SVG written by hand: throughput by the size of the call, and slowdown
by overcommit.
"""
import os
from math import log2
from xml.sax.saxutils import escape

from rows import RATIOS, sizes
from samples import BYTES

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 50, 60
COLORS = ("#0b6e99", "#d9730d", "#6940a5", "#448361", "#ad1a72", "#64473a")


class Chart:
    """x and y: (least, most) of the axes; x is what the caller makes of it."""

    def __init__(self, title, x, y, labels):
        self.x, self.y = x, y
        self.keys = 0
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<title>{escape(title)}</title>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        ]
        self.text(LEFT, 24, title, size=15)
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, labels[0], "middle")
        self.lines.append(f'<text transform="translate(20 {(TOP + HEIGHT - BOTTOM) / 2:.1f}) rotate(-90)" '
                          f'text-anchor="middle">{escape(labels[1])}</text>')

    def at(self, x, y):
        return (LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (y - self.y[0]) / (self.y[1] - self.y[0]) * (HEIGHT - TOP - BOTTOM))

    def text(self, x, y, words, anchor="start", size=12):
        self.lines.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
                          f'{escape(words)}</text>')

    def line(self, points, color, dashed=False, width=2):
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        self.lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" '
                          f'stroke-width="{width}"{dash}/>')

    def ticks_x(self, ticks):
        for value, label in ticks:
            self.line([(value, self.y[0]), (value, self.y[1])], "#e3e3e3", width=1)
            x, y = self.at(value, self.y[0])
            self.text(x, y + 18, label, "middle")

    def ticks_y(self, values):
        for value in values:
            self.line([(self.x[0], value), (self.x[1], value)], "#e3e3e3", width=1)
            x, y = self.at(self.x[0], value)
            self.text(x - 8, y + 4, f"{value:g}", "end")

    def key(self, name, color, dashed=False):
        y = TOP + 8 + 20 * self.keys
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self.lines.append(f'<line x1="{WIDTH - RIGHT + 12}" y1="{y}" x2="{WIDTH - RIGHT + 40}" y2="{y}" '
                          f'stroke="{color}" stroke-width="2"{dash}/>')
        self.text(WIDTH - RIGHT + 46, y + 4, name)
        self.keys += 1

    def series(self, name, points, color, dashed=False):
        self.line(points, color, dashed)
        if not dashed:
            for x, y in (self.at(*point) for point in points):
                self.lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>')
        self.key(name, color, dashed)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines + ["</svg>"]) + "\n")


def throughput(boot):
    found = sizes(boot)
    moves = sorted({move for move, _, _ in found}, key=lambda move: (move[-2:], move))
    widest = sorted({mib for _, mib, _ in found})
    chart = Chart(f"Prefetch, Linux {boot.facts['release']}, instructions counted",
                  (log2(widest[0]), log2(widest[-1])), (0, 9), ("MiB a call moves", "GB/s (1 ns = 1 instruction)"))
    chart.ticks_x([(log2(mib), str(mib)) for mib in widest])
    chart.ticks_y(range(0, 10))
    copy = boot.median("copy_2m", "floor")
    if copy:
        chart.series("plain copy", [(x, BYTES / copy) for x in chart.x], "#555555", True)
    for move, color in zip(moves, COLORS):
        chart.series(move, [(log2(mib), (mib << 20) / ns) for name, mib, ns in found if name == move], color)
    return chart


def overcommit_points(boot, kind, end=""):
    """(percent of VRAM, slowdown) of rows overcommit_KIND_PERCENT."""
    found = []
    for (row, who) in boot.numbers:
        words = row.split("_")
        if who != "floor" or words[:2] != ["overcommit", kind] or "_".join(words[3:]) != end:
            continue
        found.append((int(words[2]), boot.median(row) / boot.median(row, "floor")))
    return sorted(found)


def overcommit(boot):
    random = {end: overcommit_points(boot, "random", end) for end in ("", "4k")}
    most = max(slowdown for end in random for _, slowdown in
               random[end] + overcommit_points(boot, "seq", end))
    top = max(5, int(most) + 1)
    chart = Chart(f"Overcommit, Linux {boot.facts['release']}, instructions counted", (100, 300), (0, top),
                  ("memory in use, % of the device's", "times slower than inside"))
    chart.ticks_x([(percent, str(percent)) for percent in (100, 130, 150, 175, 200, 250, 300)])
    chart.ticks_y(range(0, top + 1, max(1, top // 10)))
    targets = [(int(name.rsplit("_", 1)[1]), value) for name, value in RATIOS.items()
               if name.startswith("overcommit_random")]
    chart.series("random: at most", sorted(targets), "#999999", True)
    for end, colors in (("", COLORS[:2]), ("4k", COLORS[2:4])):
        size = end or "2m"
        chart.series(f"random reuse, {size}", [(100, 1.0)] + random[end], colors[0])
        chart.series(f"sequential, {size}", overcommit_points(boot, "seq", end), colors[1])
    return chart


def pictures(directory, boots):
    """Writes those that there are numbers for, of the first boot under icount that has them."""
    for name, draw, row in (("throughput", throughput, "size_2_to_device_2m"),
                            ("overcommit", overcommit, "overcommit_random_300")):
        boot = next((boot for boot in boots if boot.icount and not boot.stock and boot.median(row)), None)
        if boot:
            draw(boot).write(os.path.join(directory, f"{name}.svg"))

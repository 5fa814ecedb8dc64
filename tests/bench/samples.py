# SPDX-License-Identifier: MIT
"""What one boot of tests/bench/run measured: facts, numbers of each row, and whether they
are any good.

A file of samples has "key<TAB>value" lines, then "row<TAB>who<TAB>number" lines.
"""
import statistics
import sys

BYTES = 256 << 20
# rep movsq moves 8 bytes an instruction, and icount makes one of them a nanosecond.
COPY_GB_PER_S = 8.0
COPY_TOLERANCE = 0.01
# What instructions of the same work may differ by from round to round.
STEADY = 0.01


class Boot:
    """facts: dict of strings; median() and spread() of a row and who it is of."""

    def __init__(self, path):
        self.facts, self.numbers = {}, {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                if len(fields) == 2:
                    self.facts[fields[0]] = fields[1]
                elif len(fields) == 3:
                    self.numbers.setdefault((fields[0], fields[1]), []).append(int(fields[2]))
        if not self.numbers or not {"kernel", "mode", "commit", "cmdline", "release"} <= self.facts.keys():
            sys.exit(f"error: {path} is not a boot's samples, or not all of them")
        self.path = path
        self.rounds = len(next(iter(self.numbers.values())))
        self.icount = self.facts["mode"] == "icount"
        self.stock = "init_on_alloc=0" not in self.facts["cmdline"].split()
        # All in pages of 4 KiB.
        self.small = self.facts.get("large_pages") == "0"

    def median(self, row, who="amdsvm"):
        numbers = self.numbers.get((row, who))
        return statistics.median_low(numbers) if numbers else None

    def spread(self, row, who="amdsvm"):
        """From the least to the most, as a share of the median; None of a single number."""
        numbers = self.numbers.get((row, who), ())
        median = self.median(row, who)
        return (max(numbers) - min(numbers)) / median if median and len(numbers) > 1 else None

    def check(self):
        """Ends the program when the boot's own copy is not what its clock says it must be."""
        for size in ("4k", "2m"):
            copy = self.median(f"copy_{size}", "floor")
            if not self.icount or not copy:
                continue
            speed = BYTES / copy
            if abs(speed / COPY_GB_PER_S - 1) > COPY_TOLERANCE:
                sys.exit(f"error: {self.path}: void: copy_page() ran at {speed:.2f} GB/s of the icount "
                         f"clock over {size} pages, not at {COPY_GB_PER_S} +-{COPY_TOLERANCE:.0%}")

    def title(self):
        alloc = "stock command line" if self.stock else "init_on_alloc=0"
        clock = "icount: 1 ns is 1 guest instruction" if self.icount else "wall time, 2 processors"
        vram = self.facts.get("vram_mb")
        return f"Linux {self.facts['release']}, {clock}, {alloc}" + (
            f", devices of {vram} MiB" if vram else "") + (
            ", large_pages off" if self.small else "")

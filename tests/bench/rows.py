# SPDX-License-Identifier: MIT
"""The rows of make bench: what each is measured against, what its ratio says, and what it
must reach.
"""
from typing import NamedTuple, Optional

from samples import STEADY


class Kind(NamedTuple):
    """floor: "copy", "clear", "own" (a number of the row's own) or None.

    share: the ratio is the floor's part of the time, so that more is better; else it is
    how many times the floor the time is, so that less is.
    """
    floor: Optional[str]
    share: bool
    says: str
    unit: str = "ms"


COPY = Kind("copy", True, "of copy speed")
CLEAR = Kind("clear", True, "of clear speed")
FIRST = Kind("own", False, "of the first's time")
SPEED_UP = Kind("own", True, "x one thread")
WORK = Kind("own", True, "x its CPU time")
SLOWDOWN = Kind("own", False, "x slower than in VRAM")
WARM = Kind("own", False, "x slower than warm")
TOUCH = Kind("own", False, "x a CPU's first touch", "ns")
CALL = Kind("own", False, "x with 1,000 ranges", "ns")
PEER = Kind(None, False, "")

SIZES = ("4k", "2m")
# In the order of the table. Names without a size are rows of 2 MiB pages, and have a
# second row of 4 KiB pages.
SIZED = {
    "to_device": COPY,
    "to_system": COPY,
    "cpu_fault": COPY,
    "device_to_device": COPY,
    "device_fault": COPY,
    "to_device_untouched": CLEAR,
    "device_first_touch": TOUCH,
    "device_first_touch_in_place": TOUCH,
    "device_stream_cold": WARM,
    "test_hmm_read_back": PEER,
}
PLAIN = {
    "repeat_prefetch": FIRST,
    "copy_2_threads": SPEED_UP,
    "touch_2_threads": SPEED_UP,
    "cpu_fault_2_threads": SPEED_UP,
    "cpu_fault_2_threads_work": WORK,
    "cpu_fault_2_threads_no_engine": SPEED_UP,
    "overcommit_seq_150": SLOWDOWN,
    "overcommit_random_130": SLOWDOWN,
    "overcommit_random_175": SLOWDOWN,
    "overcommit_random_300": SLOWDOWN,
}
FEW, MANY = "set_attr_1000_ranges", "set_attr_1000000_ranges"
# What a move brings home is put in pages that a stock kernel clears first.
ALLOCATES = ("to_system", "cpu_fault")
# Numbers that are no times.
COUNTS = ("bytes_per_range", "overcommit_remote_ns") + tuple(
    f"{what}_{size}" for what in ("storm_faults", "storm_duplicates", "storm_services", "map_wait_longest",
                                  "map_wait_median", "map_wait_number") for size in SIZES)

# Ratio, and speed-up over test_hmm, that a row must reach (256 MiB, icount but for the
# threads, init_on_alloc=0, private device memory); see make() for 6.x.
RATIOS = {
    "to_device_2m": 0.80,
    "cpu_fault_2m": 0.75,
    "to_system_2m": 0.80,
    "device_to_device_2m": 0.80,
    "to_device_untouched_2m": 0.80,
    "repeat_prefetch": 0.02,
    "device_fault_2m": 0.70,
    "overcommit_seq_150": 2.5,
    "overcommit_random_130": 2.0,
    "overcommit_random_175": 3.0,
    "overcommit_random_300": 4.0,
    "cpu_fault_2_threads": 1.6,
    # 1.1 times the floor, which is half of the processor time that one thread takes.
    "cpu_fault_2_threads_work": 1.82,
    "cpu_fault_2_threads_no_engine": 1.6,
}
PEERS = {
    "to_device_2m": 5.0,
    "to_system_2m": 1.8,
    "cpu_fault_2m": 1.8,
    "to_device_4k": 2.0,
    "to_system_4k": 1.2,
    "cpu_fault_4k": 1.2,
}


class Row(NamedTuple):
    name: str
    kind: Kind
    ours: Optional[int]
    peer: Optional[int]
    floor: Optional[int]
    spread: Optional[float]      # the largest of the row's numbers
    target: Optional[float]
    peer_target: Optional[float]
    icount: bool

    def ratio(self):
        return divide(self.floor, self.ours) if self.kind.share else divide(self.ours, self.floor)

    def vs_peer(self):
        return divide(self.peer, self.ours)

    def unsteady(self):
        return self.icount and self.spread is not None and self.spread > STEADY

    def missed(self):
        """The ratio's target, and the one over test_hmm."""
        ratio, vs_peer = self.ratio(), self.vs_peer()
        behind = (self.target is not None and ratio is not None and
                  (ratio < self.target if self.kind.share else ratio > self.target))
        return behind, self.peer_target is not None and vs_peer is not None and vs_peer < self.peer_target

    def json(self):
        return {
            "name": self.name,
            "amdsvm_ns": self.ours,
            "test_hmm_ns": self.peer,
            "floor_ns": self.floor,
            "ratio": self.ratio(),
            "vs_peer": self.vs_peer(),
            "ratio_says": self.kind.says,
            "spread": None if self.spread is None else round(self.spread, 4),
            "unsteady": self.unsteady(),
            "at_least": self.target,
            "vs_peer_at_least": self.peer_target,
            "missed": any(self.missed()),
        }


def divide(a, b):
    return round(a / b, 4) if a and b else None


def plain_floor(boot, kind, move, size):
    floor = boot.median(f"{kind.floor}_{size}", "floor")
    if floor and boot.stock and move in ALLOCATES:
        clear = boot.median(f"clear_{size}", "floor")
        return floor + clear if clear else None
    return floor


def make(boot, name, kind, floor):
    ours, peer = boot.median(name), boot.median(name, "test_hmm")
    if not ours and not peer:
        return None
    spreads = [spread for who in ("amdsvm", "test_hmm", "floor")
               if (spread := boot.spread(name, who)) is not None]
    # Targets are for one boot; threads mean nothing to a clock of one processor.
    wanted = not boot.stock and not boot.small and boot.icount == (not name.startswith("cpu_fault_2_threads"))
    # With coherent memory and no large folios of the device it must not be slower.
    old = boot.facts["kernel"].startswith("6.")
    return Row(name, kind, ours, peer, floor, max(spreads, default=None),
               RATIOS.get(name) if wanted and not old else None,
               (1.0 if old else PEERS.get(name)) if wanted and peer and ours else None, boot.icount)


def rows(boot):
    """The rows that a boot has, in the order of the table."""
    found = []
    for move, kind in SIZED.items():
        for size in SIZES:
            name = f"{move}_{size}"
            floor = boot.median(name, "floor") if kind.floor == "own" else plain_floor(boot, kind, move, size)
            found.append(make(boot, name, kind, floor))
    for name, kind in PLAIN.items():
        for name in (f"{name}_4k", name):
            found.append(make(boot, name, kind, boot.median(name, "floor")))
    few = make(boot, FEW, CALL, None)
    found.append(few)
    found.append(make(boot, MANY, CALL, few and few.ours))
    return [row for row in found if row]


def sizes(boot):
    """(move, MiB, nanoseconds), the smallest first; the whole 256 MiB are rows."""
    found = []
    for row, who in boot.numbers:
        if row.startswith("size_") and who == "amdsvm":
            _, mib, move = row.split("_", 2)
            found.append((move, int(mib), boot.median(row)))
    if found:
        found += [(move, 256, boot.median(move)) for move in sorted({move for move, _, _ in found})
                  if boot.median(move)]
    return sorted(found)


def counts(boot):
    return {name: boot.median(name) for name in COUNTS if boot.median(name) is not None}

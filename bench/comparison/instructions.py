"""Section "instructions": user instructions of one malloc/free pair, counted by callgrind: exact, and the same on any load.

callgrind does not replace malloc. It counts between entry and exit of the program's function MeasuredLoop, on the thread that runs
it; lookups of symbols and first touches are over by then.
"""

import re

from . import machine, recording, runs, variants
from .markdown import table

OPERATIONS = 8192  # twice all request sizes

LOOPS = {
    "malloc and free": ("--workload", "pair"),
    "malloc and free, ring of 256": ("--workload", "ring"),
    "operator new and delete": ("--workload", "pair", "--new"),
}

# A program that holds large samples: 256 blocks of 1 MiB at an interval of 16 MiB, so that one at least is sampled (but for a chance of
# 1 in 9 million) and the loop of 6 MiB seldom is. The lowest of five runs is one without a sample in the loop.
HOLD = ("--hold-large", "256", "--large-bytes", "1m")


def run(options):
    rows = []
    for allocator in ("glibc", "jemalloc"):
        none, forward, never = (variants.BY_KEY[f"{allocator}/{name}"] for name in ("none", "forward", "never"))
        large = variants.wrackline(allocator, "large", "16m")
        for title, arguments in LOOPS.items():
            repeats = 1 if options.quick else 5
            row = {"allocator": allocator, "loop": title,
                   "none": _count(none, arguments), "forward": _count(forward, arguments),
                   "forward_large": _count(forward, (*arguments, *HOLD)),
                   "never": min(_count(never, arguments) for _ in range(repeats)),
                   "large": min(_count(large, (*arguments, *HOLD), sampled=True) for _ in range(repeats))}
            machine.say(f"  {allocator}, {title}: {row['forward']:.1f} forward only, {row['never']:.1f} with wrackline")
            rows.append(row)
    return {"rows": rows}


def _count(variant, arguments, sampled=False):
    """Instructions of one operation."""
    counts = {}

    def inspect(folder):
        with open(f"{folder}/stderr", errors="replace") as text:
            collected = re.search(r"Collected : (\d+)", text.read())
        counts["instructions"] = int(collected.group(1)) if collected else 0
        if sampled:
            counts["samples"] = recording.read(folder)["samples"]

    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*MeasuredLoop*",
               machine.PROGRAMS / "allocation_loop", *arguments, "--operations", OPERATIONS, "--warmup", OPERATIONS]
    runs.run(command, variant, inspect=inspect)
    if not counts["instructions"]:
        raise runs.Failed(f"{variant.key}: callgrind counted nothing")
    if sampled and not counts["samples"]:
        raise runs.Failed(f"{variant.key}: none of the large blocks was sampled")
    return counts["instructions"] / OPERATIONS


def render(result):
    head = ["instructions a pair", "no tool", "forward only", "wrackline, never samples", "added to forward only",
            "with large samples held", "added to forward only"]
    return table(head, [[f"{row['loop']}, {row['allocator']}", f"{row['none']:.1f}", f"{row['forward']:.1f}", f"{row['never']:.1f}",
                         f"{row['never'] - row['forward']:+.1f}", f"{row['large']:.1f}",
                         f"{row['large'] - row['forward_large']:+.1f}"] for row in result["rows"]])

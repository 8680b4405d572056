"""Counts user instructions with valgrind's callgrind.

callgrind leaves malloc alone, so a preloaded allocator or profiler works under it as outside; a count is exact, and the same on any
load. It runs one thread at a time, some fifty times slower than the processor: what a thread does by the clock is then too much
of the whole, so wrackline's own two threads are counted apart.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from . import recording, runs

# Functions that only wrackline's own threads run.
OWN_THREADS = re.compile(r"^c?fn=.*wrackline::(recorder::Recorder::|preload::Assistant::)", re.MULTILINE)


@dataclass
class Count:
    program: int        # instructions of the program's threads
    own: int            # of wrackline's
    samples: int        # in the recording, where it was asked for
    values: dict = None  # what the program printed


def count(command, variant, inside=None, samples=False, options=(), own=OWN_THREADS, **how):
    """Instructions of a run; `inside`: only those between entry and exit of the function of that name. Threads that
    run a function of the pattern `own` are counted apart."""
    toggle = [f"--toggle-collect=*{inside}*"] if inside else []

    def inspect(folder):
        program = apart = 0
        for path in Path(folder).glob("callgrind-*"):
            text = path.read_text(errors="replace")
            total = int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1))
            if own.search(text):
                apart += total
            else:
                program += total
        return Count(program, apart, recording.read(folder)["samples"] if samples else 0)

    command = ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--callgrind-out-file={folder}/callgrind", *toggle,
               *options, *command]
    done = runs.run(command, variant, inspect=inspect, **how)
    counted = done.inspected
    counted.values = done.values
    if not counted.program:
        raise runs.Failed(f"{variant.key}: callgrind counted nothing")
    return counted

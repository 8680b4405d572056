"""What a wrackline recording says, read with the wrackline command itself."""

import json
import subprocess
from pathlib import Path

from . import machine


def read(folder):
    """Facts of the one recording in a folder: samples taken and live, losses, own bytes, frames of the busiest stack."""
    # An empty one is of a process that became another program just then.
    files = [path for path in sorted(Path(folder).glob("*.wrack"), key=lambda path: path.stat().st_size) if path.stat().st_size]
    if not files:
        return {"samples": 0, "live_samples": 0, "losses": {}, "own_bytes": 0, "frames": 0, "stacks": 0}
    path = max(files, key=_stacks) if len(files) > 1 else files[0]
    stacks = _inspect(path, "stacks")["stacks"]
    counters = [(int(stack.get("counters", {}).get("allocated_samples", 0)),
                 int(stack.get("counters", {}).get("freed_samples", 0)), len(stack.get("frames", []))) for stack in stacks]
    ticks = [tick["timeline"] for tick in _inspect(path, "timeline")["timeline"]]
    return {
        "samples": sum(allocated for allocated, _, _ in counters),
        "live_samples": sum(allocated - freed for allocated, freed, _ in counters),
        "losses": {name: int(value) for name, value in _inspect(path, "losses")["losses"].items()
                   if name not in NOT_A_LOSS and not isinstance(value, list)},
        "own_bytes": max((int(tick.get("own_bytes", 0)) for tick in ticks), default=0),
        "frames": max(counters)[2] if counters else 0,
        "stacks": sum(1 for allocated, _, _ in counters if allocated),
    }


# What a recording counts when a sample is missing, or has no stack; other losses are of names and of the timeline.
SAMPLE_LOSSES = ("live_table_full", "stack_table_full", "reentrant", "unwind_failed")
# Fields of Losses that say how it went and lose no sample.
NOT_A_LOSS = {"java_stacks", "frames_unnamed", "longest_write_ns", "forks", "file_restarts"}


def _stacks(path):
    """How many; -1 of one that holds only zeros: its process became another program before the first record."""
    try:
        return len(_inspect(path, "stacks")["stacks"])
    except subprocess.CalledProcessError:
        return -1


def _inspect(path, section):
    done = subprocess.run([machine.WRACKLINE, "inspect", "--section", section, "--format", "json", path],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)

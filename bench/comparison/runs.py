"""Runs one program under one variant, and pairs the figures of many rounds."""

import os
import random
import statistics
import subprocess
import time
from dataclasses import dataclass

from . import machine


left_out = []  # what failed and was passed over, in this whole process


class Failed(Exception):
    """A program that did not end well; the text says which and how."""


@dataclass
class Run:
    values: dict       # what the program printed as "result name=value ..."
    user: float        # seconds, of the process and all its waited-for children
    system: float
    wall: float        # seconds from start to end
    peak: int          # bytes, the largest resident set
    inspected: object = None

    @property
    def cpu(self):
        return self.user + self.system


def run(command, variant, extra=None, inspect=None, stdout=subprocess.PIPE):
    """One run in a scratch folder of its own. `inspect(folder)` sees the files it left, before they go."""
    with machine.scratch() as folder:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **variant.environ(folder), **(extra or {})}
        command = [str(part).format(folder=folder) for part in command]
        with open(f"{folder}/stderr", "w+b") as errors:
            begin = time.monotonic()
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors)
            output = process.stdout.read() if process.stdout else b""
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                errors.seek(0)
                tail = errors.read()[-400:].decode(errors="replace").strip()
                raise Failed(f"{variant.key}: {' '.join(command)}: status {process.returncode}: {tail}")
        return Run(_result(output), usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss * 1024,
                   inspect(folder) if inspect else None)


def _result(output):
    values = {}
    for line in output.decode(errors="replace").splitlines():
        if line.startswith("result "):
            pairs = (part.split("=", 1) for part in line.split()[1:])
            values |= {name: float(value) if _is_number(value) else value for name, value in pairs}
    return values


def _is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def rounds(count, jobs, group=lambda key: None, weight=lambda group: 1, seed=1):
    """Calls every job of `jobs` (key -> function of the round's number; None leaves a round out) once a round. Jobs of one group run
    one after the other, so that what is compared is close in time, and in an order shuffled anew each time, so that none always
    follows the same other; a group of weight 3 has three rounds in each. Returns key -> {round: value}. A job that fails is
    said once and left out from then on."""
    order = random.Random(seed)
    values = {key: {} for key in jobs}
    broken = set()
    groups = {}
    for key in jobs:
        groups.setdefault(group(key), []).append(key)
    for number in range(count):
        turns = [(name, number * weight(name) + turn) for name in groups for turn in range(weight(name))]
        order.shuffle(turns)
        for name, turn in turns:
            keys = [key for key in groups[name] if key not in broken]
            order.shuffle(keys)
            for key in keys:
                try:
                    value = jobs[key](turn)
                except Failed as failure:
                    machine.say(f"  left out: {failure}")
                    left_out.append(key)
                    broken.add(key)
                    values[key] = {}
                    continue
                if value is not None:
                    values[key][turn] = value
        machine.say(f"  round {number + 1} of {count}")
    return values


def quartiles(values):
    """Median and quartiles of a list, as a dictionary; None of nothing."""
    values = sorted(values)
    if not values:
        return None
    if len(values) == 1:
        return {"median": values[0], "low": values[0], "high": values[0], "rounds": 1}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high, "rounds": len(values)}


def paired(values, base):
    """Quartiles of value/base over the rounds that have both."""
    return quartiles([values[number] / base[number] for number in values if number in base])


def paired_difference(values, base, divide_by):
    """Quartiles of (value - base) / divisor over the rounds that have all three."""
    return quartiles([(values[number] - base[number]) / divide_by[number] for number in values
                      if number in base and divide_by.get(number)])

"""Where a process's processor time goes, by what was running: `perf record` on the task clock, so that no counters are needed.

Two JVMs compile one program in two ways, which moves its time by more than a profiler costs. The time inside an allocator and a profiler does not depend on
that, and it can be told apart from the rest: by the object whose code ran, and by the thread.
"""

import re
import subprocess

from .machine import which
from .runs import Failed

HERTZ = 4999  # of each thread's own processor time; a prime, so that nothing periodic falls into step with it


def available():
    return which("perf") is not None


def seconds_by(pid, seconds, folder):
    """{(thread name, object, symbol): seconds} of what `pid` ran in that time. The kernel is the object "[kernel.kallsyms]"."""
    data = folder / "perf.data"
    recorded = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-p", str(pid), "-o", data, "--", "sleep", str(seconds)],
                              capture_output=True, text=True)
    if recorded.returncode != 0:
        raise Failed(f"perf record: {recorded.stderr.strip()[-300:]}")
    report = subprocess.run(["perf", "report", "-q", "-n", "-i", data, "--stdio", "-F", "sample,comm,dso,sym", "-s", "comm,dso,sym",
                             "-t", "|"], capture_output=True, text=True)
    data.unlink()
    if report.returncode != 0:
        raise Failed(f"perf report: {report.stderr.strip()[-300:]}")
    return parse(report.stdout)


def parse(text):
    found = {}
    for line in text.splitlines():
        # A symbol has "[.] " before it, or "[k] ".
        match = re.fullmatch(r"\s*(\d+)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|\s*(?:\[.\] )?(.*?)\s*", line)
        if match:
            key = match.groups()[1:]
            found[key] = found.get(key, 0.0) + int(match[1]) / HERTZ
    return found

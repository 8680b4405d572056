"""Section "jvm": what wrackline costs inside a JVM: its start, its working set, one mixed sample, its memory. async-profiler beside it."""

import os
import subprocess
import time
from pathlib import Path

from . import machine, recording, runs, variants
from .markdown import ratio, spread, table

MIB = 1 << 20
METHODS = 25_000
FRAMES = 36  # with main, the loop and Unsafe's own: 40

# One sample: title, operations, bytes written between, interval.
SAMPLES = {
    "hot": ("one in 12 pairs (interval 8k)", 3_000_000, 0, "8k"),
    "every": ("every allocation (interval 1)", 300_000, 0, "1"),
    "real": ("interval 512k, 512 KiB written between", 20_000_000, 512 << 10, "512k"),
}


def virtual_machines():
    """Title and java command of each JDK that is here: WRACKLINE_BENCH_JAVA (colon-separated), or all below /usr/lib/jvm."""
    given = os.environ.get("WRACKLINE_BENCH_JAVA")
    found = [Path(path) for path in given.split(":")] if given else sorted(
        {path.resolve() for path in Path("/usr/lib/jvm").glob("*/bin/java")})
    titles = {}
    for java in found:
        release = java.parent.parent / "release"
        version = next((line.split('"')[1] for line in release.read_text().splitlines() if line.startswith("JAVA_VERSION=")),
                       "unknown") if release.exists() else "unknown"
        titles.setdefault(f"JDK {version}", java)
    return titles


def _off(interval="512k"):
    return variants.Variant("glibc/jvm-off", "wrackline, WRACKLINE_JVM=off", "glibc", (machine.PRELOAD,),
                            {"WRACKLINE_INTERVAL": interval, "WRACKLINE_JVM": "off"}, base="glibc/none")


def _java(java, *words):
    return [java, "-XX:+UseSerialGC", "-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=4", "-cp", machine.PROGRAMS, *words]


def run(options):
    rows = []
    for title, java in virtual_machines().items():
        for job in (_start, _working_set, _samples):
            name = job.__name__.strip("_")
            if options.workloads and name not in options.workloads:
                continue
            machine.say(f"  {title}: {name.replace('_', ' ')}")
            rows += [{"vm": title, "what": name, **row} for row in job(java, options)]
    return {"rows": rows}


def _start(java, options):
    """Wall time of a JVM that links classes of 25,000 methods: to the last line of its main, and from there to its end."""
    command = _java(java, "ManyMethods", METHODS)
    jobs = {"none": variants.BY_KEY["glibc/none"], "512k": variants.BY_KEY["glibc/512k"], "off": _off()}
    values = runs.rounds(options.rounds * 4, {key: lambda number, variant=variant: _times(command, variant)
                                              for key, variant in jobs.items()})
    for key in ("off", "512k"):
        row = {"variant": jobs[key].title}
        for figure in ("start", "end"):
            row[figure + "_none_ms"] = runs.quartiles([run[figure] for run in values["none"].values()])
            row[figure + "_added_ms"] = runs.quartiles([run[figure] - values["none"][number][figure]
                                                        for number, run in values[key].items() if number in values["none"]])
        yield row


def _times(command, variant):
    """Milliseconds from the process's start to its line "result ...", and from that to its end."""
    with machine.scratch() as folder:
        begin = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], env={**os.environ, **variant.environ(folder)},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        seen = None
        for line in process.stdout:
            if line.startswith(b"result "):
                seen = time.monotonic()
        status = process.wait()
        end = time.monotonic()
        if status != 0 or seen is None:
            raise runs.Failed(f"{variant.key}: {command}: status {status}")
    return {"start": 1e3 * (seen - begin), "end": 1e3 * (end - seen)}


def _working_set(java, options):
    """CPU time and peak resident memory of the working set, to no tool."""
    command = _java(java, "WorkingSet", 30_000 // options.shorter, 2)
    jobs = [variants.BY_KEY["glibc/none"], variants.BY_KEY["glibc/512k"], _off(), variants.BY_KEY["glibc/async-profiler"],
            variants.BY_KEY["glibc/async-profiler-nofree"]]
    jobs = [variant for variant in jobs if not variant.missing()]
    values = runs.rounds(options.rounds, {variant.key: lambda number, variant=variant: runs.run(command, variant)
                                          for variant in jobs})
    none = values["glibc/none"]
    for variant in jobs:
        done = values[variant.key]
        yield {"variant": variant.title, "cpu": runs.quartiles([run.cpu for run in done.values()]),
               "ratio": runs.paired({n: run.cpu for n, run in done.items()}, {n: run.cpu for n, run in none.items()}),
               "added_rss": runs.quartiles([run.peak - none[n].peak for n, run in done.items() if n in none])}


def _samples(java, options):
    """(CPU time with samples - CPU time of a shim that never samples) / samples, of a loop below 36 Java frames."""
    for key, (title, operations, between, interval) in SAMPLES.items():
        command = _java(java, "JavaSamples", operations // options.shorter, FRAMES, between)
        sampling, never = variants.wrackline("glibc", key, interval), variants.BY_KEY["glibc/never"]

        def with_samples(number):
            done = runs.run(command, sampling, inspect=recording.read)
            share = done.values["operations"] / (done.values["operations"] + done.values["warmup"])
            return {"cpu": done.values["cpu_ns"], **done.inspected, "samples_in_loop": done.inspected["samples"] * share}

        values = runs.rounds(options.rounds, {"sampling": with_samples,
                                              "never": lambda number: runs.run(command, never).values["cpu_ns"]})
        done = values["sampling"]
        if not done:
            continue
        one = next(iter(done.values()))
        yield {"case": key, "title": title, "frames": one["frames"],
               "samples": runs.quartiles([value["samples_in_loop"] for value in done.values()])["median"],
               "ns": runs.paired_difference({n: value["cpu"] for n, value in done.items()}, values["never"],
                                            {n: value["samples_in_loop"] for n, value in done.items()})}


def render(result):
    rows = result["rows"]
    start = [[row["vm"], row["variant"], spread(row["start_none_ms"], 0), spread(row["start_added_ms"], 1),
              spread(row["end_none_ms"], 0), spread(row["end_added_ms"], 1)] for row in rows if row["what"] == "start"]
    work = [[row["vm"], row["variant"], f"{row['cpu']['median']:.2f}", ratio(row["ratio"]),
             spread({name: value / MIB for name, value in row["added_rss"].items()}, 1)]
            for row in rows if row["what"] == "working_set" and row["cpu"]]
    samples = [[row["vm"], row["title"], spread(row["ns"], 0), row["frames"], f"{row['samples']:,.0f}"]
               for row in rows if row["what"] == "samples" and row["ns"]]
    return [*table([f"a JVM that links {METHODS:,} methods", "", "to the end of main, ms, without", "added, ms", "from there to its end, ms, without", "added, ms"],
                   start), "",
            *table(["JVM working set", "", "CPU seconds", "to no tool", "added peak RSS, MiB"], work), "",
            *table(["one mixed sample costs", "", "ns", "frames", "samples a run"], samples)]

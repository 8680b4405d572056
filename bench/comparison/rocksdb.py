"""Section "rocksdb": what the embedded RocksDB probe costs: a split of a shared cache, its thread, and the program that it watches."""

import re

from . import callgrind, machine, runs, variants
from .markdown import ratio, spread, table

MIB = 1 << 20

# Title, walks, and further options of split_cache.
SPLITS = {
    "split-64": ("1 GiB, 64 families, 512 files, nothing has changed", 31, ()),
    "split-churn": ("the same, a tenth of the blocks are others each time", 9, ("--churn", 100)),
}
PERIODS_MS = (1000, 100)         # the bar is for the first
OPERATIONS = 2_000_000           # some 20 s
FEW, MANY = 20_000, 80_000       # under callgrind

OWN_THREAD = re.compile(r"^c?fn=.*wrackline::RocksDbProbe::Impl::Run", re.MULTILINE)


def run(options):
    none = variants.BY_KEY["glibc/none"]
    only = options.workloads or (*SPLITS, "thread", "instructions")
    result = {"splits": [_split(key, none, options) for key in SPLITS if key in only], "threads": [], "instructions": {}}
    if "thread" in only:
        result["threads"] = [_thread(period, none, options) for period in PERIODS_MS]
    if "instructions" in only and machine.which("valgrind"):
        result["instructions"] = _instructions(none, options)
    return result


def _split(key, variant, options):
    title, walks, more = SPLITS[key]
    machine.say(f"  {title}")
    command = [machine.PROGRAMS / "split_cache", "--path", "{folder}/db", "--walks", 5 if options.quick else walks,
               *(("--cache", "64m") if options.quick else ()), *more]
    values = runs.run(command, variant).values

    def milliseconds(name):
        return {part: values[f"{name}_{suffix}"] / 1e6 for part, suffix in (("median", "ns"), ("low", "low"), ("high", "high"))}

    return {"case": key, "title": title, "entries": values["entries"], "cache_bytes": values["cache_bytes"],
            "split_ms": milliseconds("split"), "bare_ms": milliseconds("bare"), "first_ms": values["first_ns"] / 1e6}


def _busy(operations, period):
    return [machine.PROGRAMS / "busy_database", "--path", "{folder}/db", "--operations", operations, "--probe", period]


def _thread(period, variant, options):
    machine.say(f"  the probe's thread, a sample in {period} ms")
    done = runs.rounds(min(options.rounds, 5), {
        "busy": lambda number: runs.run(_busy(OPERATIONS // options.shorter, period), variant).values})["busy"].values()
    return {"period_ms": period, "share": runs.quartiles([100 * one["probe_cpu_ns"] / one["wall_ns"] for one in done]),
            "samples": sum(one["samples"] for one in done), "splits": sum(one["splits"] for one in done),
            "cpu_share": runs.quartiles([100 * one["cpu_ns"] / one["wall_ns"] for one in done])}


def _instructions(variant, options):
    """Under callgrind the program is some fifty times slower and the clock is not: it is disturbed fifty times as often."""
    machine.say("  instructions of the program, with the probe and without")

    def slope(period):
        counts = [callgrind.count(_busy(operations, period), variant, own=OWN_THREAD) for operations in (FEW, MANY)]
        return {"program": (counts[1].program - counts[0].program) / (MANY - FEW), "own": counts[1].own / max(1, counts[1].values["samples"])}

    values = runs.rounds(1 if options.quick else min(options.rounds, 3),
                         {period: lambda number, period=period: slope(period) for period in (0, 1000)})
    program = {period: {number: value["program"] for number, value in done.items()} for period, done in values.items()}
    return {"none": runs.quartiles(program[0].values()), "ratio": runs.paired(program[1000], program[0]),
            "sample": runs.quartiles([value["own"] for value in values[1000].values()])}


def render(result):
    splits = [[row["title"], f"{row['entries']:,.0f}", spread(row["split_ms"]), spread(row["bare_ms"]), f"{row['first_ms']:.1f}"]
              for row in result["splits"]]
    threads = [[f"{row['period_ms']} ms", f"{row['samples']:.0f}", f"{row['splits']:.0f}", spread(row["share"], 3), spread(row["cpu_share"], 0)]
               for row in result["threads"] if row["share"]]
    lines = table(["cache", "entries", "one split, ms of processor time", "RocksDB's own walk with an empty callback, ms", "the first split, ms"],
                  splits) + [""]
    lines += table(["a sample every", "samples", "walks over the cache", "the probe's thread, % of a core", "the program, % of a core"], threads)
    counted = result["instructions"]
    if counted:
        lines += ["", *table(["instructions of the program's threads, an operation", "without the probe", "with it at 1 s, to without", "of the probe's thread, a sample and its walk"],
                             [["8 families, one put and nine gets", spread(counted["none"], 0), ratio(counted["ratio"], 4),
                               spread(counted["sample"], 0)]])]
    return lines

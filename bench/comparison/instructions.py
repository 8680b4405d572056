"""Section "instructions": user instructions of one malloc/free pair, step by step, and of one operation of real programs, by callgrind."""

from . import callgrind, machine, programs, recording, runs, variants
from .markdown import ratio, spread, table

OPERATIONS = 512  # a step takes 10 to 20 us

LOOPS = {
    "malloc and free": ("--workload", "pair"),
    "malloc and free, ring of 256": ("--workload", "ring"),
    "operator new and delete": ("--workload", "pair", "--new"),
}

# A program that holds large samples: 256 blocks of 1 MiB at an interval of 16 MiB, so that one at least is sampled (but for a chance of
# 1 in 9 million) and the loop of 370 KiB seldom is. The lowest of three runs is one without a sample in the loop.
HOLD = ("--hold-large", "256", "--large-bytes", "1m")

# An operation is the slope between two lengths of a run: what start and exit cost is in both. The counts repeat to 1 in 10,000
# because nothing is left to the scheduler: the JVM compiles in the foreground and the same methods each time; the database flushes
# small memtables and compacts once, between the writes and the reads. (One large memtable is a skip list whose shape depends on where its
# thread's stack lies: 4 % between two runs of the same command.)
PROGRAMS = {
    "db_bench": (
        "db_bench, a random write, its part in flush and compaction, a random read",
        lambda operations: programs.db_bench(
            operations, "fillrandom,compact,readrandom", "--write_buffer_size=262144", "--disable_auto_compactions=1",
            "--level0_slowdown_writes_trigger=1000", "--level0_stop_writes_trigger=1000"),
        5_000, 30_000, (), "db_bench"),
    "jvm": (
        "JVM working set, an iteration",
        lambda iterations: programs.working_set(iterations, 1, "-Xbatch", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
        500, 2_000, ("--smc-check=all-non-file",), "java"),
}


def run(options):
    only = options.workloads or ("pairs", *PROGRAMS)
    behind = ("glibc", "jemalloc")
    return {"rows": [_pair(allocator, title, arguments, 1 if options.quick else 3)
                     for allocator in behind for title, arguments in LOOPS.items() if "pairs" in only],
            "programs": [_program(name, allocator, options) for name in PROGRAMS for allocator in behind
                         if name in only and machine.which(PROGRAMS[name][-1])]}


def _pair(allocator, title, arguments, repeats):
    none, forward, never = (variants.BY_KEY[f"{allocator}/{name}"] for name in ("none", "forward", "never"))
    large = variants.wrackline(allocator, "large", "16m")
    row = {"allocator": allocator, "loop": title, "none": _loop(none, arguments)[0],
           "forward": _loop(forward, arguments)[1], "forward_large": _loop(forward, (*arguments, *HOLD))[1],
           "never": min(_loop(never, arguments)[1] for _ in range(repeats)),
           "large": min(_loop(large, (*arguments, *HOLD), sampled=True)[1] for _ in range(repeats))}
    machine.say(f"  {title}, {allocator}: {row['forward']:.1f} in forward only, {row['never']:.1f} in wrackline")
    return row


def _loop(variant, arguments, sampled=False):
    """Instructions of one operation of the loop, counted in the process as it is: all, and those in the shim."""
    command = [machine.PROGRAMS / "count_steps", machine.PROGRAMS / "allocation_loop", *arguments, "--operations", OPERATIONS,
               "--warmup", 8192]
    marks = {"WRACKLINE_BENCH_MARKS": "1"}
    preload = variant.environ("").get("LD_PRELOAD")
    if preload:  # the program's alone
        marks |= {"LD_PRELOAD": "", "WRACKLINE_BENCH_PRELOAD": preload}
    done = runs.run(command, variant, marks, inspect=recording.read if sampled else None)
    if sampled and not done.inspected["samples"]:
        raise runs.Failed(f"{variant.key}: none of the large blocks was sampled")
    if not done.values.get("steps"):
        raise runs.Failed(f"{variant.key}: nothing was counted")
    return done.values["steps"] / OPERATIONS, done.values["preload-steps"] / OPERATIONS


def _program(name, allocator, options):
    title, command, few, many, valgrind, _ = PROGRAMS[name]
    if options.quick:
        many = 2 * few
    keys = [f"{allocator}/{name}" for name in ("none", "forward", "512k")]

    def slope(key):
        counts = [callgrind.count(command(operations), variants.BY_KEY[key], options=valgrind).program for operations in (few, many)]
        return (counts[1] - counts[0]) / (many - few)

    machine.say(f"  {title}, {allocator}")
    values = runs.rounds(1 if options.quick else min(options.rounds, 3), {key: lambda number, key=key: slope(key) for key in keys})
    row = {"title": title, "allocator": allocator, "none": runs.quartiles(values[keys[0]].values())}
    return row | {key.split("/")[1]: runs.paired(values[key], values[keys[0]]) for key in keys[1:]}


def render(result):
    pairs = [[f"{row['loop']}, {row['allocator']}", f"{row['none']:.1f}", f"{row['forward']:.1f}", f"{row['never']:.1f}",
              f"{row['never'] - row['forward']:+.1f}", f"{row['large']:.1f}", f"{row['large'] - row['forward_large']:+.1f}"]
             for row in result["rows"]]
    whole = [[f"{row['title']}, {row['allocator']}", spread(row["none"], 0), ratio(row["forward"], 4), ratio(row["512k"], 4)]
             for row in result["programs"]]
    return table(["instructions a pair", "all, no tool", "in forward only", "in wrackline, never samples", "added to forward only",
                  "in wrackline, large samples held", "added to forward only"], pairs) + [""] + \
        table(["instructions of a program's threads", "no tool", "forward only, to no tool", "wrackline at 512k, to no tool"], whole)

"""Section "programs": real programs with and without wrackline, in alternation, by the CPU time of the process and its children;
db_bench also by its user instructions."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

from . import machine, runs, variants
from .markdown import ratio, spread, table

BIG_SOURCE = machine.ROOT / "analyzer" / "render" / "json.cc"


def _db_bench(operations, *more):
    return ["db_bench", "--benchmarks=fillrandom,readrandom", f"--num={operations}", "--db={folder}/db", "--seed=1",
            "--compression_type=none", "--disable_wal=1", "--stats_interval_seconds=1000", *more]


def _compile():
    """The compiler's own command for one of our larger files, object file into the scratch folder."""
    for entry in json.loads((machine.BUILD / "compile_commands.json").read_text()):
        if entry["file"] == str(BIG_SOURCE):
            words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
            words[words.index("-o") + 1] = "{folder}/out.o"
            return words
    raise runs.Failed(f"{BIG_SOURCE} is not in compile_commands.json")


@dataclass(frozen=True)
class Program:
    key: str
    title: str
    command: callable            # of nothing: built when it is needed
    allocators: tuple = ("glibc", "jemalloc")
    environment: dict = field(default_factory=dict)
    needs: str = ""


PROGRAMS = [
    Program("db_bench", "db_bench, 300,000 random writes and reads", lambda: _db_bench(300_000), needs="db_bench"),
    Program("jvm", "JVM working set (Inflater, Deflater, direct buffers, Unsafe)",
            lambda: ["java", "-Xmx128m", "-cp", machine.PROGRAMS, "WorkingSet", "15000", "2"], needs="java"),
    Program("compile", f"g++ -c {BIG_SOURCE.relative_to(machine.ROOT)}", _compile),
    Program("python", "python3, parse and print the standard library", needs="", command=lambda: [
        sys.executable, machine.ROOT / "bench" / "programs" / "python_load.py", "60"]),
    Program("python-malloc", "the same with PYTHONMALLOC=malloc", needs="", command=lambda: [
        sys.executable, machine.ROOT / "bench" / "programs" / "python_load.py", "60"], environment={"PYTHONMALLOC": "malloc"}),
    Program("git", "git log -p, copies searched for everywhere", lambda: [
        "git", "-C", machine.ROOT, "log", "-p", "-M", "-C", "--find-copies-harder", "HEAD"], needs="git"),
]


def run(options):
    rows = []
    for program in PROGRAMS:
        if options.workloads and program.key not in options.workloads:
            continue
        if program.needs and not machine.which(program.needs):
            machine.say(f"  left out: {program.key}: there is no {program.needs} (see --install-peers)")
            continue
        command = program.command()
        for allocator in program.allocators:
            keys = [f"{allocator}/none", f"{allocator}/512k"]
            machine.say(f"  {program.key}, {allocator}")
            values = runs.rounds(options.rounds, {
                key: lambda number, key=key: runs.run(command, variants.BY_KEY[key], program.environment,
                                                      stdout=subprocess.DEVNULL).cpu for key in keys})
            rows.append({"program": program.key, "title": program.title, "allocator": allocator,
                         "none_s": runs.quartiles(values[keys[0]].values()), "ratio": runs.paired(values[keys[1]], values[keys[0]]),
                         # What pairing cannot remove: the same program against itself, one round to the next.
                         "noise": _noise(values[keys[0]])})
    result = {"rows": rows, "instructions": []}
    if (not options.workloads or "db_bench" in options.workloads) and machine.which("db_bench"):
        result["instructions"] = [_db_bench_instructions(options, allocator) for allocator in ("glibc", "jemalloc")]
    return result


def _noise(values):
    ratios = [values[number] / values[number - 1] for number in values if number - 1 in values]
    return runs.quartiles(ratios)


def _db_bench_instructions(options, allocator):
    """User instructions of one operation (a write and a read), as the slope between two numbers of operations: what start and exit
    cost is in both. The flushes run on a thread of their own, so two counts of the same command differ a little: interleaved
    rounds, and the median."""
    few, many = (2_000, 10_000) if options.quick else (10_000, 60_000)
    keys = [f"{allocator}/{name}" for name in ("none", "forward", "never", "512k")]

    def slope(key):
        return (_instructions(key, many) - _instructions(key, few)) / (many - few)

    machine.say(f"  db_bench under callgrind, {allocator}")
    values = runs.rounds(min(options.rounds, 5), {key: lambda number, key=key: slope(key) for key in keys})
    row = {"allocator": allocator, "none": runs.quartiles(values[keys[0]].values())}
    for key in keys[1:]:
        row[key.split("/")[1]] = runs.paired(values[key], values[keys[0]])
    return row


def _instructions(key, operations):
    def inspect(folder):
        with open(f"{folder}/stderr", errors="replace") as text:
            return int(re.search(r"Collected : (\d+)", text.read()).group(1))

    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *_db_bench(operations)]
    return runs.run(command, variants.BY_KEY[key], stdout=subprocess.DEVNULL, inspect=inspect).inspected


def render(result):
    lines = table(["program", "behind", "CPU seconds without", "with wrackline at 512k, to without", "without, to itself one round before"],
                  [[row["title"], row["allocator"], f"{row['none_s']['median']:.2f}", ratio(row["ratio"]), ratio(row["noise"])]
                   for row in result["rows"] if row["none_s"]])
    if result["instructions"]:
        lines += ["", *table(["db_bench, user instructions an operation", "no tool", "forward only", "wrackline, never samples", "wrackline, 512k"],
                             [[row["allocator"], spread(row["none"], 0), ratio(row["forward"]), ratio(row["never"]), ratio(row["512k"])]
                              for row in result["instructions"]])]
    return lines

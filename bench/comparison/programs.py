"""Section "programs": real programs with and without wrackline, in alternation, by the CPU time of the process and its children."""

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

from . import machine, runs, variants
from .markdown import ratio, table

BIG_SOURCE = machine.ROOT / "analyzer" / "render" / "json.cc"


def db_bench(operations, benchmarks="fillrandom,readrandom", *more):
    return ["db_bench", f"--benchmarks={benchmarks}", f"--num={operations}", "--db={folder}/db", "--seed=1",
            "--compression_type=none", "--disable_wal=1", "--stats_interval_seconds=1000", *more]


def working_set(iterations, threads, *flags):
    return ["java", *flags, "-Xmx128m", "-cp", machine.PROGRAMS, "WorkingSet", iterations, threads]


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
    Program("db_bench", "db_bench, 300,000 random writes and reads", lambda: db_bench(300_000), needs="db_bench"),
    Program("jvm", "JVM working set (Inflater, Deflater, direct buffers, Unsafe)",
            lambda: working_set(15_000, 2), needs="java"),
    Program("compile", f"g++ -c {BIG_SOURCE.relative_to(machine.ROOT)}", _compile),
    Program("python", "python3, parse and print the standard library", lambda: [
        sys.executable, machine.ROOT / "bench" / "programs" / "python_load.py", "60"]),
    Program("python-malloc", "the same with PYTHONMALLOC=malloc", lambda: [
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
    return {"rows": rows}


def _noise(values):
    ratios = [values[number] / values[number - 1] for number in values if number - 1 in values]
    return runs.quartiles(ratios)


def render(result):
    head = ["program", "behind", "CPU seconds without", "with wrackline at 512k, to without", "without, to itself one round before"]
    return table(head, [[row["title"], row["allocator"], f"{row['none_s']['median']:.2f}", ratio(row["ratio"]), ratio(row["noise"])]
                        for row in result["rows"] if row["none_s"]])

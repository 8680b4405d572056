#!/usr/bin/env python3
"""Compares wrackline with no tool, with the cheapest possible shim, and with other memory profilers.

  bench/compare.py --install-peers          once: Debian's and Maven's peers (root)
  bench/compare.py                          all sections, some 90 minutes on two cores; the tables on standard output
  bench/compare.py micro --rounds 31        one section, more rounds
  bench/compare.py micro --only pair-1 ring-1 --variants glibc/forward glibc/never
  bench/compare.py --quick                  everything once, shorter: does it run? The figures are no good
  bench/compare.py --write                  also puts the tables into docs/benchmarks.md; what was not measured here stays there
  bench/compare.py show --write             no measuring: the last results

Sections: micro (allocation patterns, paired ratios), instructions (user instructions of a pair, of db_bench, of a JVM, by
callgrind), samples (one sample's cost), programs (CPU time of db_bench, a JVM, g++, python, git), memory (added RSS, the
recorder's room), jvm (start, working set, mixed samples of each JDK below /usr/lib/jvm), rocksdb (the embedded RocksDB probe: a split of a 1 GiB cache, its
thread, the instructions of the program that it watches), flink (CPU time a record of a real Flink TaskManager, 30 minutes; scripts/setup.sh check fetches Flink).

Every figure is of one run on this machine: rounds in which each variant is run once, in shuffled order; a ratio is taken within
its round, and the median and the quartiles of the ratios are shown. Results are kept in build/bench/results.json, so
that sections can be measured one by one. Run it on a quiet machine: the load average at a section's start is shown beside it.

Exit status: 0; 1 when something failed to run and was left out (said on standard error); 2 usage.

WRACKLINE_BENCH_BUILD=FOLDER measures that build folder, and builds nothing; otherwise build/release is brought up to date.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from comparison import bars, document, flink, instructions, jvm, machine, memory, micro, programs, rocksdb, runs, sample_cost, variants

SECTIONS = {
    "micro": (micro, 13, "Allocation patterns"),
    "instructions": (instructions, 3, "User instructions"),
    "samples": (sample_cost, 15, "The cost of one sample"),
    "programs": (programs, 9, "Whole programs"),
    "memory": (memory, 3, "Memory"),
    "jvm": (jvm, 5, "Inside a JVM"),
    "rocksdb": (rocksdb, 3, "The RocksDB probe"),
    "flink": (flink, 5, "A Flink TaskManager"),
}
DOCUMENT = machine.ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench/compare.py writes from here -->", "<!-- bench/compare.py writes to here -->"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="micro, instructions, samples, programs, memory, jvm, rocksdb, flink; show: measure nothing")
    parser.add_argument("--rounds", type=int, help="rounds of a section (default: " + ", ".join(
        f"{name} {rounds}" for name, (_, rounds, _) in SECTIONS.items()) + ")")
    parser.add_argument("--only", nargs="+", dest="workloads", metavar="KEY", help="these workloads, programs or cases only")
    parser.add_argument("--variants", nargs="+", metavar="KEY", help="micro: these variants only, such as glibc/512k, and what they are divided by")
    parser.add_argument("--quick", action="store_true", help="two short rounds of everything")
    parser.add_argument("--install-peers", action="store_true", help="install what is compared with: apt and Maven")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--results", type=Path, default=machine.ROOT / "build" / "bench" / "results.json", metavar="FILE",
                        help="where results are kept (default: build/bench/results.json)")
    options = parser.parse_args(arguments)
    strange = [key for key in options.variants or () if key not in variants.BY_KEY]
    if strange:
        parser.error(f"there is no variant {strange[0]!r}; there are: {', '.join(variants.BY_KEY)}")
    unknown = [name for name in options.sections if name not in (*SECTIONS, "show")]
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}, show")
    options.shorter = 10 if options.quick else 1
    return options


def measure(name, options):
    section, rounds, title = SECTIONS[name]
    machine.say(f"== {name}: {title.lower()}")
    wanted = options.rounds
    options.rounds = wanted or (2 if options.quick else rounds)
    begin = time.monotonic()
    facts = machine.facts()
    result = section.run(options) | {"machine": facts, "rounds": options.rounds, "quick": options.quick}
    result["minutes"] = (time.monotonic() - begin) / 60
    options.rounds = wanted
    return result


def tables(results, names):
    lines = ["### Bars", "", *bars.render(results), ""]
    for name, (section, _, title) in SECTIONS.items():
        if name not in results or name not in names:
            continue
        result = results[name]
        facts = result["machine"]
        lines += [f"### {title}", "", f"`bench/compare.py {name}`: {result['rounds']} rounds, {result['minutes']:.1f} minutes, {facts['date']}, "
                  f"commit {facts['commit']}; {facts['cores']} cores of {facts['cpu']}, Linux {facts['kernel']}, {facts['libc']}, "
                  f"load {facts['load']:.1f} before." + (" **A quick run: figures are no good.**" if result["quick"] else ""), "",
                  *section.render(result), ""]
    return lines


def write(lines):
    text = DOCUMENT.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"compare: {DOCUMENT} lacks its markers")
    before, rest = text.split(BEGIN)
    tables_before, after = rest.split(END)
    # Each section says of its own run which machine it was, and when.
    tables_now = document.merged(tables_before, "\n".join(lines), [title for _, _, title in SECTIONS.values()])
    DOCUMENT.write_text(before + BEGIN + "\n\n" + tables_now + "\n\n" + END + after)
    machine.say(f"written: {DOCUMENT}")


def main(arguments):
    options = parse(arguments)
    if options.install_peers:
        machine.install_peers()
        if not options.sections and not options.quick:
            return 0
    chosen = options.sections or list(SECTIONS)
    if chosen != ["show"]:
        machine.compile_java() if machine.BUILD_IS_GIVEN else machine.build()
    kept = options.results
    kept.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for name in (name for name in SECTIONS if name in chosen):
        try:
            results[name] = measure(name, options)
        except runs.Failed as failure:
            sys.exit(f"compare: {name}: {failure}")
        kept.write_text(json.dumps(results, indent=1))
    print("\n".join(tables(results, SECTIONS if chosen == ["show"] else chosen)))
    if options.write:
        write(tables(results, SECTIONS))
    return 1 if runs.left_out else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Section "micro": small allocation patterns under every variant, as paired ratios."""

from dataclasses import dataclass

from . import machine, runs, variants
from .markdown import ratio, table


@dataclass(frozen=True)
class Workload:
    key: str
    title: str
    arguments: tuple
    operations: int      # over all threads, under the fastest variant
    threads: int = 1
    weight: int = 1      # rounds in each round: three where a bar is tight

    def command(self, operations):
        # In a cross-thread workload half of the threads allocate, and an operation is one of theirs.
        workers = max(1, self.threads // 2) if "cross" in self.arguments else self.threads
        return [machine.PROGRAMS / "allocation_loop", "--threads", self.threads, "--settle-ms", 120, *self.arguments,
                "--operations", max(1, operations // workers)]


def _threads(name, title, arguments, operations, counts):
    return [Workload(f"{name}-{count}", f"{title}, {count} threads", arguments, operations, count) for count in counts]


WORKLOADS = [
    Workload("pair-alone", "pair, a program of one thread only", ("--workload", "pair", "--alone"), 6_000_000),
    Workload("pair-1", "pair, 1 thread", ("--workload", "pair"), 6_000_000, weight=3),
    *_threads("pair", "pair", ("--workload", "pair"), 6_000_000, (2, 8, 32)),
    Workload("ring-1", "ring of 256, 1 thread", ("--workload", "ring"), 3_000_000, weight=3),
    *_threads("ring", "ring of 256", ("--workload", "ring"), 3_000_000, (2, 8, 32)),
    Workload("new-1", "pair of operator new and delete", ("--workload", "pair", "--new"), 6_000_000),
    Workload("filled-1", "ring of 256, objects written whole", ("--workload", "ring", "--fill"), 2_000_000),
    Workload("calloc-1", "calloc and free", ("--workload", "calloc"), 2_000_000),
    Workload("realloc-1", "realloc, ring of 256", ("--workload", "realloc"), 2_000_000),
    *_threads("cross", "freed by another thread", ("--workload", "cross"), 1_500_000, (2, 8, 32)),
    Workload("fork", "fork, 100 pairs, exit, wait", ("--workload", "fork"), 400),
]


def run(options):
    chosen = [workload for workload in WORKLOADS if not options.workloads or workload.key in options.workloads]
    bases = {variants.BY_KEY[key].base for key in options.variants or () if key in variants.BY_KEY}
    present = []
    for variant in variants.ALL:
        if options.variants and variant.key not in options.variants and variant.key not in bases:
            continue
        if variant.missing():
            machine.say(f"  left out: {variant.key}: {variant.missing()} is not there (see --install-peers)")
        else:
            present.append(variant)

    def job(workload, variant):
        operations = workload.operations // (1 if workload.key == "fork" else variant.slowness)
        command = workload.command(operations // options.shorter)

        def measure(number):
            # A peer's ratio needs no third digit.
            if variant.peer and number % 3 != 0:
                return None
            values = runs.run(command, variant).values
            return {"cpu": values["cpu_ns"] / values["operations"], "wall": values["wall_ns"] / values["operations"]}
        return measure

    jobs = {(workload.key, variant.key): job(workload, variant) for workload in chosen for variant in present}
    weights = {workload.key: workload.weight for workload in chosen}
    values = runs.rounds(options.rounds, jobs, group=lambda key: key[0], weight=weights.get)
    rows = []
    for workload in chosen:
        for variant in present:
            mine = values[workload.key, variant.key]
            row = {"workload": workload.key, "variant": variant.key}
            for clock in ("cpu", "wall"):
                of = lambda key: {number: value[clock] for number, value in values.get((workload.key, key), {}).items()}
                row[clock + "_ns"] = runs.quartiles(of(variant.key).values())
                row[clock + "_to_none"] = runs.paired(of(variant.key), of(variant.base)) if variant.base else None
                row[clock + "_to_forward"] = runs.paired(of(variant.key), of(f"{variant.allocator}/forward"))
            if mine:
                rows.append(row)
    return {"rows": rows}


def render(result):
    rows = {(row["workload"], row["variant"]): row for row in result["rows"]}
    lines = []
    for allocator in ("glibc", "jemalloc", "tcmalloc"):
        columns = [variant for variant in variants.ALL if variant.allocator == allocator and variant.base
                   and any(key[1] == variant.key for key in rows)]
        if not columns:
            continue
        head = [f"{allocator} behind", "no tool, ns"] + [column.title for column in columns]
        body = []
        for workload in WORKLOADS:
            base = rows.get((workload.key, f"{allocator}/none"))
            if base is None:
                continue
            cells = [rows.get((workload.key, column.key)) for column in columns]
            body.append([workload.title, f"{base['cpu_ns']['median']:,.1f}"] +
                        [ratio(cell and cell["cpu_to_none"]) for cell in cells])
        lines += table(head, body) + [""]

    head = ["to the forward-only shim", "glibc: never samples", "glibc: 512k", "jemalloc: never samples", "jemalloc: 512k"]
    body = []
    for workload in WORKLOADS:
        cells = [rows.get((workload.key, f"{allocator}/{name}")) for allocator in ("glibc", "jemalloc")
                 for name in ("never", "512k")]
        if any(cells):
            body.append([workload.title] + [ratio(cell and cell["cpu_to_forward"]) for cell in cells])
    return lines + table(head, body)


def value(result, workload, variant, to):
    """A ratio's quartiles for the table of bars, or None."""
    for row in result["rows"]:
        if row["workload"] == workload and row["variant"] == variant:
            return row["cpu_to_" + to]
    return None

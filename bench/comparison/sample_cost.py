"""Section "samples": what one sample costs, everything in it: the difference of two intervals divided by the samples recorded."""

from . import machine, recording, runs, variants
from .markdown import spread, table

# Title, the program's options, operations, interval. The stack is 16 frames deep; the table says what the recording saw.
CASES = {
    "hot": ("one in 12 pairs (interval 8k), tight loop", ("--workload", "pair"), 1_000_000, "8k"),
    "every": ("every allocation (interval 1), tight loop", ("--workload", "pair"), 200_000, "1"),
    "real": ("interval 512k, ring of 256, objects written whole between", ("--workload", "ring", "--fill"), 6_000_000, "512k"),
}
DEPTH = 10  # with the loop's own frames and those of main and libc: 16


def run(options):
    rows = []
    for allocator in ("glibc", "jemalloc"):
        for key, (title, arguments, operations, interval) in CASES.items():
            command = [machine.PROGRAMS / "allocation_loop", *arguments, "--depth", DEPTH, "--settle-ms", 120,
                       "--operations", operations // options.shorter]
            sampling = variants.wrackline(allocator, key, interval)
            never = variants.BY_KEY[f"{allocator}/never"]

            def with_samples(number):
                done = runs.run(command, sampling, inspect=recording.read)
                share = done.values["operations"] / (done.values["operations"] + done.values["warmup"])
                return {"cpu": done.values["cpu_ns"], **done.inspected,
                        "samples_in_loop": done.inspected["samples"] * share}

            machine.say(f"  {allocator}: {title}")
            values = runs.rounds(options.rounds, {
                "sampling": with_samples, "never": lambda number: runs.run(command, never).values["cpu_ns"]})
            sampled = values["sampling"]
            if not sampled:
                continue
            cost = runs.paired_difference({number: value["cpu"] for number, value in sampled.items()}, values["never"],
                                          {number: value["samples_in_loop"] for number, value in sampled.items()})
            one = next(iter(sampled.values()))
            rows.append({"allocator": allocator, "case": key, "title": title, "ns": cost, "frames": one["frames"],
                         "samples": runs.quartiles([value["samples_in_loop"] for value in sampled.values()])["median"]})
    return {"rows": rows}


def render(result):
    return table(["one sample costs", "behind", "ns", "frames", "samples a run"],
                 [[row["title"], row["allocator"], spread(row["ns"], 0), row["frames"], f"{row['samples']:,.0f}"]
                  for row in result["rows"]])

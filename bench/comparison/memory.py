"""Section "memory": what wrackline adds to a process's resident memory, and whether the default recorder holds its samples."""

from . import machine, recording, runs, variants
from .markdown import spread, table

MIB = 1 << 20

# Title, program and its options, interval. --quick leaves the largest out.
CASES = {
    "stacks": ("64 threads, 10,000 stacks, objects of 4 MiB, untouched, freed at once; 512k",
               ("many_stacks", "--bytes", "4m", "--free"), "512k"),
    "stacks-small": ("the same with objects of 739 B, every one sampled; interval 1", ("many_stacks", "--free"), "1"),
    "stacks-live": ("the same, and all objects stay live", ("many_stacks",), "1"),
    "live-8g": ("8 GiB live in objects of 4 to 12 KiB; interval 128k", ("live_objects", "--bytes", "8g", "--smallest", "4k", "--largest", "12k"),
                "128k"),
    "live-32g": ("32 GiB live in objects of 16 to 48 KiB; 512k", ("live_objects",), "512k"),
}


def run(options):
    rows = []
    for key, (title, (program, *arguments), interval) in CASES.items():
        if options.workloads and key not in options.workloads:
            continue
        if options.quick and key == "live-32g":
            continue
        machine.say(f"  {title}")
        command = [machine.PROGRAMS / program, *arguments, "--stay-ms", 1500]
        none, sampling = variants.BY_KEY["glibc/none"], variants.wrackline("glibc", key, interval)
        values = runs.rounds(min(options.rounds, 5), {
            "none": lambda number: runs.run(command, none).values["peak_rss"],
            "sampling": lambda number: runs.run(command, sampling, inspect=recording.read)})
        done = values["sampling"]
        if not done:
            continue
        last = done[max(done)]
        rows.append({
            "case": key, "title": title, "none": runs.quartiles(values["none"].values()),
            "added": runs.quartiles([run.values["peak_rss"] - values["none"][number] for number, run in done.items()
                                     if number in values["none"]]),
            "own_bytes": last.inspected["own_bytes"], "samples": last.inspected["samples"],
            "live_samples": last.inspected["live_samples"], "stacks": last.inspected["stacks"],
            "losses": last.inspected["losses"], "live_bytes": last.values.get("live_bytes", 0)})
    return {"rows": rows}


def render(result):
    body = []
    for row in result["rows"]:
        added = {name: value / MIB for name, value in row["added"].items()}
        share = f", {row['added']['median'] / row['live_bytes']:.2%} of live" if row["live_bytes"] else ""
        losses = ", ".join(f"{name} {count:,}" for name, count in row["losses"].items()) or "none"
        body.append([row["title"], f"{row['none']['median'] / MIB:,.1f}", spread(added, 1) + share, f"{row['own_bytes'] / MIB:.1f}",
                     f"{row['stacks']:,}", f"{row['samples']:,}", f"{row['live_samples']:,}", losses])
    return table(["process", "peak RSS without, MiB", "added, MiB", "of it own_bytes", "stacks", "samples", "live at the end", "losses"], body)

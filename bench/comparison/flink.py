"""Section "flink": processor time a record costs in a real Flink TaskManager, its collections, its checkpoints, its memory.

In each round every case is a new JobManager and TaskManager of its own, all up at the same time, warmed up together and then stopped (SIGSTOP). From then
on one of them runs at a time, for some seconds, with the machine for itself and at the same throttled rate: slices in turn, in an order shuffled anew, a pair's
one after the other. So what is compared is seconds apart, and each TaskManager is as busy as a real one: shared out among all at once, the machine would leave each a sixth of a processor, and what
a tool does once a second would count six times. Two TaskManagers of one case differ by how their JVMs happened to compile, which only more of them can average
out: so the main pair is there twice in each round. Where the tools are too alike for that, a few more slices tell what ran in the allocator and in the tool alone
(attribution.py).
"""

import contextlib
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from . import attribution, flink_cluster, intervals, machine, recording, runs, variants
from .markdown import table

MIB = 1 << 20
# Flink's own default size of a TaskManager; at 1 GiB the write buffers of four states in two slots flush without end and compaction is all there is.
CONFIGURATION = """taskmanager.memory.process.size: 1728m
taskmanager.numberOfTaskSlots: 2
execution.checkpointing.incremental: true
web.checkpoints.history: 1000
heartbeat.timeout: 3600000
"""
# Records a second and subtask: less than half of what the two subtasks can do on two processors, so that the load is the same and a checkpoint's
# duration is the checkpoint's, not that of the queues before it.
JOB = ("parallelism=2", "rate=9000", "payload=200", "keys=512", "checkpoint=5000", "pause=2500", "forget=101")
# The heap is resident from the start, so that added memory is not a matter of how much of it was touched; a compiler thread that ends takes its time with it.
FLAGS = "-XX:+AlwaysPreTouch -XX:-UseDynamicNumberOfCompilerThreads"
CLUSTERS = 8  # at the same time: 1 GiB each with its JobManager
PEERS = ("glibc/async-profiler", "jemalloc/prof")
# Of these it is also asked what ran in the allocator and in the tool: jemalloc's code is in an object of its own, glibc's is among the rest of libc.
ATTRIBUTED = ("jemalloc/none", "jemalloc/512k", "jemalloc/prof")
# A slice in which the job fell behind its rate, because of something else on the machine, does not count.
LEAST_RATE = 0.9 * 18000


@dataclass(frozen=True)
class Case:
    variant: variants.Variant
    copies: int = 1
    flags: str = FLAGS

    @property
    def key(self):
        return self.variant.key


def _cases():
    # async-profiler as its documentation has it for a JVM: as an agent.
    profiler = variants.Variant("glibc/async-profiler", "async-profiler 4.4 nativemem=512k", "glibc", base="glibc/none", peer=True)
    agent = f"{FLAGS} -agentpath:{machine.async_profiler()}=start,nativemem=512k,file={{folder}}/profile.jfr"
    return [Case(variants.BY_KEY["glibc/none"], 2), Case(variants.BY_KEY["glibc/512k"], 2), Case(profiler, flags=agent),
            Case(variants.BY_KEY["jemalloc/none"]), Case(variants.BY_KEY["jemalloc/512k"]), Case(variants.BY_KEY["jemalloc/prof"])]


def _chosen(options):
    every = {case.key: case for case in _cases()}
    wanted = options.workloads or list(every)
    strange = [key for key in wanted if key not in every]
    if strange:
        raise runs.Failed(f"there is no case {strange[0]!r}; there are: {', '.join(every)}")
    keys = {*wanted, *(every[key].variant.base for key in wanted if every[key].variant.base)}
    missing = {key: every[key].variant.missing() for key in keys if every[key].variant.missing()}
    if "glibc/async-profiler" in keys and not machine.async_profiler().exists():
        missing["glibc/async-profiler"] = str(machine.async_profiler())
    for key, path in missing.items():
        machine.say(f"  left out: {key}: {path} is not there")
        runs.left_out.append(key)
    cases = [case for key, case in every.items() if key in keys and key not in missing]
    if options.workloads:  # the more pairs of these
        cases = [replace(case, copies=max(1, CLUSTERS // len(cases))) for case in cases]
    return cases


def run(options):
    times = {"warm_up": 20, "sweeps": 1, "slice": 6, "attributed": 1} if options.quick else {"warm_up": 50, "sweeps": 4, "slice": 6, "attributed": 2}
    if not attribution.available():
        machine.say("  left out: what ran in the allocator and in the tools: there is no perf (compare.py --install-peers)")
        runs.left_out.append("attribution")
        times["attributed"] = 0
    cases = _chosen(options)
    order = random.Random()
    rows = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        flink_cluster.end_strays()
        with tempfile.TemporaryDirectory(prefix="wrackline-bench-") as folder:
            classes = Path(folder, "classes")
            classes.mkdir()
            flink_cluster.compile_job(classes)
            for number in range(options.rounds):
                begin = time.monotonic()
                try:
                    rows += _round(number, cases, Path(folder, f"round-{number}"), classes, order, times)
                except runs.Failed as failure:
                    machine.say(f"  round {number + 1} of {options.rounds} is lost: {failure}")
                    runs.left_out.append(f"round {number + 1}")
                    continue
                machine.say(f"  round {number + 1} of {options.rounds}, {time.monotonic() - begin:.0f} s, load {os.getloadavg()[0]:.1f}: {_now(rows)}")
    finally:
        flink_cluster.end_strays()
        signal.signal(signal.SIGTERM, before)
    return {"rows": rows, "cases": {case.key: {"title": case.variant.title, "allocator": case.variant.allocator, "base": case.variant.base,
                                               "copies": case.copies} for case in cases}, "job": " ".join(JOB), "times": times}


def _round(number, cases, folder, classes, order, times):
    clusters = [flink_cluster.Cluster(case.variant, copy, folder / f"{case.key.replace('/', '-')}-{copy}", classes, CONFIGURATION, case.flags)
                for case in cases for copy in range(case.copies)]
    order.shuffle(clusters)
    try:
        clusters = _all(clusters, lambda cluster: cluster.begin_up(), again=True)
        clusters = _all(clusters, lambda cluster: cluster.begin_submit(*JOB))
        for cluster in clusters:
            cluster.await_records(180)
        machine.say(f"    {len(clusters)} TaskManagers are at work")
        time.sleep(times["warm_up"])
        for cluster in clusters:
            cluster.stop()
        slices = {cluster: [] for cluster in clusters}
        for _ in range(times["sweeps"]):
            for cluster in _in_turn(clusters, order):
                with _leaving_out(cluster):
                    cluster.go_on()
                    slices[cluster].append(_slice(cluster, times["slice"]))
                    cluster.stop()
        parts = {cluster: [] for cluster in clusters}
        for _ in range(times["attributed"]):
            for cluster in _in_turn([cluster for cluster in clusters if cluster.variant.key in ATTRIBUTED], order):
                with _leaving_out(cluster):
                    cluster.go_on()
                    parts[cluster].append(_parts(cluster, 2 * times["slice"]))
                    cluster.stop()
        rows = []
        for cluster in clusters:
            with _leaving_out(cluster):
                cluster.go_on()
                checkpoints = cluster.checkpoints()
                cluster.end()
                rows.append(_row(cluster, slices[cluster], checkpoints, parts[cluster]))
                cluster.remove()
        return [{"round": number, **row} for row in rows if row]
    finally:
        for cluster in clusters:
            cluster.end()
            cluster.remove()


def _in_turn(clusters, order):
    """Shuffled, but a pair's TaskManagers one after the other."""
    groups = {}
    for cluster in clusters:
        groups.setdefault((cluster.variant.base or cluster.variant.key, cluster.copy), []).append(cluster)
    groups = list(groups.values())
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    return [cluster for group in groups for cluster in group]


@contextlib.contextmanager
def _leaving_out(cluster):
    """What fails in here costs the round this one cluster."""
    try:
        yield
    except runs.Failed as failure:
        machine.say(f"    left out of this round: {failure}")
        runs.left_out.append(cluster.name)


@dataclass
class Slice:
    began: float  # seconds since 1970
    ended: float
    first: flink_cluster.Mark
    last: flink_cluster.Mark


def _slice(cluster, seconds):
    time.sleep(0.5)  # what came due while it was stopped
    began, first = time.time(), cluster.mark()
    time.sleep(seconds)
    last = cluster.mark()
    return Slice(began, time.time(), first, last)


# Objects by the name of their file, and what ran in them.
OBJECTS = {"libjemalloc.so.2": "the allocator", "libwrackline_preload.so": "the tool", "libgcc_s.so.1": "unwinding"}
# libgcc asks these for the object of an address; the dynamic linker's own time is that of RocksDB's thread-local variables.
UNWINDING = ("_dl_find_object", "dl_iterate_phdr")
PARTS = ("the allocator", "the tool", "unwinding", "the tool's threads")


def part_of(thread, object_, symbol):
    if thread.startswith("wrackline"):
        return "the tool's threads"
    return "unwinding" if symbol in UNWINDING else OBJECTS.get(object_)


def _parts(cluster, seconds):
    """{part: microseconds a record}, of a slice under perf; None where the job fell behind its rate."""
    time.sleep(0.5)
    first = cluster.mark()
    found = attribution.seconds_by(cluster.pid, seconds, cluster.folder)
    last = cluster.mark()
    records = last.records - first.records
    if records < LEAST_RATE * (last.at - first.at):
        machine.say(f"    {cluster.name}: a slice under perf fell behind the rate and does not count")
        return None
    parts = dict.fromkeys(PARTS, 0.0)
    for place, used in found.items():
        part = part_of(*place)
        if part:
            parts[part] += 1e6 * used / (records * seconds / (last.at - first.at))
    return parts


def _all(clusters, begin, again=False):
    """Begins something with all clusters at once and waits for it. One that fails is tried once more alone, then left out of the round."""
    done = []
    for cluster in clusters:
        begin(cluster)
    for cluster in clusters:
        for attempt in range(2 if again else 1):
            try:
                if attempt:
                    begin(cluster)
                cluster.finish()
                done.append(cluster)
                break
            except runs.Failed as failure:
                cluster.end()
                machine.say(f"  {'again' if again and not attempt else 'left out of this round'}: {failure}")
        else:
            runs.left_out.append(cluster.name)
            cluster.remove()
    return done


def _row(cluster, slices, checkpoints, parts):
    if not slices:
        return None
    kept = [one for one in slices if one.last.records - one.first.records >= LEAST_RATE * (one.last.at - one.first.at)]
    if len(kept) < len(slices):
        machine.say(f"    {cluster.name}: {len(slices) - len(kept)} of {len(slices)} slices fell behind the rate and do not count")
    if not kept:
        return None
    slices = kept
    total = lambda figure: sum(figure(one.last) - figure(one.first) for one in slices)
    records, seconds = total(lambda mark: mark.records), total(lambda mark: mark.at)
    threads = {}
    for one in slices:
        for thread, used in one.last.threads.items():
            group = _group(thread[1])
            threads[group] = threads.get(group, 0.0) + used - one.first.threads.get(thread, 0.0)
    # Those that no stop has cut.
    checkpoints = [checkpoint for checkpoint in checkpoints for one in slices
                   if one.began <= checkpoint["at"] and checkpoint["at"] + checkpoint["seconds"] < one.ended]
    cpu_us = 1e6 * total(lambda mark: mark.cpu) / records
    row = {
        "case": cluster.variant.key, "copy": cluster.copy, "records": records, "seconds": seconds, "records_a_second": records / seconds,
        "cpu_us": cpu_us, "steady_us": cpu_us - 1e6 * threads.get("compilers", 0.0) / records,
        "slices_us": [1e6 * (one.last.cpu - one.first.cpu) / (one.last.records - one.first.records) for one in slices],
        "threads_us": {group: 1e6 * used / records for group, used in sorted(threads.items(), key=lambda item: -item[1])},
        "gc_us": 1e6 * total(lambda mark: mark.gc_seconds) / records, "gc_count": 1e6 * total(lambda mark: mark.gc_count) / records,
        "resident": slices[-1].last.resident, "checkpoints": len(checkpoints),
        "checkpoint_ms": 1e3 * statistics.fmean(one["seconds"] for one in checkpoints) if checkpoints else None,
        "checkpoint_bytes": statistics.fmean(one["bytes"] for one in checkpoints) if checkpoints else None,
    }
    parts = [one for one in parts if one]
    if parts:
        row["parts_us"] = {part: statistics.fmean(one[part] for one in parts) for part in PARTS}
        # As the kernel counts them in the slices without perf, whose own work at each of their wake-ups is theirs under it: 4.7 ms a second for 3.2.
        row["parts_us"][PARTS[-1]] = row["threads_us"].get("wrackline's own threads", 0.0)
    if cluster.variant.preload[:1] == (machine.PRELOAD,):
        row["recording"] = recording.read(cluster.folder / "recordings")
        if not row["recording"]["samples"]:
            raise runs.Failed(f"{cluster.name}: the recording has no samples")
    return row


# Beginnings of thread names, and what they are together.
GROUPS = (
    ("wrackline", "wrackline's own threads"), ("C1 ", "compilers"), ("C2 ", "compilers"), ("GC ", "collector"), ("G1 ", "collector"),
    ("rocksdb:", "RocksDB flush and compaction"), ("make order", "task: make order"), ("decode order", "task: decode order"),
    ("fold orders", "task: fold orders"), ("last of each", "task: windows"), ("Source: orders", "task: source"),
)


def _group(name):
    return next((group for beginning, group in GROUPS if name.startswith(beginning)), "other")


def figures(result, case, figure):
    """{(round, copy): figure}"""
    found = {}
    for row in result["rows"]:
        value = row.get(figure) if isinstance(figure, str) else figure(row)
        if row["case"] == case and value is not None:
            found[(row["round"], row["copy"])] = value
    return found


def ratio(result, case, figure="steady_us"):
    """None where the case was not measured."""
    if case not in result["cases"]:
        return None
    return intervals.ratio(figures(result, case, figure), figures(result, result["cases"][case]["base"], figure))


def against(result, case, other, figure="steady_us"):
    """The ratio of one case to its base, divided by that of another to its own."""
    ratios = [{pair: value / base[pair] for pair, value in mine.items() if pair in base} for mine, base in (
        (figures(result, key, figure), figures(result, result["cases"][key]["base"], figure)) for key in (case, other))]
    return intervals.ratio(*ratios)


def same(result, case):
    """Of two TaskManagers of one case, one to the other: what there is to see where there is nothing."""
    found = figures(result, case, "steady_us")
    return intervals.geometric(value / found[(number, copy - 1)] for (number, copy), value in found.items() if copy % 2 and (number, copy - 1) in found)


def inside(row):
    """What ran in the allocator, in the tool and in its threads, us a record."""
    return sum(row["parts_us"].values()) if "parts_us" in row else None


def inside_versus(result, peer):
    """wrackline's processor time in the allocator and the tool divided by that of a peer behind the same allocator."""
    if peer not in ATTRIBUTED:
        return None
    return intervals.ratio(figures(result, peer.split("/")[0] + "/512k", inside), figures(result, peer, inside))


def _now(rows):
    found = {"rows": rows, "cases": {case.key: {"base": case.variant.base} for case in _cases()}}
    seen = {row["case"] for row in rows}
    return ", ".join(f"{key} {intervals.text(ratio(found, key))}" for key, case in found["cases"].items()
                     if key in seen and case["base"] in seen)


def render(result):
    times = result["times"]
    body = []
    for key, case in result["cases"].items():
        if not figures(result, key, "cpu_us"):
            continue
        based = bool(case["base"])
        pauses = intervals.ratio(figures(result, key, "gc_us"), figures(result, case["base"], "gc_us")) if based else None
        body.append([case["title"], case["allocator"], f"{_mean(result, key, 'steady_us'):.1f}", intervals.text(ratio(result, key)) if based else "1",
                     intervals.text(ratio(result, key, "cpu_us")) if based else f"{_mean(result, key, 'cpu_us'):.1f} us",
                     f"{_mean(result, key, 'gc_count'):.1f}", f"{_mean(result, key, 'gc_us'):.2f}", intervals.text(pauses) if based else "1",
                     f"{_mean(result, key, 'checkpoint_ms'):.0f}", intervals.text(ratio(result, key, "checkpoint_ms")) if based else "1",
                     intervals.text(_added(result, key), 1) if based else f"{_mean(result, key, 'resident') / MIB:,.0f} in all"])
    lines = [f"OrdersJob with `{result['job']}`; {times['warm_up']} s of warm-up, then {times['sweeps']} slices of {times['slice']} s of each TaskManager in turn; ratios are geometric "
             "means of the paired ratios to the same allocator without the tool, in brackets the 95 % interval (Student's t on their logarithms).", "",
             *table(["TaskManager with", "allocator", "CPU us a record", "to without", "to without, JVM's compilers with it", "collections in a million", "their time, us a record", "to without", "a checkpoint, ms", "to without",
                     "added RSS, MiB"], body)]
    noise = same(result, "glibc/none")
    if noise:
        lines += ["", f"Two TaskManagers without a tool, one to the other: {intervals.text(noise)}."]
    for peer in PEERS:
        found = versus(result, peer)
        if found:
            lines.append(f"wrackline's ratio divided by {result['cases'][peer]['title']}'s: {intervals.text(found)}.")
    own = [row["recording"]["own_bytes"] for row in result["rows"] if "recording" in row]
    if own:
        samples = [row["recording"]["samples"] for row in result["rows"] if "recording" in row]
        lost = sum(sum(row["recording"]["losses"].get(name, 0) for name in recording.SAMPLE_LOSSES) for row in result["rows"] if "recording" in row)
        lines.append(f"wrackline's own resident memory, as its recordings have it: at most {max(own) / MIB:.1f} MiB; {min(samples):,} to {max(samples):,} samples a "
                     f"TaskManager, {lost:,} lost.")
    return lines + ["", *_render_parts(result), *_render_threads(result)]


def _mean(result, case, figure):
    values = figures(result, case, figure).values()
    return statistics.fmean(values) if values else float("nan")


def _added(result, case):
    found = intervals.difference(figures(result, case, "resident"), figures(result, result["cases"][case]["base"], "resident"))
    return found and {name: value / MIB if name != "rounds" and value is not None else value for name, value in found.items()}


def versus(result, peer):
    """wrackline behind the peer's allocator against the peer."""
    mine = peer.split("/")[0] + "/512k"
    keys = {row["case"] for row in result["rows"]}
    return against(result, mine, peer) if {mine, peer} <= keys else None


def _render_parts(result):
    if not figures(result, ATTRIBUTED[0], inside):
        return []
    body = []
    for key in ATTRIBUTED:
        if not figures(result, key, inside):
            continue
        added = intervals.difference(figures(result, key, inside), figures(result, ATTRIBUTED[0], inside))
        part = lambda name: statistics.fmean(figures(result, key, lambda row: row.get("parts_us", {}).get(name)).values())
        body.append([result["cases"][key]["title"], *(f"{1e3 * part(name):.0f}" for name in PARTS), f"{1e3 * statistics.fmean(figures(result, key, inside).values()):.0f}",
                     "0" if key == ATTRIBUTED[0] else intervals.text(added and {name: 1e3 * value if name != "rounds" and value is not None else value for name, value in added.items()}, 0)])
    lines = [f"What ran in the allocator and in the tools, by `perf record` on the task clock ({attribution.HERTZ} Hz, slices of their own; the tool's threads by schedstat in the others), ns of processor time a record:", "",
             *table(["jemalloc behind", *PARTS, "together", "added"], body), ""]
    for peer in PEERS:
        found = inside_versus(result, peer)
        if found:
            lines += [f"wrackline's together divided by that with {result['cases'][peer]['title']}: {intervals.text(found)}.", ""]
    return lines


def _render_threads(result):
    """Where the time of the main pair goes."""
    groups = {}
    for key in ("glibc/none", "glibc/512k"):
        for row in result["rows"]:
            if row["case"] == key:
                for group in row["threads_us"]:
                    groups.setdefault(group, None)
    share = lambda group: lambda row: row["threads_us"].get(group, 0.0)
    body = []
    for group in groups:
        without, with_it = (_mean(result, key, share(group)) for key in ("glibc/none", "glibc/512k"))
        added = intervals.difference(figures(result, "glibc/512k", share(group)), figures(result, "glibc/none", share(group)))
        body.append([group, f"{without:.2f}", f"{with_it:.2f}", intervals.text(added, 2)])
    return table(["threads, CPU us a record", "without", "wrackline, 512k", "added"], body)

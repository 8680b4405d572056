"""The figures that wrackline holds itself to, each from the section that measured it."""

from . import flink, intervals, micro, recording
from .markdown import ratio, spread, table

MIB = 1 << 20


def _section(results, name):
    return results.get(name, {"rows": []})


def _row(results, section, **wanted):
    for row in _section(results, section)["rows"]:
        if all(row.get(name) == value for name, value in wanted.items()):
            return row
    return {}


def _bars(results):
    """(what, bar, measured text, measured number or None, limit) of every bar."""
    rows = []
    for allocator, fast, all_in in (("glibc", 1.04, 1.14), ("jemalloc", 1.05, 1.19)):
        for workload in ("pair-1", "ring-1"):
            name = {"pair-1": "tight pair", "ring-1": "ring"}[workload]
            value = micro.value(_section(results, "micro"), workload, f"{allocator}/never", "forward")
            rows.append((f"fast path, {name}, {allocator}: never samples to forward only", fast, ratio(value), value and value["median"]))
        for workload in ("pair-1", "ring-1"):
            name = {"pair-1": "tight pair", "ring-1": "ring"}[workload]
            value = micro.value(_section(results, "micro"), workload, f"{allocator}/512k", "none")
            rows.append((f"all in, {name}, {allocator}: 512k to no tool", all_in, ratio(value), value and value["median"]))
    for row in _section(results, "instructions")["rows"]:
        for state, base, words in (("never", "forward", ""), ("large", "forward_large", ", large samples held")):
            added = row[state] - row[base]
            rows.append((f"instructions added to forward only: {row['loop']}, {row['allocator']}{words}", 12, f"{added:.1f}", added))
    for row in _section(results, "samples")["rows"]:
        limit = {"hot": 1000, "real": 4000}.get(row["case"])
        if limit and row["ns"]:
            rows.append((f"one sample, ns, {row['title']}, {row['allocator']}", limit, spread(row["ns"], 0), row["ns"]["median"]))
    for row in _section(results, "instructions").get("programs", []):
        if row["512k"]:
            rows.append((f"user instructions, {row['title']}, {row['allocator']}: 512k to no tool", 1.01, ratio(row["512k"], 4), row["512k"]["median"]))
    for case in ("stacks", "stacks-small"):
        row = _row(results, "memory", case=case)
        if row:
            added = row["added"]["median"] / MIB
            rows.append((f"added RSS, MiB: {row['title']}", 12, f"{added:.1f}", added))
    row = _row(results, "memory", case="live-32g")
    if row:
        share = 100 * row["added"]["median"] / row["live_bytes"]
        rows.append((f"added RSS, % of live bytes: {row['title']}", 0.5, f"{share:.2f}", share))
        lost = sum(count for name, count in row["losses"].items() if name in recording.SAMPLE_LOSSES)
        rows.append((f"samples lost of {row['live_samples'] + lost:,}: {row['title']}", 0, f"{lost:,}", lost))
    for row in _section(results, "jvm")["rows"]:
        if row["what"] == "start" and row["variant"] == "wrackline, 512k":
            rows.append((f"start of a JVM with 25,000 methods, {row['vm']}: ms added", 20, spread(row["start_added_ms"], 1),
                         row["start_added_ms"]["median"]))
        if row["what"] == "working_set" and row["variant"] == "wrackline, 512k" and row["ratio"]:
            rows.append((f"JVM working set, {row['vm']}: CPU at 512k to no tool", 1.02, ratio(row["ratio"]), row["ratio"]["median"]))
            rows.append((f"JVM working set, {row['vm']}: added RSS, MiB", 10, f"{row['added_rss']['median'] / MIB:.1f}",
                         row["added_rss"]["median"] / MIB))
        limit = {"hot": 4000, "real": 15000}.get(row.get("case"))
        if limit and row["ns"]:
            rows.append((f"one mixed sample of {row['frames']} frames, ns, {row['vm']}, {row['title']}", limit, spread(row["ns"], 0),
                         row["ns"]["median"]))
    rocksdb = results.get("rocksdb", {"splits": [], "threads": [], "instructions": {}})
    for row in rocksdb["splits"]:
        rows.append((f"RocksDB probe, one split of a cache, ms: {row['title']}", 50, spread(row["split_ms"]), row["split_ms"]["median"]))
    for row in rocksdb["threads"]:
        if row["period_ms"] == 1000 and row["share"]:
            rows.append(("RocksDB probe's thread on a busy database, % of a core: a sample a second", 1, spread(row["share"], 3), row["share"]["median"]))
    if rocksdb["instructions"]:
        value = rocksdb["instructions"]["ratio"]
        rows.append(("RocksDB probe, instructions of a busy database's own threads: a sample a second to none", 1.005, ratio(value, 4), value and value["median"]))
    if _section(results, "flink")["rows"]:
        cost = flink.ratio(results["flink"], "glibc/512k")
        if cost:
            rows.append(("Flink TaskManager, CPU a record, 512k to no tool: the interval's upper end", 1.03, intervals.text(cost), cost["high"]))
        for peer in flink.PEERS:
            found = flink.versus(results["flink"], peer)
            if found:
                # An interval with 1 in it says neither yes nor no.
                open_question = found["low"] is None or found["low"] <= 1 <= found["high"]
                rows.append((f"Flink TaskManager, CPU a record: wrackline's ratio divided by that of {results['flink']['cases'][peer]['title']}", 1,
                             intervals.text(found) + (", not told apart" if open_question else ""), None if open_question else found["mean"]))
            found = flink.inside_versus(results["flink"], peer)
            if found:
                rows.append((f"Flink TaskManager, CPU a record in the allocator, the tool and its threads: wrackline's divided by that with {results['flink']['cases'][peer]['title']}, "
                             "the interval's upper end", 1, intervals.text(found), found["high"]))
    return rows


def render(results):
    body = []
    for what, limit, text, number in _bars(results):
        verdict = "-" if number is None else "yes" if number <= limit else "**no**"
        body.append([what, f"<= {limit:,}", text, verdict])
    return table(["what", "bar", "measured", "kept"], body)

#!/usr/bin/env python3
"""How long `wrackline size --check` takes for many recorded runs in a run file, from its start to its answer.

    bench/size_runs.py [--runs 1000] [--moments 240] [--rounds 5] [--wrackline build/release/analyzer/wrackline]

Prints the size of the file and the best and the middle of the rounds. The runs are made up; their form is docs/run-files.md.
"""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

MIB = 1 << 20


def run(number, moments, draw):
    """One TaskManager of 1 GiB with managed RocksDB, everything observed."""
    grows = [i / moments for i in range(moments)]
    columns = {
        "at_ms": [1000 * i for i in range(moments)],
        "heap": [int((60 + 80 * g + draw.random()) * MIB) for g in grows],
        "heap_live": [int((40 + 10 * g + draw.random()) * MIB) for g in grows],
        "metaspace": [int((30 + 20 * min(1, 4 * g)) * MIB) for g in grows],
        "direct": [int((70 + 5 * g) * MIB) for g in grows],
        "caches": [int((20 + 150 * g + draw.random()) * MIB) for g in grows],
        "memtables": [int(64 * draw.random() * MIB) for g in grows],
        "table_readers": [int(4 * g * MIB) for g in grows],
    }
    rest = [int((120 + 40 * g + draw.random()) * MIB) for g in grows]
    parts = ("heap", "metaspace", "direct", "caches", "memtables", "table_readers")
    columns["working_set"] = [sum(columns[part][i] for part in parts) + rest[i] for i in range(moments)]
    return {
        "wrackline_run": 1, "name": f"taskmanager-{number}", "limit": 1024 * MIB, "killed": number % 10 == 0,
        "lifetime_ms": 1000 * moments, "flink_version": "1.20.3",
        "granted": {"framework_heap": 134217728, "task_heap": 26843542, "framework_off_heap": 134217728,
                    "task_off_heap": 0, "network": 67108864, "managed": 241591914, "jvm_metaspace": 268435456,
                    "jvm_overhead": 201326592},
        "slots": 2, "rocksdb_managed": True, "databases": 8,
        "families": [{"name": name, "write_buffer_size": 64 * MIB, "max_write_buffers": 2, "databases": 2}
                     for name in ("value", "list", "map", "window")],
        "moments": columns,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--moments", type=int, default=240)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--wrackline", default="build/release/analyzer/wrackline")
    options = arguments.parse_args()
    draw = random.Random(9)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with open(folder / "runs.jsonl", "w") as file:
            for number in range(options.runs):
                file.write(json.dumps(run(number, options.moments, draw), separators=(",", ":")) + "\n")
        (folder / "flink-conf.yaml").write_text("taskmanager.memory.process.size: 1024m\ntaskmanager.numberOfTaskSlots: 2\n")
        command = [options.wrackline, "size", "--check", "--config", folder / "flink-conf.yaml", "--format", "json",
                   "-o", folder / "answer.json", folder / "runs.jsonl"]
        seconds = []
        for _ in range(options.rounds):
            begin = time.monotonic()
            done = subprocess.run(command)
            seconds.append(time.monotonic() - begin)
            if done.returncode not in (0, 1):
                raise SystemExit(f"{command[0]} failed with {done.returncode}")
        answered = len(json.loads((folder / "answer.json").read_text())["backtest"]["replays"])
        if answered != options.runs:
            raise SystemExit(f"{answered} of {options.runs} runs were answered")
        size = (folder / "runs.jsonl").stat().st_size
        print(f"{options.runs} runs of {options.moments} moments, {size / MIB:.1f} MiB: "
              f"best {min(seconds):.2f} s, middle {statistics.median(seconds):.2f} s of {options.rounds}")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# demo-flink.sh - ./demo.sh --flink: a real Flink TaskManager gets OOM-killed, is explained, resized, and lives.
#
#   ./demo.sh --flink [VERSION]   1.20.3 (Java 17, the default) or 2.3.0 (Java 21); five minutes on two processors
#
# What it does:
#   1. fetches Flink's jars from Maven Central where they are missing (104 MB), builds what has changed
#   2. starts a JobManager and a TaskManager on the loopback interface, the TaskManager with the preload and in a memory
#      cgroup of 1 GiB, its process size; two slots, RocksDB unmanaged, a job with four keyed states: the kernel kills it
#   3. prints `wrackline report` on what it left behind, and what `wrackline size` proposes
#   4. runs the same job with the proposed configuration under the same limit for three times as long, and a minute at least: it lives
#   5. shows the managed case: one cache per slot, shared by all column families and counted once, and whether RocksDB
#      stays within managed memory or asks for task off-heap memory
#
# Needs root for the memory cgroup and the kernel's log. Everything it writes goes to demo.out/flink/.
# Exit status: 0 it went as said above; 1 it did not, with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-1.20.3}
fail() { echo "demo: $*" >&2; exit 1; }
case $version in
  --help | -h) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  1.20.3 | 2.3.0) ;;
  *) fail "Flink 1.20.3 or 2.3.0, not $version" ;;
esac
limit=1073741824
out=$PWD/demo.out/flink
# shellcheck source=scripts/flink-runs.sh
source scripts/flink-runs.sh
job=("${steady_job[@]}")
begin_runs

# Who takes RocksDB out of managed memory needs none of it: the heap gets it.
echo "$unmanaged" >"$out/unmanaged.yaml"
echo "== demo: Flink $version, two slots, RocksDB unmanaged, 1 GiB"
run unmanaged "$out/unmanaged.yaml"
began=$SECONDS
! lives unmanaged 240 || fail "it was not killed within four minutes (see $out/unmanaged)"
took=$((SECONDS - began))
alive=$((3 * took > 60 ? 3 * took : 60))
status=$(<"$out/unmanaged/taskmanager.status")
((status == 137)) || fail "the TaskManager should have been killed, it ended with $status (see $out/unmanaged/taskmanager.log)"
dmesg >"$out/unmanaged/recordings/dmesg.txt"
end_runs
echo "== demo: exit status 137 after $took s; what it left behind says:"
"$wrackline" report --config "$out/unmanaged/conf/config.yaml" --flink-version "$version" "$out/unmanaged/recordings" | tee "$out/unmanaged/report.txt"
echo "== demo: what it needs instead:"
"$wrackline" size --config "$out/unmanaged/conf/config.yaml" --flink-version "$version" "$out/unmanaged/recordings" | tee "$out/unmanaged/size.txt"
with_proposal "$out/unmanaged" "$out/unmanaged.yaml" >"$out/proposed.yaml"
echo "== demo: the same job under the same limit with the proposed configuration, for $alive s"
run proposed "$out/proposed.yaml"
lives proposed $alive || fail "the TaskManager should have lived, it ended with $(<"$out/proposed/taskmanager.status") (see $out/proposed)"
"$wrackline" report --config "$out/proposed/conf/config.yaml" --flink-version "$version" "$out/proposed/recordings" | tee "$out/proposed/report.txt"
end_runs

cat >"$out/managed.yaml" <<'CONFIG'
taskmanager.memory.process.size: 1024m
taskmanager.memory.managed.size: 128m
taskmanager.numberOfTaskSlots: 2
CONFIG
echo "== demo: managed, 64 MiB a slot"
run managed "$out/managed.yaml"
lives managed 45 || fail "the managed TaskManager ended with $(<"$out/managed/taskmanager.status") (see $out/managed)"
end_runs
echo "== demo: every column family shows its slot's cache; it is counted once:"
recording=$(ls -S "$out"/managed/recordings/*.wrack | head -n 1)   # the others are of programs that Flink starts
"$wrackline" rocksdb "$recording" | tee "$out/managed/rocksdb.txt"
echo "== demo: what it needs instead:"
"$wrackline" size --config "$out/managed/conf/config.yaml" --flink-version "$version" "$out/managed/recordings" | tee "$out/managed/size.txt"
echo "== demo: killed after $took s, alive after $alive s with the proposed configuration; reports, logs and recordings are in demo.out/flink/"

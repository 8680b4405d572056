#!/usr/bin/env bash
# demo.sh - watch a RocksDB program get OOM-killed, read why, apply what wrackline proposes, watch it live.
#
#   ./demo.sh               set up, build, run the demo (under two minutes after the build)
#   ./demo.sh --no-root     run it as it runs where no memory cgroup can be made
#   ./demo.sh --limit SIZE  another memory limit (default 256m)
#   ./demo.sh --flink [VERSION]   the same with a real Flink TaskManager, 1.20.3 or 2.3.0, and the managed case after
#                           it (five minutes; scripts/demo-flink.sh --help says what it does; needs root)
#
# What it does:
#   1. installs the Debian packages that are missing, configures and builds (only what has changed)
#   2. runs a real RocksDB program with four column families (value, list, map, window), each with the defaults that
#      Flink's RocksDB has without managed memory (2 x 64 MB write buffers, 8 MB block cache), in a memory cgroup of its
#      own: the kernel kills it
#   3. prints `wrackline report` on what the program left behind
#   4. runs the same program with the proposed settings under the same limit: it finishes its work
#
# A memory cgroup needs root. As an ordinary user the demo takes sudo where that asks for no password (`sudo -v` before
# it helps); else the program runs without a limit, ends by itself at the byte where the limit would be, and the report says that it was not a kill.
# Everything it writes goes to demo.out/. Exit status: 0 it went as said above; 1 it did not, with the reason.
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; }
limit=256m
with_root=yes
while (($#)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --flink) shift; exec scripts/demo-flink.sh "$@" ;;
    --no-root) with_root=no; shift ;;
    --limit) limit=${2:?--limit needs a size}; shift 2 ;;
    *) echo "demo: unknown argument '$1' (see ./demo.sh --help)" >&2; exit 2 ;;
  esac
done
fail() { echo "demo: $*" >&2; exit 1; }

scripts/setup.sh build
scripts/build.sh release wrackline wrackline_preload wrackline_four_states

bin=build/release
wrackline=$bin/analyzer/wrackline
program=$bin/rocksdb_probe/wrackline_four_states
out=demo.out
write_mb=900

# How to become root for the one step that needs it: the memory cgroup.
as_root=()
if [[ $with_root == yes ]] && ((EUID != 0)); then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n); else with_root=no; fi
fi

"${as_root[@]}" rm -rf "$out"
mkdir -p "$out"

# run NAME ARGUMENT...: the program under the limit, or, without root, ending by itself at that byte.
run() {
  local name=$1 status=0
  shift
  if [[ $with_root == yes ]]; then
    "${as_root[@]}" "$wrackline" run --limit "$limit" --out "$out/$name" -- \
      "$program" --db "$out/$name-db" --write-mb "$write_mb" "$@" || status=$?
    [[ ${#as_root[@]} -eq 0 ]] || "${as_root[@]}" chown -R "$(id -u):$(id -g)" "$out"
  else
    "$wrackline" run --stopped-status 99 --assume-limit "$limit" --out "$out/$name" -- \
      "$program" --db "$out/$name-db" --write-mb "$write_mb" --stop-at "$limit" "$@" || status=$?
  fi
  rm -rf "$out/$name-db"
  return "$status"
}

if [[ $with_root == yes ]]; then
  expected=137
  echo "== demo: four column families, unmanaged, in a memory cgroup of $limit"
else
  expected=99
  echo "== demo: no root, so no memory cgroup: the program ends by itself at $limit"
fi
status=0
run unmanaged || status=$?
((status == expected)) || fail "the first run should have ended with status $expected, it ended with $status"
echo "== demo: exit status $status; what it left behind says:"
"$wrackline" report "$out/unmanaged" | tee "$out/unmanaged/report.txt"
"$wrackline" report "$out/unmanaged" --format json --output "$out/unmanaged/report.json"

echo "== demo: the same work under the same limit with the proposed settings"
status=0
run proposed --settings "$out/unmanaged/report.json" || status=$?
((status == 0)) || fail "the second run should have survived, it ended with $status (see $out/proposed)"
"$wrackline" report "$out/proposed" | tee "$out/proposed/report.txt"
echo "== demo: the first run was $([[ $with_root == yes ]] && echo "killed by the kernel" || echo "stopped at the limit"), the second one survived; reports and recordings are in $out/"

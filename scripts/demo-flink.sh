#!/usr/bin/env bash
# demo-flink.sh - ./demo.sh --flink: a real Flink TaskManager gets OOM-killed, is explained, resized, and lives.
#
#   ./demo.sh --flink [VERSION]   1.20.3 (Java 17, the default) or 2.3.0 (Java 21); three minutes on two processors
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
  1.20.3) feature=17 ;;
  2.3.0) feature=21 ;;
  *) fail "Flink 1.20.3 or 2.3.0, not $version" ;;
esac
((EUID == 0)) || fail "a memory cgroup and the kernel's log need root: sudo ./demo.sh --flink"

scripts/setup.sh flink "$version"
scripts/build.sh release wrackline wrackline_preload

wrackline=$PWD/build/release/analyzer/wrackline
preload=$PWD/build/release/preload/libwrackline_preload.so
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline
jars=$cache/flink/$version
limit=1073741824
# Records of 8 kB: memtables fill faster than they are flushed, on two processors within seconds.
job=(payload=8000 keys=16384 checkpoint=10000 forget=128)
java=
for home in /usr/lib/jvm/* /opt/java/* "$cache"/java/*; do
  if [[ -x $home/bin/java ]] && grep -qsE "^JAVA_VERSION=\"$feature[.\"]" "$home/release"; then java=$home; break; fi
done
[[ -n $java ]] || fail "no Java $feature in /usr/lib/jvm, /opt/java or $cache/java: scripts/setup.sh check installs it"
javac=$(command -v javac) || fail "no javac"

out=$PWD/demo.out/flink
rm -rf "$out"
mkdir -p "$out/classes"
"$javac" -nowarn -Xlint:-options -source 11 -target 11 -cp "$jars/*" -d "$out/classes" tests/flink/src/com/example/orders/*.java

# The memory cgroup of one run; all of them and the clusters are gone at the end, whatever happens.
cgroups=()
cgroup=
make_cgroup() {
  local own
  own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
  if [[ -n $own ]]; then
    cgroup=/sys/fs/cgroup/memory${own%/}/wrackline-demo-$$-$1
    mkdir "$cgroup"
    cgroups+=("$cgroup")
    echo "$limit" >"$cgroup/memory.limit_in_bytes"
  else
    cgroup=/sys/fs/cgroup/wrackline-demo-$$-$1
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir "$cgroup"
    cgroups+=("$cgroup")
    echo "$limit" >"$cgroup/memory.max"
    echo 0 2>/dev/null >"$cgroup/memory.swap.max" || true
  fi
}
end() {
  local folder
  for folder in "$out"/*/; do
    [[ ! -e $folder/taskmanager.pid ]] || tests/flink/flink.sh down "$folder" || true
    rm -rf "$folder"/{checkpoints,tmp}
  done
  for folder in "${cgroups[@]}"; do
    for _ in {1..50}; do
      rmdir "$folder" 2>/dev/null && break
      [[ -d $folder ]] || break
      sleep 0.1
    done
  done
  cgroups=()
}
trap end EXIT

# run NAME CONFIG: a cluster with the job; returns when the job has been taken.
run() {
  local name=$1 folder=$out/$1
  make_cgroup "$name"
  tests/flink/flink.sh up "$folder" --flink "$jars" --classes "$out/classes" --java "$java" --config "$2" --preload "$preload" --cgroup "$cgroup"
  tests/flink/flink.sh submit "$folder" "${job[@]}"
}
# lives NAME SECONDS: waits so long, or until the TaskManager has ended; true when it has not.
lives() {
  local until=$((SECONDS + $2))
  while ((SECONDS < until)); do
    [[ ! -e $out/$1/taskmanager.status ]] || return 1
    sleep 0.2
  done
}

# Who takes RocksDB out of managed memory needs none of it: the heap gets it.
cat >"$out/unmanaged.yaml" <<'CONFIG'
taskmanager.memory.process.size: 1024m
taskmanager.memory.managed.size: 0m
taskmanager.numberOfTaskSlots: 2
state.backend.rocksdb.memory.managed: false
CONFIG
echo "== demo: Flink $version, two slots, RocksDB unmanaged, 1 GiB"
run unmanaged "$out/unmanaged.yaml"
began=$SECONDS
! lives unmanaged 240 || fail "it was not killed within four minutes (see $out/unmanaged)"
took=$((SECONDS - began))
alive=$((3 * took > 60 ? 3 * took : 60))
status=$(<"$out/unmanaged/taskmanager.status")
((status == 137)) || fail "the TaskManager should have been killed, it ended with $status (see $out/unmanaged/taskmanager.log)"
dmesg >"$out/unmanaged/recordings/dmesg.txt"
end
echo "== demo: exit status 137 after $took s; what it left behind says:"
"$wrackline" report --config "$out/unmanaged/conf/config.yaml" --flink-version "$version" "$out/unmanaged/recordings" | tee "$out/unmanaged/report.txt"
echo "== demo: what it needs instead:"
"$wrackline" size --config "$out/unmanaged/conf/config.yaml" --flink-version "$version" "$out/unmanaged/recordings" | tee "$out/unmanaged/size.txt"
"$wrackline" size --format fragment --config "$out/unmanaged/conf/config.yaml" --flink-version "$version" "$out/unmanaged/recordings" >"$out/fragment.yaml"

# The keys of the fragment take the place of the same keys.
{
  grep -vFf <(sed -n 's/^\([a-z][^:]*:\).*/\1/p' "$out/fragment.yaml") "$out/unmanaged.yaml" || true
  cat "$out/fragment.yaml"
} >"$out/proposed.yaml"
echo "== demo: the same job under the same limit with the proposed configuration, for $alive s"
run proposed "$out/proposed.yaml"
lives proposed $alive || fail "the TaskManager should have lived, it ended with $(<"$out/proposed/taskmanager.status") (see $out/proposed)"
"$wrackline" report --config "$out/proposed/conf/config.yaml" --flink-version "$version" "$out/proposed/recordings" | tee "$out/proposed/report.txt"
end

cat >"$out/managed.yaml" <<'CONFIG'
taskmanager.memory.process.size: 1024m
taskmanager.memory.managed.size: 128m
taskmanager.numberOfTaskSlots: 2
CONFIG
echo "== demo: managed, 64 MiB a slot"
run managed "$out/managed.yaml"
lives managed 45 || fail "the managed TaskManager ended with $(<"$out/managed/taskmanager.status") (see $out/managed)"
end
echo "== demo: every column family shows its slot's cache; it is counted once:"
recording=$(ls -S "$out"/managed/recordings/*.wrack | head -n 1)   # the others are of programs that Flink starts
"$wrackline" rocksdb "$recording" | tee "$out/managed/rocksdb.txt"
echo "== demo: what it needs instead:"
"$wrackline" size --config "$out/managed/conf/config.yaml" --flink-version "$version" "$out/managed/recordings" | tee "$out/managed/size.txt"
echo "== demo: killed after $took s, alive after $alive s with the proposed configuration; reports, logs and recordings are in demo.out/flink/"

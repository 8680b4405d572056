# Runs of a real Flink TaskManager with the preload in a memory cgroup, for scripts that source this file. They set, before
# the functions are called:
#
#   out       a folder, made anew here: every run has a folder of its name in it
#   version   Flink's; begin_runs finds its jars and a Java for it
#   limit     of the cgroup, bytes
#   job       an array of the tests' job's options (tests/flink/src/com/example/orders/OrdersJob.java)
#   fail      a function: says why, and exits
# shellcheck shell=bash disable=SC2154

# Memtables fill by 16 MiB a second, whatever the machine can do; the same job and configuration as tests/flink/flink_loop_test.cc.
# shellcheck disable=SC2034
steady_job=(parallelism=2 rate=1200 payload=2000 keys=256 checkpoint=60000 forget=128)
# shellcheck disable=SC2034
unmanaged='taskmanager.memory.process.size: 1024m
taskmanager.memory.managed.size: 0m
taskmanager.numberOfTaskSlots: 2
state.backend.rocksdb.memory.managed: false
state.backend.rocksdb.writebuffer.count: 6
state.backend.rocksdb.writebuffer.number-to-merge: 3'

# Builds what has changed, fetches Flink's jars where they are missing, compiles the job. Sets wrackline, preload, jars, java.
begin_runs() {
  local feature home javac
  case $version in
    1.*) feature=17 ;;
    *) feature=21 ;;
  esac
  ((EUID == 0)) || fail "a memory cgroup and the kernel's log need root"
  scripts/setup.sh flink "$version"
  scripts/build.sh release wrackline wrackline_preload
  wrackline=$PWD/build/release/analyzer/wrackline
  preload=$PWD/build/release/preload/libwrackline_preload.so
  local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline
  jars=$cache/flink/$version
  java=
  for home in /usr/lib/jvm/* /opt/java/* "$cache"/java/*; do
    if [[ -x $home/bin/java ]] && grep -qsE "^JAVA_VERSION=\"$feature[.\"]" "$home/release"; then java=$home; break; fi
  done
  [[ -n $java ]] || fail "no Java $feature in /usr/lib/jvm, /opt/java or $cache/java: scripts/setup.sh check installs it"
  javac=$(command -v javac) || fail "no javac"
  rm -rf "$out"
  mkdir -p "$out/classes"
  "$javac" -nowarn -Xlint:-options -source 11 -target 11 -cp "$jars/*" -d "$out/classes" tests/flink/src/com/example/orders/*.java
}

# The memory cgroup of one run; all of them and the clusters are gone at the end, whatever happens.
cgroups=()
cgroup=
make_cgroup() {
  local own
  own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
  if [[ -n $own ]]; then
    cgroup=/sys/fs/cgroup/memory${own%/}/wrackline-run-$$-$1
    mkdir "$cgroup"
    cgroups+=("$cgroup")
    echo "$limit" >"$cgroup/memory.limit_in_bytes"
  else
    cgroup=/sys/fs/cgroup/wrackline-run-$$-$1
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir "$cgroup"
    cgroups+=("$cgroup")
    echo "$limit" >"$cgroup/memory.max"
    echo 0 2>/dev/null >"$cgroup/memory.swap.max" || true
  fi
}
end_runs() {
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
trap end_runs EXIT

# with_proposal RUN CONFIG: CONFIG with what `wrackline size` proposes for the run of this folder, on standard output.
with_proposal() {
  local fragment
  fragment=$("$wrackline" size --format fragment --config "$1/conf/config.yaml" --flink-version "$version" "$1/recordings")
  # The keys of the fragment take the place of the same keys.
  grep -vFf <(sed -n 's/^\([a-z][^:]*:\).*/\1/p' <<<"$fragment") "$2" || true
  echo "$fragment"
}

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

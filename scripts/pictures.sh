#!/usr/bin/env bash
# pictures.sh - makes the reports in docs/pictures/ anew, from real Flink runs, as text and as screenshots.
#
#   scripts/pictures.sh            records the three runs (five minutes on two processors), then draws
#   scripts/pictures.sh --draw     draws again what was recorded last, after a change of the report
#
# The runs, of the tests' job on Flink 1.20.3 in a memory cgroup of 1 GiB:
#   unmanaged   two slots, RocksDB outside managed memory: the kernel kills it
#   managed     the same job with what `wrackline size` proposes: it lives
#   inflater    as managed, and the job never ends an Inflater that it makes for every second record
#
# For each, docs/pictures/ gets RUN.txt (`wrackline report` at a width of 100) and RUN.png (the page's first screens), and
# inflater-flame.png, its flame graph. Recordings and whole pages stay in pictures.out/. Needs root, and what scripts/setup.sh check
# installs. Exit status: 0 drawn; 1 a run went otherwise than said above, or something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.20.3
limit=1073741824
out=$PWD/pictures.out
fail() { echo "pictures: $*" >&2; exit 1; }
record=yes
case ${1:-} in
  '') ;;
  --draw) record= ;;
  --help | -h) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  *) fail "what is $1? --draw or nothing" ;;
esac
# shellcheck source=scripts/flink-runs.sh
source scripts/flink-runs.sh
wrackline=$PWD/build/release/analyzer/wrackline

keep() { # keep RUN: what the report needs of it
  mkdir -p "$out/kept/$1"
  # The largest is the TaskManager's, the others are of programs that Flink starts.
  cp "$(ls -S "$out/$1"/recordings/*.wrack | head -n 1)" "$out/kept/$1/taskmanager.wrack"
  cp "$out/$1/conf/config.yaml" "$out/kept/$1/"
  [[ ! -e $out/$1/dmesg.txt ]] || cp "$out/$1/dmesg.txt" "$out/kept/$1/"
}

if [[ -n $record ]]; then
  job=("${steady_job[@]}")
  begin_runs
  echo "$unmanaged" >"$out/unmanaged.yaml"
  echo "== pictures: unmanaged"
  run unmanaged "$out/unmanaged.yaml"
  ! lives unmanaged 240 || fail "it was not killed within four minutes"
  dmesg >"$out/unmanaged/dmesg.txt"
  end_runs
  keep unmanaged
  with_proposal "$out/unmanaged" "$out/unmanaged.yaml" >"$out/managed.yaml"
  echo "== pictures: managed"
  run managed "$out/managed.yaml"
  lives managed 100 || fail "it ended with $(<"$out/managed/taskmanager.status")"
  keep managed
  end_runs
  echo "== pictures: inflater"
  job=("${steady_job[@]}" fault=inflater every=2)
  run inflater "$out/managed.yaml"
  lives inflater 60 || true
  [[ ! -e $out/inflater/taskmanager.status ]] || dmesg >"$out/inflater/dmesg.txt"
  keep inflater
  end_runs
else
  [[ -d $out/kept/inflater ]] || fail "nothing was recorded yet: run scripts/pictures.sh"
  scripts/build.sh release wrackline
fi

export CHROMIUM=${CHROMIUM:-$(command -v chromium || true)}
export PACKAGES=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/browser-tests
[[ -n $CHROMIUM && -d $PACKAGES/node_modules ]] || fail "no chromium or its driver: run scripts/setup.sh check"
mkdir -p docs/pictures
for run in unmanaged managed inflater; do
  report=("$wrackline" report --config "$out/kept/$run/config.yaml" --flink-version "$version")
  "${report[@]}" --width 100 "$out/kept/$run" >"docs/pictures/$run.txt"
  "${report[@]}" --format html -o "$out/kept/$run.html" "$out/kept/$run"
done
# Where this machine keeps its files is nobody's concern.
sed -i -E "s#$out/kept/##g" docs/pictures/*.txt
FOLDER=$out/kept TO=$PWD/docs/pictures node scripts/pictures.mjs
ls -l docs/pictures

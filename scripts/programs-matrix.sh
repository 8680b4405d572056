#!/usr/bin/env bash
# Runs real programs with and without the preload, and says where they differ. They must not.
#
#   scripts/programs-matrix.sh                    every program, 6 runs each (12 minutes on 2 idle cores)
#   scripts/programs-matrix.sh --short            the selection and the smaller inputs of CI (under 90 s)
#   scripts/programs-matrix.sh --only git,java17  these programs
#   scripts/programs-matrix.sh --list             their names
#   --build DIR     where the library was built (build/release)
#   --keep          leave the outputs of all runs, and say where
#
# A program is a file tests/matrix/NAME.sh, run by bash in an empty folder; tests/matrix/README.md says how to write one. Its
# standard output, standard error and exit code are compared line by line. The runs: two without the shim, then the shim in
# front of glibc and in front of jemalloc, at an interval of 512 KiB and of 4 KiB. Shell and helpers of the program's file are
# preloaded as well. Only what differs between the two runs without the shim is normalised: in such a line digits are not
# looked at, and if it differs in more than digits, the line. Where the shim in front of jemalloc differs from glibc alone, it is compared with jemalloc
# alone. At 4 KiB there must be a recording, or nothing was tried.
#
# Exit status: 0 all the same; 1 a difference, a timeout or no recording; 2 usage; 77 all the same but some programs are missing.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
cases=$here/tests/matrix

usage() { sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; }
die() { echo "programs-matrix: $*" >&2; exit 2; }

build=$here/build/release short= keep= only=
while (($#)); do
  case $1 in
    --short) short=1 ;;
    --keep) keep=1 ;;
    --only) only=${2:?--only NAME,NAME}; shift ;;
    --build) build=${2:?--build DIR}; shift ;;
    --list) (cd "$cases" && ls -- *.sh | sed 's/\.sh$//'); exit 0 ;;
    --help | -h) usage; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
library=$build/preload/libwrackline_preload.so
[[ -f $library ]] || die "$library is not there: build wrackline_preload, or name the folder with --build"
jemalloc=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
[[ -n $jemalloc ]] || die "libjemalloc.so.2 is missing; on Debian: apt-get install libjemalloc2"

field() { sed -n "s/^# $2: //p" "$cases/$1.sh"; } # of the first comment lines: about, needs, timeout, short
names=()
if [[ -n $only ]]; then
  IFS=, read -ra names <<<"$only"
  for name in "${names[@]}"; do [[ -f $cases/$name.sh ]] || die "no program '$name' (see --list)"; done
else
  for file in "$cases"/*.sh; do
    name=$(basename "$file" .sh)
    [[ -n $short && $(field "$name" short) != yes ]] || names+=("$name")
  done
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/wrackline-matrix.XXXXXX")
[[ -n $keep ]] && echo "programs-matrix: outputs in $work/results" || trap 'rm -rf "$work"' EXIT
# Other users read it: postgres does not run as root.
chmod 755 "$work"
cp "$library" "$work/libwrackline_preload.so"
chmod 755 "$work/libwrackline_preload.so"

# run NAME RUN PRELOAD INTERVAL: leaves results/NAME/RUN.{out,err,code,recordings}
run() {
  local name=$1 result=$work/results/$1/$2 preload=$3 interval=$4 limit code=0
  limit=$(field "$name" timeout)
  rm -rf "$work/run" "$work/dumps"
  mkdir -p "$work/run" "$work/dumps" "$work/results/$name"
  chmod 1777 "$work/dumps"
  # Every run sees the same environment and the same paths, but for what loads the shim.
  local environment=(PATH="$PATH" HOME="$work/run" TMPDIR="$work/run" LC_ALL=C.UTF-8 TZ=UTC
    MATRIX_INPUT="$work/input/$name" MATRIX_SHORT="$short")
  [[ -z $preload ]] || environment+=(LD_PRELOAD="$preload")
  [[ -z $interval ]] || environment+=(WRACKLINE_INTERVAL="$interval" WRACKLINE_OUT="$work/dumps" WRACKLINE_RECORDER_SIZE=4m
    WRACKLINE_KEEP=20)
  (cd "$work/run" && ulimit -c 0 && exec timeout -k 10 "${limit:-60}" env -i "${environment[@]}" bash "$cases/$name.sh" run) \
    <"/dev/null" >"$result.out" 2>"$result.err" || code=$?
  echo "$code" >"$result.code"
  find "$work/dumps" -name '*.wrack' | wc -l >"$result.recordings"
  ((code != 124 && code != 137)) || echo "timeout of ${limit:-60} s, or killed" >>"$result.err"
}

# differs NAME FIRST SECOND RUN: prints what is different in RUN, nothing when it is the same.
differs() {
  local results=$work/results/$1 stream
  if ! cmp -s "$results/$2.code" "$results/$4.code"; then
    echo "exit code $(<"$results/$2.code") is $(<"$results/$4.code")"
  fi
  for stream in out err; do
    cmp -s "$results/$2.$stream" "$results/$4.$stream" ||
      awk -v stream="std$stream" -v first="$results/$2.$stream" -v second="$results/$3.$stream" -v shimmed="$results/$4.$stream" '
        function read(file, lines,    n, line) {
          while ((getline line < file) > 0) lines[++n] = line
          close(file)
          return n + 0
        }
        # A number may be padded: bash writes process ids in columns.
        function digits(text) { gsub(/ *[0-9]+/, "#", text); return text }
        BEGIN {
          a = read(first, A); b = read(second, B); x = read(shimmed, X)
          if (a != x || a != b) {
            if (a != b) { print stream ": runs without the shim have " a " and " b " lines: " first; exit }
            print stream ": " x " lines for " a
          }
          for (i = 1; i <= a || i <= x; i++) {
            if (A[i] == X[i] || (A[i] != B[i] && (digits(A[i]) != digits(B[i]) || digits(A[i]) == digits(X[i])))) continue
            print stream " line " i ": " substr(A[i], 1, 200) " | " substr(X[i], 1, 200)
            if (++said == 5) break
          }
        }' </dev/null
  done
}

# missing NAME: what the program lacks here, nothing when it can run.
missing() {
  local need
  for need in $(field "$1" needs); do command -v "$need" >/dev/null || { echo "no $need"; return; }; done
}

failed=() skipped=() rows=()
begin=$SECONDS
for name in "${names[@]}"; do
  reason=$(missing "$name")
  mkdir -p "$work/input/$name"
  if [[ -z $reason ]] && ! (cd "$work/input/$name" && MATRIX_INPUT=$PWD MATRIX_SHORT=$short bash "$cases/$name.sh" prepare) >"$work/prepare" 2>&1; then
    reason=$(tail -n 1 "$work/prepare")
  fi
  if [[ -n $reason ]]; then
    printf '%-12s skipped: %s\n' "$name" "$reason"
    skipped+=("$name")
    rows+=("| $name | $(field "$name" about) | | skipped: $reason | | | | |")
    continue
  fi
  chmod -R a+rX "$work/input/$name"
  printf '%-12s' "$name"
  start=$SECONDS
  run "$name" plain1 "" ""
  run "$name" plain2 "" ""
  plain=$(((SECONDS - start) / 2))
  cells=()
  problems=()
  # What does not end by itself proves nothing.
  [[ $(<"$work/results/$name/plain1.code") != @(124|137) ]] || problems+=("without the shim: $(tail -n 1 "$work/results/$name/plain1.err")")
  for behind in glibc jemalloc; do
    for interval in 512k 4k; do
      preload=$work/libwrackline_preload.so
      [[ $behind == glibc ]] || preload+=:$jemalloc
      run "$name" "$behind-$interval" "$preload" "$interval"
      difference=$(differs "$name" plain1 plain2 "$behind-$interval")
      if [[ -n $difference && $behind == jemalloc ]]; then
        run "$name" jemalloc1 "$jemalloc" ""
        run "$name" jemalloc2 "$jemalloc" ""
        difference=$(differs "$name" jemalloc1 jemalloc2 "$behind-$interval")
      fi
      if [[ -z $difference && $interval == 4k && $(<"$work/results/$name/$behind-$interval.recordings") == 0 ]]; then
        difference="no recording: the shim was not in it"
      fi
      if [[ -z $difference ]]; then
        cells+=("same")
        printf ' .'
      else
        cells+=("**differs**")
        problems+=("$behind $interval: $difference")
        printf ' X'
      fi
    done
  done
  printf '  %d s\n' $((SECONDS - start))
  lines=$(cat "$work/results/$name"/plain1.{out,err} | wc -l)
  rows+=("| $name | $(field "$name" about) | $plain | ${cells[0]} | ${cells[1]} | ${cells[2]} | ${cells[3]} | $lines |")
  ((${#problems[@]} == 0)) || { failed+=("$name"); printf '%s\n' "${problems[@]}" | sed 's/^/    /'; }
done

echo
echo "| program | what it does | s | glibc 512k | glibc 4k | jemalloc 512k | jemalloc 4k | lines compared |"
echo "|---|---|---|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
echo
echo "programs-matrix: ${#names[@]} programs in $((SECONDS - begin)) s; differ: ${failed[*]:-none}; skipped: ${skipped[*]:-none}"
((${#failed[@]} == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77

#!/usr/bin/env bash
# check.sh - set up this machine, build wrackline and run all of its tests.
#
#   ./check.sh                 everything that CI runs (on 2 cores some 35 minutes with its caches, 75 from nothing)
#   ./check.sh --quick         format, the release build and its tests only
#   ./check.sh --ci            as in CI: a test that skips and a step over its budget fail
#   ./check.sh STEP...         single steps: format release unit e2e flink install asan fuzz tsan tidy
#
# Steps, in the order of a full run:
#   format    clang-format 14 on every source file
#   release   build with g++ (RelWithDebInfo), all warnings are errors
#   unit e2e flink  ctest of the release build, by label; e2e and flink need root for memory cgroups, and say so where they skip
#   install   cmake --install, then a program that uses find_package(wrackline)
#   asan      the library and the unit tests built with clang 14, and run under AddressSanitizer+UBSan
#   fuzz      every parser under libFuzzer for a few seconds, starting from its corpus; of the same build
#   tsan      what has threads, under ThreadSanitizer
#   tidy      clang 14: clang-tidy on what is shipped, its warnings on what asan does not build; only what changed since it passed
#
# Each step has a budget of minutes (docs/testing.md). With CI=true a test that skips and a step over its budget fail.
# Exit status: 0 all passed; 1 something failed (said in the last lines); 2 usage.
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; }
all_steps=(format release unit e2e flink install asan fuzz tsan tidy)
steps=()
for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    --quick) steps+=(format release unit e2e) ;;
    --ci) export CI=true ;;
    *)
      [[ " ${all_steps[*]} " == *" $argument "* ]] || { echo "check: unknown step '$argument' (see ./check.sh --help)" >&2; exit 2; }
      steps+=("$argument")
      ;;
  esac
done
((${#steps[@]})) || steps=("${all_steps[@]}")

# Minutes of tests, builds not counted; docs/testing.md says why. Steps that only build have the whole run's limit.
declare -A budget=([unit]=5 [e2e]=18 [flink]=16 [fuzz]=6 [asan]=10 [tsan]=10 [tidy]=40 [install]=3 [format]=1)

failed=()
declare -A took=()

sources() { git ls-files '*.cc' '*.h' '*.c' | grep -v '^tests/data/' || true; }

# run_ctest PRESET LABEL-REGEX: all tests of a label; in CI a skipped test is a failure.
run_ctest() {
  local log jobs=2
  log=$(mktemp)
  [[ $2 == e2e || $2 == flink ]] && jobs=1   # real kills and real disks: one at a time
  local status=0
  ctest --test-dir "build/$1" -L "$2" -j "$jobs" --output-on-failure --no-tests=error --timeout 300 2>&1 | tee "$log" | grep -vE '^ *(Start|[0-9]+/[0-9]+ .*Passed)' || true
  grep -q '^100% tests passed' "$log" || status=1
  if grep -qE '\*\*\*(Skipped|Not Run)' "$log"; then
    echo "check: skipped in $1/$2:"
    grep -E '\*\*\*(Skipped|Not Run)' "$log"
    if [[ ${CI:-} == true ]]; then
      echo "check: with CI=true a skip is a failure"
      status=1
    fi
  fi
  rm -f "$log"
  return "$status"
}

step_format() {
  local bad
  bad=$(sources | xargs clang-format-14 --dry-run --Werror 2>&1 | grep -oE '^[^:]+\.(cc|h|c)' | sort -u || true)
  [[ -z $bad ]] && return 0
  printf 'check: not formatted (run clang-format-14 -i on them):\n%s\n' "$bad"
  return 1
}
step_release() { scripts/build.sh release; }
step_unit() { run_ctest release 'unit|fuzz'; }
step_e2e() { run_ctest release e2e; }
step_flink() { run_ctest release flink; }
# What asan compiled with clang, warnings as errors, in this same run needs no second look.
step_tidy() { scripts/tidy.py ${took[asan]:+--but build/asan}; }
step_fuzz() { run_ctest asan fuzz; }
step_asan() { run_ctest asan unit; }
step_tsan() { run_ctest tsan unit; }
step_install() { scripts/check-install.sh build/release; }

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }

# What the sanitizer steps run is compiled in what processor time e2e and flink leave, who wait for kills and clusters most of theirs.
# What fails then fails again, and is said, in the step itself.
ahead=
build_ahead() {
  [[ -z $ahead && " ${steps[*]} " == *" asan "* && " ${steps[*]} " == *" tsan "* ]] || return 0
  # A session of its own, which ends with this script.
  setsid chrt --idle 0 bash -c 'scripts/build.sh asan "$@" && scripts/build.sh tsan unit_tests' bash "${asan_targets[@]}" >/dev/null 2>&1 &
  ahead=$!
  trap 'kill -- "-$ahead" 2>/dev/null || true' EXIT
}
wait_for_builds() {
  [[ -n $ahead ]] || return 0
  wait "$ahead" || true
  ahead=
  trap - EXIT
}
asan_targets=(wrackline_preload unit_tests fuzzers)

scripts/setup.sh check
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}
begin=$SECONDS
for step in "${steps[@]}"; do
  echo "== check: $step"
  # A step's build comes first and outside its budget.
  case $step in
    unit | e2e | flink | install | tidy) scripts/build.sh release || { failed+=("$step"); continue; } ;;
    asan) wait_for_builds; scripts/build.sh asan "${asan_targets[@]}" || { failed+=("$step"); continue; } ;;
    fuzz) scripts/build.sh asan fuzzers || { failed+=("$step"); continue; } ;;
    tsan) scripts/build.sh tsan unit_tests || { failed+=("$step"); continue; } ;;
  esac
  [[ $step != e2e && $step != flink ]] || build_ahead
  start=$SECONDS
  # `set -e` is off inside a condition, so each step function returns its own status.
  if ! "step_$step"; then failed+=("$step"); fi
  took[$step]=$((SECONDS - start))
  if [[ -n ${budget[$step]:-} ]] && ((took[$step] > budget[$step] * 60)); then
    echo "check: $step took $(minutes "${took[$step]}") of its ${budget[$step]} minutes"
    [[ ${CI:-} != true ]] || failed+=("$step-over-budget")
  fi
done

echo "== check: minutes"
for step in "${steps[@]}"; do
  [[ -n ${took[$step]:-} ]] && printf '   %-8s %6s %s\n' "$step" "$(minutes "${took[$step]}")" "${budget[$step]:+of ${budget[$step]}}"
done
printf '   %-8s %6s of 40\n' total "$(minutes $((SECONDS - begin)))"
if ((${#failed[@]})); then
  echo "check: FAILED: ${failed[*]}"
  exit 1
fi
echo "check: all passed"

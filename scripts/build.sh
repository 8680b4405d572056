#!/usr/bin/env bash
# Configures (once) and builds one CMake preset: scripts/build.sh PRESET [TARGET...]. Quiet when nothing is to be done.
set -euo pipefail
cd "$(dirname "$0")/.."

# Paths below the checkout are cached as relative ones: a clone elsewhere finds what another compiled.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
# What is compiled with a precompiled header is cached only when ccache is told that the header's macros are part of it.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

preset=${1:?usage: scripts/build.sh PRESET [TARGET...]}
shift
folder=build/$preset
[[ $preset != fuzz ]] || folder=build/asan   # one folder, two names
if [[ ! -e $folder/build.ninja ]]; then
  echo "build: configuring $folder"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$folder"
    echo "build: cmake --preset $preset failed (above)" >&2
    exit 1
  fi
fi
echo "build: $folder ${*:-everything}"
# A build without a terminal prints one line each 30 s at most, not one a file.
if [[ -t 1 ]]; then
  exec cmake --build "$folder" ${@:+--target "$@"}
fi
NINJA_STATUS='[%f/%t, %es] ' cmake --build "$folder" ${@:+--target "$@"} | {
  said=$SECONDS
  # Not awk: Debian's reads a page of lines at a time, which are minutes of a slow build.
  while IFS= read -r line; do
    if [[ $line != \[* ]]; then
      echo "$line"
    elif ((SECONDS - said >= 30)); then
      echo "$line"
      said=$SECONDS
    fi
  done
}

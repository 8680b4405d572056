#!/usr/bin/env bash
# clang-tidy 14 on the sources of a build directory (default build/clang): scripts/tidy.sh [BUILD] [FILE...]
# Without files: everything that differs from the commit WRACKLINE_TIDY_BASE names, or all sources when it is not set.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/clang}
shift || true
files=("$@")
if ((!${#files[@]})); then
  if [[ -n ${WRACKLINE_TIDY_BASE:-} ]]; then
    mapfile -t files < <(git diff --name-only --diff-filter=d "$WRACKLINE_TIDY_BASE" -- '*.cc')
  else
    mapfile -t files < <(git ls-files 'lib/*.cc' 'preload/*.cc' 'rocksdb_probe/*.cc' 'analyzer/*.cc')
  fi
fi
((${#files[@]})) || exit 0
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -n 4 clang-tidy-14 -p "$build" --quiet 2> >(grep -v 'warnings generated' >&2)

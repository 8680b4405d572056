#!/usr/bin/env bash
# The tests of the report's page in a real Chromium: run.sh WRACKLINE FIXTURES FOLDER
#
# Writes the pages and a screenshot of each state into FOLDER. Exit status: 0 passed; 1 failed, or what it needs is not there
# (scripts/setup.sh check installs it).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wrackline=${1:?usage: run.sh WRACKLINE FIXTURES FOLDER}
fixtures=${2:?usage: run.sh WRACKLINE FIXTURES FOLDER}
folder=${3:?usage: run.sh WRACKLINE FIXTURES FOLDER}

export CHROMIUM=${CHROMIUM:-$(command -v chromium || true)}
export PACKAGES=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/browser-tests
[[ -n $CHROMIUM ]] || { echo "browser: no chromium: run scripts/setup.sh check" >&2; exit 1; }
cmp -s "$here/package-lock.json" "$PACKAGES/package-lock.json" && [[ -d $PACKAGES/node_modules ]] || {
  echo "browser: the tests' npm packages are not in $PACKAGES: run scripts/setup.sh check" >&2
  exit 1
}

rm -rf "$folder"
mkdir -p "$folder"
"$fixtures" "$folder"
for recording in taskmanager_glibc_killed four_states_killed; do
  "$wrackline" report --format html -o "$folder/$recording.html" "$here/../data/recordings/$recording.wrackpack" 2>/dev/null
done
FOLDER=$folder exec node --test "$here/page.test.mjs"

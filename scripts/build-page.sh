#!/usr/bin/env bash
# Builds the page of `wrackline report --format html` (analyzer/render/page) into one file: scripts/build-page.sh OUTPUT
#
# What was built from the same sources before is kept in ${XDG_CACHE_HOME:-~/.cache}/wrackline/page and taken from there: npm and the
# network are needed only when something changed. The npm packages are those of the lock file, with their checksums.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
output=${1:?usage: scripts/build-page.sh OUTPUT}
page=$here/analyzer/render/page
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/page
files=(.npmrc build.mjs index.html package-lock.json package.json tsconfig.json vite.config.mjs src)

cd "$page"
key=$(find "${files[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-32)
built=$cache/$key.html
mkdir -p "$cache" "$(dirname "$output")"
exec 9>"$cache/lock"   # one builds, others then find it
flock 9
if [[ ! -s $built ]]; then
  command -v npm >/dev/null || { echo "build-page: no npm: run scripts/setup.sh build" >&2; exit 1; }
  # Packages are kept beside, by their lock file. Sources are copied there: nothing is written into the checkout.
  packages=$cache/packages-$(cat package.json package-lock.json | sha256sum | cut -c 1-16)
  mkdir -p "$packages"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  (cd "$packages" && rm -rf src) && cp -R "${files[@]}" "$packages"
  if [[ ! -e $packages/node_modules/.complete ]]; then
    if ! (cd "$packages" && npm ci --no-audit --no-fund) >"$log" 2>&1; then
      cat "$log" >&2
      echo "build-page: npm could not fetch the page's packages (above)" >&2
      exit 1
    fi
    touch "$packages/node_modules/.complete"
  fi
  if ! (cd "$packages" && npm run --silent build) >"$log" 2>&1; then
    cat "$log" >&2
    echo "build-page: the page does not build (above)" >&2
    exit 1
  fi
  cp "$packages/dist/page.html" "$built.new"
  mv "$built.new" "$built"
fi
cp "$built" "$output"

#!/usr/bin/env bash
# about: Buffers, worker threads, zlib, crypto, child processes, an uncaught exception
# needs: node
# timeout: 90
prepare() { :; }
run() {
  node --max-old-space-size=256 "${BASH_SOURCE%/*}/sources/memory.mjs"
  echo "exit $?"
  node -e 'const a = []; for (let i = 0; i < 1e6; i++) a.push({ i, s: "x" + i }); console.log(a.length, JSON.stringify(a).length); null.x' 2>&1 | grep -v 'node:internal\|at '
}
"$1"

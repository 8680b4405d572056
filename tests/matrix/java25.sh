#!/usr/bin/env bash
# about: Java 25: heap, direct buffers, deflaters, class loaders, threads, mapped files, errors, with three collectors
# needs: sha256sum
# timeout: 120
prepare() { "${BASH_SOURCE%/*}/sources/prepare_java.sh" 25; }
run() { "${BASH_SOURCE%/*}/sources/run_java.sh"; }
"$1"

#!/usr/bin/env bash
# about: Java 17: heap, direct buffers, deflaters, class loaders, threads, mapped files, errors, with three collectors
# needs: sha256sum
# timeout: 120
# short: yes
prepare() { "${BASH_SOURCE%/*}/sources/prepare_java.sh" 17; }
run() { "${BASH_SOURCE%/*}/sources/run_java.sh"; }
"$1"

#!/usr/bin/env bash
# about: gcc over a large C++ file with -O2, its assembler and linker, over the same with errors, and a program of two files run
# needs: g++ as ld sha256sum
# timeout: 180
# short: yes
prepare() { command -v g++ >compiler; }
run() { "${BASH_SOURCE%/*}/sources/run_compiler.sh"; }
"$1"

#!/usr/bin/env bash
# about: clang over a large C++ file with -O2, its assembler and linker, over the same with errors, and a program of two files run
# needs: as ld sha256sum
# timeout: 180
prepare() {
  command -v clang++ >compiler || command -v clang++-14 >compiler || { echo "no clang++"; return 1; }
}
run() { "${BASH_SOURCE%/*}/sources/run_compiler.sh"; }
"$1"

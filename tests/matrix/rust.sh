#!/usr/bin/env bash
# about: a Rust program: collections and threads over malloc, aligned blocks, panics that are caught and one that is not
# needs: rustc cc
# timeout: 60
prepare() { rustc -O --edition 2021 -o memory "${BASH_SOURCE%/*}/sources/memory.rs"; }
run() {
  # A panic names its thread's number since Rust 1.88.
  "$MATRIX_INPUT/memory" 2> >(sed -E "s/thread '([a-z<>]+)' \([0-9]+\)/thread '\1'/" >&2)
  local code=$?
  wait
  return "$code"
}
"$1"

#!/usr/bin/env bash
# about: a Go program with cgo, dynamic, with goroutines that call C's malloc; and the same without cgo, static: no preload
# needs: go gcc
# timeout: 60
prepare() {
  cp "${BASH_SOURCE%/*}"/sources/*.go . && printf 'module memory\ngo 1.19\n' >go.mod || return
  # Loop variables are per iteration from 1.22 on.
  sed -i 's/go func() { defer/i := i; go func() { defer/' memory.go
  CGO_ENABLED=1 GOFLAGS=-mod=mod GOTOOLCHAIN=local go build -o with_cgo . && CGO_ENABLED=0 GOTOOLCHAIN=local go build -o static .
}
run() {
  local program
  for program in with_cgo static; do
    "$MATRIX_INPUT/$program"
    echo "$program $?"
  done
  GOGC=5 GODEBUG=madvdontneed=1 "$MATRIX_INPUT/with_cgo" | sha256sum
}
"$1"

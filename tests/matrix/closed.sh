#!/usr/bin/env bash
# about: a program whose standard streams are closed, that closes descriptors and counts on the lowest free number
# needs: cc
# timeout: 60
# short: yes
prepare() { cc -O1 -o closed "${BASH_SOURCE%/*}/sources/closed.c"; }
run() {
  "$MATRIX_INPUT/closed" "$PWD/said" <&- >&- 2>&-
  echo "exit $?"
  cat said
}
"$1"

#!/usr/bin/env bash
# about: CPython's own tests of memory: gc, weakref, memoryview, mmap, ctypes, sqlite3, zlib, threads, fork, subprocess
# needs: python3
# timeout: 240
# short: yes
# The python that has its test suite: any of the PATH, by its real name (a shim such as pyenv's runs under bash).
prepare() {
  local candidate real
  while read -r candidate; do
    real=$("$candidate" -c 'import test.test_gc, ctypes, sqlite3, zlib, sys; print(sys.executable)' 2>/dev/null) || continue
    printf '%s' "$real" >python
    return 0
  done < <(which -a python3 python3.11 python3.12 python3.13)
  echo "no python3 here has its test suite; on Debian: apt-get install libpython3.11-testsuite"
  return 1
}
run() { PYTHONHASHSEED=0 "$(<"$MATRIX_INPUT/python")" "${BASH_SOURCE%/*}/sources/run_python_tests.py"; }
"$1"

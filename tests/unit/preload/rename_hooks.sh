#!/bin/sh
# rename_hooks.sh ARCHIVE OUT: the hooks' objects with "hooked_" before the name of each function that they
# would put in place of the C library's, the C++ runtime's or an allocator's. Other names stay; memcpy, with
# which hooks move blocks, becomes wrackline_storm_copy.
set -eu
names=$(mktemp)
trap 'rm -f "$names"' EXIT
{
  nm --defined-only --extern-only --format=posix "$1" |
    awk '$2 == "T" && ($1 !~ /^_Z/ || $1 ~ /^_Z(nw|na|dl|da)/) { print $1, "hooked_" $1 }'
  echo memcpy wrackline_storm_copy
} | sort -u >"$names"
objcopy --redefine-syms="$names" "$1" "$2"

#!/usr/bin/env bash
# Installs a build into a temporary prefix, then configures, builds and runs a program outside this tree that embeds the
# probe through find_package(wrackline), and runs the installed command and preload: scripts/check-install.sh BUILD
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${1:?usage: scripts/check-install.sh BUILD}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"
mkdir "$work/user"
cp rocksdb_probe/example/embed.cc rocksdb_probe/example/embed_c.c "$work/user/"
cat >"$work/user/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(user C CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(wrackline 0.1 REQUIRED COMPONENTS rocksdb_probe preload analyzer)
add_executable(embed embed.cc)
target_link_libraries(embed PRIVATE wrackline::rocksdb_probe)
add_executable(embed_c embed_c.c)
target_link_libraries(embed_c PRIVATE wrackline::rocksdb_probe)
file(WRITE ${CMAKE_BINARY_DIR}/paths "${wrackline_EXECUTABLE}\n${wrackline_PRELOAD_LIBRARY}\n")
CMAKE
cmake -S "$work/user" -B "$work/user/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/user.log" || { cat "$work/user.log"; exit 1; }
cmake --build "$work/user/build" >"$work/user.log" || { cat "$work/user.log"; exit 1; }

for file in man/man1/wrackline.1 man/man1/wrackline-report.1 man/man7/wrackline-preload.7 bash-completion/completions/wrackline zsh/site-functions/_wrackline fish/vendor_completions.d/wrackline.fish; do
  [[ -s $work/prefix/share/$file ]] || { echo "check-install: share/$file is not there" >&2; exit 1; }
done
"$work/user/build/embed" "$work/db1"
"$work/user/build/embed_c" "$work/db3"
{ read -r command; read -r preload; } <"$work/user/build/paths"
[[ -e $preload ]] || { echo "check-install: $preload is not there" >&2; exit 1; }
"$command" run --out "$work/out" -- "$work/user/build/embed" "$work/db2"
"$command" report "$work/out" >"$work/report.txt" || { cat "$work/report.txt"; exit 1; }
# The database is closed before the program ends, and the report is of its end or its peak: the samples are in the file.
"$command" inspect "$work"/out/*.wrack --section rocksdb >"$work/rocksdb.txt"
grep -q '"default"' "$work/rocksdb.txt" || { echo "check-install: no column family was recorded" >&2; cat "$work/rocksdb.txt"; exit 1; }
echo "check-install: installed, found by find_package, recorded and reported"

#!/bin/sh
# Unpacks the source of libunwind, as this machine's own Debian release has it, into a folder.
#
#   fetch-libunwind.sh FOLDER     FOLDER/configure exists afterwards
#
# Debian's libunwind.a is not position independent, so the preload builds its own (cmake/libunwind.cmake). The source package
# is asked of the machine's own apt sources, through a private apt state: no root, and nothing of the system changes.
# The download is kept in ${XDG_CACHE_HOME:-~/.cache}/wrackline, so that several build folders fetch it once.
# WRACKLINE_LIBUNWIND_SOURCE=DIR takes an unpacked source from there instead (for machines without a network).
set -eu

say() { echo "fetch-libunwind: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# -eq 1 ] || die "usage: $0 FOLDER"
target=$1
if [ -x "$target/configure" ]; then exit 0; fi

copy_to_target() {
  mkdir -p "$(dirname "$target")"
  rm -rf "$target.partial"
  cp -R "$1" "$target.partial"
  [ -x "$target.partial/configure" ] || die "$1 has no configure script: not an unpacked libunwind source package"
  rm -rf "$target"
  mv "$target.partial" "$target"
}

if [ -n "${WRACKLINE_LIBUNWIND_SOURCE:-}" ]; then
  copy_to_target "$WRACKLINE_LIBUNWIND_SOURCE"
  exit 0
fi

for tool in apt-get dpkg-source sed; do
  command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt-get install dpkg-dev"
done

cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline
release=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}-${VERSION_ID:-0}") || release=unknown
downloads=$cache/libunwind-$release
mkdir -p "$downloads" || die "cannot make $downloads; set XDG_CACHE_HOME to a folder that can be written"

work=$(mktemp -d "${TMPDIR:-/tmp}/wrackline-libunwind.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt drops to the user _apt to download when it runs as root; it must be able to reach the folder.
chmod 755 "$work"

download() {
  mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/fetched"
  found=
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] || continue
    sed -n 's/^deb \(.*\)$/deb-src \1/p' "$list" >"$work/sources/$(basename "$list" .list).list"
    found=1
  done
  for list in /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    sed 's/^Types:.*$/Types: deb-src/' "$list" >"$work/sources/$(basename "$list")"
    found=1
  done
  [ -n "$found" ] || die "no apt sources in /etc/apt; set WRACKLINE_LIBUNWIND_SOURCE to an unpacked libunwind source"
  set -- -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none -o Acquire::Retries=3
  # One broken third-party source must not stop us: whether the package is found decides.
  apt-get -qq "$@" update >"$work/log" 2>&1 || say "apt-get update reported: $(tail -n 1 "$work/log")"
  (cd "$work/fetched" && apt-get -qq "$@" source --download-only libunwind) >>"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "cannot fetch the source package libunwind; is there a network, and a Debian source among apt's sources?"
  }
  mv "$work"/fetched/* "$downloads"/
}

one_dsc() {
  for dsc in "$downloads"/libunwind_*.dsc; do
    if [ -f "$dsc" ]; then echo "$dsc"; return; fi
  done
}

unpack() {
  rm -rf "$work/unpacked"
  dsc=$(one_dsc)
  [ -n "$dsc" ] || return 1
  dpkg-source --no-check -x "$dsc" "$work/unpacked" >"$work/log" 2>&1
}

if ! unpack; then
  rm -f "$downloads"/libunwind_*
  say "fetching Debian's source package of libunwind into $downloads"
  download
  unpack || { cat "$work/log" >&2; die "the source package in $downloads does not unpack"; }
fi
copy_to_target "$work/unpacked"

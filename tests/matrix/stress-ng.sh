#!/usr/bin/env bash
# about: stress-ng's stressors of malloc, brk, mmap, mremap, stacks, threads and forks, with verification
# needs: stress-ng
# timeout: 120
prepare() { :; }
run() {
  # NAME OPERATIONS OPTION...
  local line name operations options
  while read -r name operations options; do
    # shellcheck disable=SC2086
    stress-ng --"$name" 2 --"$name"-ops "$operations" $options --verify --timeout 60 --no-rand-seed --temp-path . --oomable >log 2>&1
    echo "$name $?"
    # Not its times, and not what depends on the machine.
    grep -oE 'successful run completed|unsuccessful|fail(ed|ure)?:.*' log
  done <<'END'
malloc 200000 --malloc-bytes 64M --malloc-max 4096
malloc 100000 --malloc-bytes 32M --malloc-pthreads 4
malloc 20000 --malloc-bytes 32M --malloc-trim
malloc 50000 --malloc-bytes 16M --malloc-touch
malloc 20000 --malloc-thresh 64K
bigheap 200 --bigheap-growth 64K
brk 20000
mmap 20 --mmap-bytes 16M
mremap 50 --mremap-bytes 8M
mmapfork 3
stack 3000
pthread 2000
fork 500
vfork 500
daemon 50
exec 40
sigsegv 2000
tsearch 20 --tsearch-size 16384
memcpy 200
dynlib 50
judy 5 --judy-size 65536
zlib 5
vm 10000 --vm-bytes 16M
context 500
clone 100
END
}
"$1"

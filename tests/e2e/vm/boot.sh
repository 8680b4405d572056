#!/usr/bin/env bash
# Boots a virtual machine whose kernel has cgroup v2 alone, runs one script in it as root, and hands back the folder /out that it wrote.
#
#   tests/e2e/vm/boot.sh KERNEL OUT GUEST-SCRIPT FILE...
#
# KERNEL is a kernel's image (scripts/setup.sh check fetches Debian's). The machine has no disk and no network: its root is in
# memory and holds busybox, GUEST-SCRIPT, and each FILE (programs, libraries) at /FILE's-name with the libraries that it needs at their own
# paths. /out comes back as the folder OUT, with the machine's console as OUT/console.txt. Needs no root; without KVM it is emulated.
#
# Exit status: GUEST-SCRIPT's own; 125 with a reason when the machine could not be started or died; 124 after WRACKLINE_VM_SECONDS (240).
set -euo pipefail

die() { echo "boot: $*" >&2; exit 125; }
(($# >= 4)) || die "usage: boot.sh KERNEL OUT GUEST-SCRIPT FILE..."
kernel=$1 out=$2 guest=$3
shift 3
for tool in qemu-system-x86_64 busybox cpio; do
  command -v "$tool" >/dev/null || die "$tool is missing (scripts/setup.sh check installs it)"
done
[[ -r $kernel ]] || die "no kernel in $kernel (scripts/setup.sh check fetches one)"

work=$(mktemp -d)
qemu=
cleanup() {
  [[ -z $qemu ]] || kill -KILL "$qemu" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,out}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$guest" "$root/guest"
for file in "$@"; do
  # Without debug information: the machine's memory is its disk.
  objcopy --strip-debug "$file" "$root/${file##*/}"
  # What `ldd` names: "libc.so.6 => /lib/.../libc.so.6 (0x...)" and the loader, "/lib64/ld-linux-x86-64.so.2 (0x...)".
  ldd "$file" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
    [[ -e $root$library ]] || install -D "$library" "$root$library"
  done
done
# The second serial line carries /out, and nothing else: raw, so that no byte is changed.
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc && $B mount -t sysfs sys /sys && $B mount -t devtmpfs dev /dev
$B mount -t cgroup2 cgroup2 /sys/fs/cgroup
$B hostname wrackline-vm
$B --install -s /bin
export PATH=/bin HOME=/tmp
sh /guest >/out/guest.txt 2>&1 </dev/null
echo $? >/out/status
stty -F /dev/ttyS1 raw
tar -C /out -c . >/dev/ttyS1
sync
poweroff -f
INIT
chmod 755 "$root/init" "$root/guest"
(cd "$root" && find . -print0 | cpio -0 -o -H newc --quiet) >"$work/initramfs"

# A /dev/kvm on a processor that does not show these flags is a nested one, in which a stock kernel may hang.
accelerate=(-accel tcg,thread=multi -cpu max,la57=off)
if grep -qwE 'vmx|svm' /proc/cpuinfo && [[ -r /dev/kvm && -w /dev/kvm ]]; then accelerate=(-accel kvm -cpu host); fi
qemu-system-x86_64 -nodefaults -no-user-config -nographic -no-reboot -M q35 "${accelerate[@]}" -smp 2 -m 768 \
  -kernel "$kernel" -initrd "$work/initramfs" \
  -append "console=ttyS0 loglevel=5 panic=-1 cgroup_no_v1=all psi=1 mitigations=off no_timer_check tsc=reliable random.trust_cpu=on rdinit=/init" \
  -serial "file:$work/console" -serial "file:$work/out.tar" </dev/null >"$work/qemu" 2>&1 &
qemu=$!
deadline=$((SECONDS + ${WRACKLINE_VM_SECONDS:-240}))
while kill -0 "$qemu" 2>/dev/null; do
  if ((SECONDS >= deadline)); then
    tail -n 20 "$work/console" >&2
    echo "boot: not done after ${WRACKLINE_VM_SECONDS:-240} s (its console is above)" >&2
    exit 124
  fi
  sleep 0.2
done
wait "$qemu" || true
qemu=

mkdir -p "$out"
cp "$work/console" "$out/console.txt" 2>/dev/null || true
if ! tar -C "$out" --no-same-owner -xf "$work/out.tar" 2>"$work/tar" || [[ ! -s $out/status ]]; then
  tail -n 20 "$work/console" "$work/qemu" "$work/tar" >&2 || true
  die "the machine ended before its script did (its console is above)"
fi
exit "$(<"$out/status")"

#!/bin/bash
# numa.sh PROGRAM [ARG...]: boots a machine with two NUMA nodes (4 CPUs, 2 x 512 MiB, software
# emulation), runs PROGRAM in it and exits with its status. Exit status 77 (skipped) where
# qemu-system-x86_64, a static busybox, cpio or a kernel is lacking. The kernel: $HONE_TEST_KERNEL,
# else the newest /boot/vmlinuz-* that can be read. It must bring the serial line itself and not as
# a module, as those of distributions do.
set -euo pipefail
skip() { echo "skipped: $1"; exit 77; }
for tool in qemu-system-x86_64 busybox cpio gzip ldd; do
  command -v $tool >/dev/null || skip "no $tool"
done
busybox=$(command -v busybox)
ldd "$busybox" >/dev/null 2>&1 && skip "busybox is not static"
kernel=${HONE_TEST_KERNEL:-$(ls -t /boot/vmlinuz-* 2>/dev/null | head -n 1 || true)}
[ -r "${kernel:-/}" ] && [ -f "$kernel" ] || skip "no kernel; HONE_TEST_KERNEL can name one"

program=$1
shift
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
root=$place/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp}
cp "$busybox" "$root/bin/busybox"
cp "$program" "$root/program"
ldd "$program" | grep -o '/[^ )]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin OMP_WAIT_POLICY=passive
mount -t proc p /proc
mount -t sysfs s /sys
mount -t devtmpfs d /dev
mkdir -p /dev/shm # LLVM's OpenMP keeps a file there
mount -t tmpfs t /dev/shm
cd /tmp
/program $*
echo "STATUS=\$?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$place/root.gz"
node() { echo "-object memory-backend-ram,id=m$1,size=512M -numa node,nodeid=$1,cpus=$2,memdev=m$1"; }
timeout 240 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 4,sockets=2,cores=2 -m 1G \
  $(node 0 0-1) $(node 1 2-3) -numa dist,src=0,dst=1,val=21 -numa dist,src=1,dst=0,val=21 \
  -kernel "$kernel" -initrd "$place/root.gz" -append "console=ttyS0 quiet panic=-1" \
  -nodefaults -nographic -no-reboot -serial stdio </dev/null | tr -d '\r' | tee "$place/log" || true
status=$(sed -n 's/^STATUS=//p' "$place/log")
exit "${status:-1}"

#!/bin/bash
# quiet.sh PROGRAM HONE: nothing on stderr where /sys is missing, empty, partial or wrong. PROGRAM
# is quiet.c's.
source "$(dirname "$0")/../cli/common.sh" "$2"
program=$1
unset "${!HWLOC_@}"

# ---- made-up /sys -------------------------------------------------------------------------------
mkdir empty
mkdir -p bare/sys/devices/system/cpu/cpu0 bare/proc
mkdir -p half/sys/devices/system/{cpu,node/node0} half/proc
for cpu in 0 1 2 3; do
  at=half/sys/devices/system/cpu/cpu$cpu/topology
  mkdir -p "$at"
  echo 0 >"$at/physical_package_id"
  echo 0 >"$at/core_id"
  echo f >"$at/core_siblings"
done
cp -r half odd # cores that overlap, and a package across them
for cpu in 0 1 2 3; do
  echo $((3 + 3 * (cpu > 0))) >odd/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings
  echo $((6 + cpu % 2)) >odd/sys/devices/system/cpu/cpu$cpu/topology/core_siblings
done
for tree in "$place/nowhere" empty bare half odd; do
  works env HWLOC_FSROOT="$tree" "$hone" info
  says '^threads +[1-9]'
done
works env HWLOC_SYNTHETIC='no such machine' "$hone" info
works env HWLOC_XMLFILE=/not/here.xml "$hone" info

# ---- a real one without /sys, as in a chroot ---------------------------------------------------
if unshare -m true 2>/dev/null; then
  works unshare -m bash -c 'mount -t tmpfs none /sys && exec "$@"' - "$hone" info
  says '^threads +[1-9]'
else
  not_checked "no /sys: unshare -m is not allowed"
fi

# ---- hwloc's lines are kept, and those of others printed ---------------------------------------
HWLOC_FSROOT=empty HONE_DEBUG=3 "$hone" info 2>err >out
grep -q '^hone: hwloc: .*sysfs' err || fail "HONE_DEBUG=3 has no line of hwloc's: $(cat err)"
HWLOC_FSROOT=empty HWLOC_HIDE_ERRORS=0 "$hone" info 2>err >out
grep -q '^.hwloc.*sysfs' err || fail "HWLOC_HIDE_ERRORS=0 shows nothing: $(cat err)"
HWLOC_FSROOT=empty "$program" first 2>err
[[ "$(tr '\n' ' ' <err)" =~ ^"< > "[^\ ]*hwloc ]] || fail "the program's own hwloc: $(cat err)"
HWLOC_FSROOT=empty "$program" then 2>err
[[ "$(tr '\n' ' ' <err)" =~ hwloc.*"< > "$ ]] || fail "after the program's own hwloc: $(cat err)"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  HWLOC_FSROOT=empty "$program" lines 2>err
  [ "$(grep -cx line err)" -eq 1000 ] || fail "lines of another thread are lost: $(wc -l <err)"
  grep -q hwloc err && fail "hwloc printed beside them"
done
checks=$((checks + 14))
finish

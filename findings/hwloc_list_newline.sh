#!/bin/bash
# hwloc 2.9.0: hwloc_bitmap_list_sscanf() reads a list of CPUs that ends with a newline, as every
# file of the kernel does (/sys/devices/cpu_atom/cpus), without its last entry where that is a single
# number, and says that all was well. A range in that place is read. So "0-3,7\n" is four CPUs, and
# "7\n" none.
#
# Needs Debian 12 with gcc and apt; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
apt-get download -qq libhwloc15=2.9.0-1 libhwloc-dev=2.9.0-1 libxnvctrl0 libudev1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat >lists.c <<'C'
#include <hwloc.h>
#include <stdio.h>

int main(void)
{
    static const char *const lists[] = { "0-3,7", "0-3,7\n", "7", "7\n", "1,4-5\n" };
    for (int i = 0; i < 5; i++) {
        hwloc_bitmap_t set = hwloc_bitmap_alloc();
        const int status = hwloc_bitmap_list_sscanf(set, lists[i]);
        printf("%d:%d ", status, hwloc_bitmap_weight(set));
        hwloc_bitmap_free(set);
    }
    return 0;
}
C
lib=$(dirname "$(find root -name 'libhwloc.so.15' | head -n 1)")
gcc -I root/usr/include lists.c -o lists "$lib/libhwloc.so.15" -Wl,--allow-shlib-undefined
seen=$(LD_LIBRARY_PATH=$lib ./lists)
wanted="0:5 0:4 0:1 0:0 0:3 "
echo "hwloc 2.9.0, status and number of CPUs of '0-3,7', '0-3,7\\n', '7', '7\\n', '1,4-5\\n': $seen"
[ "$seen" = "$wanted" ] || { echo "this has changed: it was $wanted"; exit 1; }

#!/bin/bash
# size.sh LIBHONE.a: how large the static library is, without symbols that nobody needs, and of what it is made. Loaded is
# what a program with all of it has of it (code, constants, data): relocations, symbols and headers of sections end
# with the link.
set -euo pipefail
library=$(realpath "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${STRIP:-strip}" --strip-unneeded -o stripped.a "$library"
size stripped.a >members
awk 'NR > 1 { sum += $1 + $2 } END { printf "%9d bytes loaded\n", sum }' members
bytes=$(stat -c %s stripped.a)
printf '%9d bytes in the archive, of which\n' "$bytes"
declare -A sum=([headers]=$bytes)
while read -r name type _ _ size _; do
  case $name in
  .rela*) kind=relocations ;;
  .text*) kind=code ;;
  .*tab) kind=symbols ;;
  .eh_frame) kind="unwind tables" ;;
  .rodata*) kind=constants ;;
  .data* | .tdata*) kind="tables and data" ;;
  *) kind=others ;;
  esac
  [ "$type" = NOBITS ] || [ "$type" = NULL ] || ((sum[$kind] += 16#$size, sum[headers] -= 16#$size)) || true
done < <(readelf -SW stripped.a | sed -n 's/^ *\[ *[1-9][0-9]*\] *//p')
for kind in "${!sum[@]}"; do printf '%9d %s\n' "${sum[$kind]}" "$kind"; done | sort -rn
echo "code by member, the largest:"
sed 1d members | awk '{ printf "%9d %s\n", $1, $6 }' | sort -rn | sed -n 1,8p

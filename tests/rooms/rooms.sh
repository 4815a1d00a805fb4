#!/bin/sh
# rooms.sh SOURCE_DIR NM OBJECT...: no circle and no upward arrow between the sources' files, by
# what they include and what they call, and each public name in one header; see rooms.awk. Exit
# status 77 (skipped) where the objects can't be read: no nm for the target.
set -eu
source=$1 nm=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# -A: each line begins with its object, so one process reads all
if ! "$nm" -A "$@" >"$place/names" 2>"$place/errors" || ! grep -q ' T hone_init$' "$place/names"; then
    echo "skipped: '$nm' doesn't read the objects: $(head -n 1 "$place/errors")"
    exit 77
fi
cd "$source"
find src simd -name '*.[ch]' >"$place/files"
{
    sed -n 's/^     *\([0-9][0-9]*\)  *\(\(src\|simd\)[a-z/ ]*\)  .*/floor \1 \2/p' README.md
    sed 's/^/file /' "$place/files"
    xargs grep -H '^#include "' <"$place/files" | sed 's/^\([^:]*\):#include "\([^"]*\)".*/include \1 \2/'
    # "header FILE NAME": the last word before ( or ; of what HONE_API begins
    for header in include/hone/*.h; do
        { tr '\n' ' ' <"$header"; echo; } | sed 's#/\*[^*]*\*\**\([^/*][^*]*\*\**\)*/# #g; s/HONE_API/\n&/g' |
            sed -n "s#^HONE_API[^(;]*[ *]\([a-z][a-z0-9_]*\) *[(;].*#header $header \1#p"
    done
    awk '{ file = $1; sub(/:[^:]*$/, "", file); sub(/.*\.dir\/(\.\/)?/, "", file); sub(/\.c\.o(bj)?$/, "", file)
           kind = $(NF - 1) }
         kind == "U" || kind == "w" { print "U", file, $NF }
         kind ~ /^[TDBRVC]$/ { print "D", file, $NF }' "$place/names"
} | awk -f "$here/rooms.awk"

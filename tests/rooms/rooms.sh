#!/bin/sh
# rooms.sh SOURCE_DIR NM OBJECT...: no circle and no upward arrow between the sources' files, by
# what they include and what they call.
set -eu
source=$1 nm=$2
shift 2
here=$(dirname "$0")
{
    # "include A B" of quoted includes, which name files from src/ or simd/, or beside the file
    (cd "$source" && grep -n '^#include "' -r src simd --include='*.[ch]') |
        sed -n 's/^\([^:]*\)\.[ch]:[0-9]*:#include "\([^"]*\)\.h".*/\1 \2/p' |
        while read -r from to; do
            for at in "$(dirname "$from")/$to" "src/$to" "simd/$to"; do
                if [ -f "$source/$at.h" ]; then
                    echo "include $from $at"
                    break
                fi
            done
        done
    for object; do
        file=$(echo "$object" | sed 's#.*\.dir/##; s#\.c\.o$##')
        "$nm" "$object" | awk -v file="$file" '
            NF == 2 && ($1 == "U" || $1 == "w") { print "U", file, $2 }
            NF == 3 && $2 ~ /[TDBRVC]/ { print "D", file, $3 }'
    done
} | awk -f "$here/rooms.awk"

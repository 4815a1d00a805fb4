#!/bin/bash
# golden.sh simd|c HAS DUMP...: every line of goldens.txt comes out as it stands there, with
# libjpeg-turbo's SIMD code or without. HAS: the libraries hone was built with; 77: not both.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
way=$1 has=$2
shift 2
case $has in
  *HAS_PNG*HAS_JPEG*) ;;
  *) echo "skipped: hone was built without libpng or libjpeg-turbo"; exit 77 ;;
esac
[ "$way" = simd ] || export JSIMD_FORCENONE=1
got=$(mktemp)
trap 'rm -f "$got"' EXIT
"$@" "$here/files" <"$here/goldens.txt" >"$got" || exit 1
diff "$here/goldens.txt" "$got" || exit 1
echo "$(wc -l <"$got") pictures are as Pillow has them"

#!/bin/bash
# fuzz.sh BUILD KIND[,KIND...] SECONDS [OPTION...]: libFuzzer (clang) with AddressSanitizer on the harness
# fuzz_KIND.c, from its corpus on; several kinds one after another, SECONDS each. The readers (src/io, src/run,
# src/data) are compiled anew for it, the rest comes from BUILD/tests/libhone_by_file.a. What it finds stays in the folder where
# it was called; what is new of the corpus goes to fuzz-KIND there.
set -euo pipefail
build=$(realpath "$1") seconds=$3
IFS=, read -ra kinds <<<"$2"
shift 3
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
clang=${CLANG:-clang}
modules=$(sed -n 's/^Requires.private: //p' "$build/hone.pc")
flags=(-g -O1 -fsanitize=fuzzer-no-link,address -fno-omit-frame-pointer -ffp-contract=off -fwrapv -D_GNU_SOURCE
  -DHONE_BUILD=1 -I"$source/include" -I"$source/src" -I"$source/simd" -I"$build/models" -I"$build/proto" -I"$build/onnx")
while read -r macro; do flags+=("$macro"); done < <(grep -oh -- '-DHONE_HAS_[A-Z_0-9]*=1' "$build/compile_commands.json" | sort -u)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
printf '%s\n' "$source"/src/io/*.c "$source"/src/run/*.c "$source"/src/data/*.c "$here/files.c" >"$place/list"
if [ "$(uname -m)" = x86_64 ]; then avx2='-mavx2 -mfma -mbmi -mbmi2 -mlzcnt'; else sed -i '/_avx2\.c$/d' "$place/list"; fi
(cd "$place" && AVX2=${avx2:-} xargs -P "$(nproc)" -I{} sh -c 'case {} in *_avx2.c) more=$AVX2 ;; esac
  "$0" "$@" $more -w -c {} -o "$(echo {} | tr / _).o"' "$clang" "${flags[@]}" <list)
for kind in "${kinds[@]}"; do
  "$clang" "${flags[@]}" -fsanitize=fuzzer -w "$here/fuzz_$kind.c" "$place"/*.o "$build/tests/libhone_by_file.a" \
    -L"$(dirname "$(gcc -print-file-name=libgomp.so)")" -lgomp $(pkg-config --libs $modules) -lm -ldl -o "$place/fuzz-$kind"
done
for kind in "${kinds[@]}"; do
  mkdir -p "fuzz-$kind"
  "$place/fuzz-$kind" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=4096 "$@" "fuzz-$kind" "$here/corpus/$kind"
done

#!/bin/bash
# foreign.sh SOURCE_DIR LIBRARY HONE LINK...: hone's archive, made by gcc, in programs that bring
# another OpenMP runtime: LLVM's alone, which serves hone then, and libgomp ahead of LLVM's, where
# both run. Exit status 77 where clang or its runtime is lacking.
source=$1 library=$2 link=("${@:4}")
source "$(dirname "$0")/../cli/common.sh" "$3"
unset "${!OMP_@}" "${!GOMP_@}" "${!KMP_@}"
command -v clang >/dev/null && command -v gcc >/dev/null || { echo "skipped: no clang"; exit 77; }
compile() { clang -fopenmp -I"$source/include" "$source/tests/runtime/foreign.c" "$@" 2>err; }
compile -c -o foreign.o || { echo "skipped: clang has no OpenMP"; exit 77; }
compile "$library" "${link[@]}" -o llvm ||
  { cat err; echo "skipped: clang can't link this"; exit 77; }
threads=$("$hone" info | sed -n 's/^threads *\([0-9]*\) .*/\1/p')

works ./llvm
says '^runtime: libi?omp[0-9]*\.so'
says "^alone: $threads, "
says '^region: 1, 2 know it'
says "^child: $threads, " # a full team
says "^after: $threads, "

gomp=$(gcc -print-file-name=libgomp.so)
works clang -fopenmp -Wl,--no-as-needed foreign.o "$library" "$gomp" "${link[@]}" -o both
works ./both
says '^runtime: libgomp\.so'
says "^alone: $threads, "
says '^region: 1, 2 know it'
says '^child: 1, after a fork'
says "^after: $threads, "
finish

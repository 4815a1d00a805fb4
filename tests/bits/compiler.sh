#!/bin/bash
# compiler.sh COMPILER CMAKE SOURCE BUILD [OPTION ...]: makes the program with another compiler, or
# with CMake options, and compares its bits (bits.sh).
set -euo pipefail
compiler=$1 cmake=$2 source=$3 build=$4
if ! printf '#include <omp.h>\nint main(void) { return 0; }\n' | "$compiler" -fopenmp -x c -o /dev/null - 2>/dev/null; then
  echo "skipped: no $compiler with OpenMP here"
  exit 77
fi
mkdir -p "$build"
"$cmake" -S "$source" -B "$build" -DCMAKE_C_COMPILER="$compiler" -DHONE_TESTS=OFF "${@:5}" >"$build/cmake.log" ||
  { cat "$build/cmake.log"; exit 1; }
"$cmake" --build "$build" --target hone -j 2 >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
"$(dirname "$0")/bits.sh" digits "$build/hone"

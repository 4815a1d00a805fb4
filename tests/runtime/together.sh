#!/bin/sh
# together.sh SOURCE_DIR BUILD_DIR COMPILER: together.c in a build with ThreadSanitizer, the kernels
# aside. One thread a region: the sanitizer doesn't know the barriers of OpenMP's runtimes.
set -eu
echo 'int main(void) { return 0; }' >"$2/race.c"
"$3" -fsanitize=thread "$2/race.c" -o "$2/race" 2>/dev/null && "$2/race" || {
    echo "ThreadSanitizer doesn't work here"
    exit 77
}
cmake -S "$1" -B "$2/build-races" -G Ninja -DCMAKE_C_COMPILER="$3" -DHONE_TESTS=ON -DHONE_RACES=ON >/dev/null
cmake --build "$2/build-races" --target together >/dev/null
HONE_FORCE_THREADS=1 TSAN_OPTIONS=halt_on_error=1 "$2/build-races/tests/runtime/together"

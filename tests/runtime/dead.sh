#!/bin/bash
# dead.sh CC INCLUDE LIBDIR: a program compiled with -fsanitize=address and linked with the ordinary
# library gets the sanitizer's report where it uses a tensor or its memory after their end, or memory
# past it; without the sanitizer HONE_DEBUG_TENSORS=1 names the tensor. 77: no sanitizer.
set -euo pipefail
cc=$1 include=$2 lib=$3
source=$(cd "$(dirname "$0")" && pwd)/dead.c
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
unset HONE_DEBUG_TENSORS
export ASAN_OPTIONS=fast_unwind_on_malloc=0 # else the stacks end in libhone

build() { "$cc" -g -I"$include" -o "$1" "$source" "${@:2}" -L"$lib" -lhone -Wl,-rpath,"$lib"; }
fail() {
  echo "$1"
  cat out
  exit 1
}
expect() { grep -qe "$2" out || fail "$1: no \"$2\" in"; }

build plain
HONE_DEBUG_TENSORS=1 ./plain tensor >out 2>&1
expect plain 'mul: a tensor was used after its end (f32 \[2, 3\], made by add; dropped at the end of the scope that from_a_scope opened (dead.c:[0-9]*))'
if HONE_DEBUG_TENSORS=2 ./plain tensor >out 2>&1; then expect plain 'HONE_DEBUG_TENSORS=2: a whole number from 0 to 1'; fi

if ! build watched -fsanitize=address 2>out || ! ./watched none >out 2>&1; then
  cat out
  echo "no AddressSanitizer here"
  exit 77
fi
for kind in tensor data; do
  if ./watched $kind >out 2>&1; then fail "$kind: the sanitizer said nothing:"; fi
  expect $kind 'AddressSanitizer: heap-use-after-free'
  expect $kind ' in from_a_scope'
done
HONE_DEBUG=1 ./watched tensor >out 2>&1 || true
expect tensor 'hone: error (state): mul: .* the scope that from_a_scope opened'
if ./watched past >out 2>&1; then fail "past: the sanitizer said nothing:"; fi
expect past 'AddressSanitizer: heap-buffer-overflow'
echo "the sanitizer sees tensors and blocks"

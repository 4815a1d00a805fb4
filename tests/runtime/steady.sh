#!/bin/bash
# steady.sh PROGRAM: runs it under strace and counts, between its two marks, the system calls that
# get or give back memory. Exit status 77 (skipped) where strace is missing or may not trace.
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! strace -f --seccomp-bpf -e trace=write -o "$log" true 2>/dev/null; then
  echo "skipped: no strace that may trace"
  exit 77
fi
strace -f --seccomp-bpf -e trace=mmap,munmap,mremap,brk,madvise,mprotect,write -o "$log" "$@"
if ! grep -q 'steady begin' "$log" || ! grep -q 'mmap(' "$log"; then
  echo "the trace shows nothing"
  exit 1
fi
between=$(sed -n '/"steady begin/,/"steady end/p' "$log" | grep -v 'write(' || true)
if [ -n "$between" ]; then
  echo "system calls after the first steps:"
  head -n 20 <<<"$between"
  exit 1
fi
echo "no system call for memory"

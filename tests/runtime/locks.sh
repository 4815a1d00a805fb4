#!/bin/sh
# locks.sh SOURCE_DIR: no lock of the library is outside src/runtime/lock.c, which holds them over a
# fork, and no key outside src/runtime/thread_end.c, which can do without. A loader's workers and what
# they take turns with are the loader's own: a child, which has none of them, doesn't touch these. Ranks of
# a job don't fork: MPI forbids it.
set -eu
cd "$1"
found() { # PATTERN FILE: where else than in FILE it occurs
    grep -rnE "$1" src simd --include='*.[ch]' | grep -v -e "^$2:" -e '^src/cli/' -e '^src/data/\(crew\.c\|workspace\.c\|transform\.h\):' -e '^src/dist/'
}
locks='pthread_(mutex|rwlock|spin|once)|sem_(init|wait)|call_once|mtx_|atomic_flag'
if found "$locks" src/runtime/lock.c || found 'pthread_key_(t|[a-z]+\()|pthread_[gs]etspecific|\btss_(create|set|get)' \
    src/runtime/thread_end.c; then
    echo "a lock or key that is not in its place"
    exit 1
fi

/* openmp.h: the OpenMP runtime that serves hone, which may be another than hone was compiled for (a
 * program linked by clang brings LLVM's, whose GOMP_parallel serves code of gcc), and what its
 * settings mean. */
#ifndef HONE_RUNTIME_OPENMP_H
#define HONE_RUNTIME_OPENMP_H

#include "runtime/cpus.h"

#include <stddef.h>

/** Finds the runtime, once, by one thread, before the others of these but read_binding. False with
 * one line in `message` if its threads or the calling one have too little stack for hone, or the
 * process no key for it. */
bool hone__openmp_load(char *message, size_t size);

/** "libgomp.so.1 (/usr/lib/...)": where regions of hone are run; "" before hone__openmp_load. */
const char *hone__openmp_name(void);
/** A child of fork() can start teams: LLVM's runtime makes new threads there, libgomp waits for
 * those of the parent for ever. */
bool hone__openmp_survives_fork(void);
/** Takes one of pthread_key_create's keys at its first use and ends the process if there is none:
 * LLVM's. */
bool hone__openmp_wants_a_key(void);

/** What OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY or KMP_AFFINITY make the runtime do: it binds
 * the threads of a team, and the program's first thread before anybody can look at its mask. */
typedef struct {
    bool binds;
    hone__cpus cpus; /* that a team of the calling thread may get */
    int in_turn;     /* places that are filled one after the other; 0: they are spread */
} hone__openmp_binding;
void hone__openmp_read_binding(hone__openmp_binding *binding);

/** OMP_NUM_THREADS, which may be a list with a number a nesting level: the first. Unset leaves *n;
 * false with one line in `message` for what is no such list. */
bool hone__openmp_threads(long *n, char *message, size_t size);

/** Bytes of stack that the runtime will ask for its threads; 0: as pthread_create has them. */
size_t hone__openmp_stack(void);

/** Is the calling thread inside a parallel region: of the runtime that serves hone, or of another
 * one in this process (with libgomp linked ahead of LLVM's both run, and each knows its own)? */
bool hone__openmp_inside(void);

#endif

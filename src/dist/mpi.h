/* mpi.h: what hone needs of an MPI library, as a table that a shared object exports: mpi.c, built
 * once a library. Everything is called by one thread. */
#ifndef HONE_DIST_MPI_H
#define HONE_DIST_MPI_H

#include <stddef.h>

/** Bytes of memory; a message is some of them. */
typedef struct {
    void *at;
    size_t bytes;
} hone__span;

typedef struct {
    /** Joins the job. Not 0: it failed, `about` says why; else `about` is the library's name and
     * version. */
    int (*start)(int *rank, int *size, char *about, size_t n);
    /** Begin; the spans' memory is left alone until it is done. NULL: out of memory, or MPI fails. */
    void *(*send)(const hone__span *spans, int n, int to, int tag);
    void *(*receive)(const hone__span *spans, int n, int from, int tag);
    /** 1: done, and the request is gone; 0: not yet; -1: MPI fails. */
    int (*test)(void *request);
    /** Ends all ranks, with a status of 1 .. 255: a multiple of 256 would be 0 to the caller. */
    void (*abort)(int status);
    int (*finish)(void);
    size_t table_bytes; /* of this struct: a part of another version of hone isn't taken */
} hone__mpi;

#define HONE__MPI_TABLE "hone__mpi_table"

#endif

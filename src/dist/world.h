/* world.h: the job's ranks as one process sees them: a thread that alone calls MPI, and the work that
 * it is given.
 *
 * Why a thread, and not MPI_Test from the backward: a message makes progress only while MPI is called,
 * a kernel of a large layer runs for a tenth of a second, and a slice of a bucket must be added before
 * its sums can go on: from the backward both would wait for the next op, from a thread they take a
 * part of one core. As it is also the thread that initialises MPI, MPI_THREAD_FUNNELED is enough. */
#ifndef HONE_DIST_WORLD_H
#define HONE_DIST_WORLD_H

#include "core/core.h"
#include "dist/mpi.h"

/** Something that ranks do together; every rank begins the same ones in the same order. */
typedef struct hone__work hone__work;
struct hone__work {
    /** Goes on as far as it can without waiting. 1: done; 0: not yet; -1: failed. In the thread. */
    int (*step)(hone__work *work);
    int tag;    /* of its messages: this and the one after it are its own */
    bool large; /* a bucket of gradients */
    int state;  /* 0, or what step() has said at last */
    hone__work *next;
};

/** Hands it to the thread. */
void hone__work_begin(hone__work *work);
/** Waits for its end. False: E_IO. */
bool hone__work_wait(hone__work *work);
/** Waits until that is so, which the thread tells of by hone__world_tell(). */
void hone__world_wait(bool (*is_so)(void *ctx), void *ctx);
void hone__world_tell(void);

int hone__world_rank(void);
int hone__world_size(void);
/** Starts the thread and MPI in it. False: E_CONFIG. */
bool hone__world_start(const hone__mpi *mpi);
void hone__world_finish(void);
void hone__world_abort(int status);
const char *hone__world_library(void);

/** Bytes that this process has sent, for gradients and else; seconds in which buckets were under
 * way. */
typedef struct {
    int64_t large_bytes, other_bytes;
    double busy;
} hone__traffic;
hone__traffic hone__world_traffic(void);
double hone__world_seconds(void);

/* ---- messages, in the thread */

typedef struct {
    hone__span *spans; /* owned */
    int n, peer, tag;
    bool wanted, begun, sends; /* not wanted: it counts as done */
    void *request;             /* NULL and begun: done */
    double due;                /* not before: an artificial link's */
} hone__message;

/** Takes over the spans (hone__malloc's). large: of a bucket. */
void hone__message_send(hone__message *m, hone__span *spans, int n, int to, int tag, bool large);
void hone__message_receive(hone__message *m, hone__span *spans, int n, int from, int tag);
/** 1: done; 0: not yet; -1: failed. */
int hone__message_test(hone__message *m);
/** Memory as spans that MPI can take; NULL: out of memory. */
hone__span *hone__spans_of(void *at, int64_t bytes, int *n);

/* ---- launch.c */

/** The launcher's library, "Open MPI", "MPICH", or NULL: nobody has launched this process among
 * others. */
const char *hone__launcher(int *size);
/** Its MPI part; NULL: E_CONFIG. */
const hone__mpi *hone__mpi_load(void);
/** Takes this process's share of the cores, if nobody has bound it and it isn't alone on the machine.
 * What a user should know then; NULL: nothing. */
const char *hone__take_cores(void);

#endif

/* attention_job.h: what the walk over blocks of queries and keys (attention.c) and the two ways to
 * compute a block share: of f32 and f64 (attention_real.c), and of bf16 (attention_pairs.c). */
#ifndef HONE_LOOPS_ATTENTION_JOB_H
#define HONE_LOOPS_ATTENTION_JOB_H

#include "isa/bf16.h"
#include "loops/attention_block.h"

/** A tensor [.., rows, cols] by its batch dims. */
typedef struct {
    char *p;
    int64_t row, col, batch[HONE_MAX_DIMS]; /* strides, in elements */
} hone__attention_rows;

/** Queries of a head beside keys. */
typedef struct {
    int64_t unit, q0, queries, k0, keys;
} hone__attention_part;

/** What of a block's gradients is wanted. */
typedef struct {
    bool dq, dkv;
    bool deltas; /* those of its queries aren't there yet */
    bool fresh;  /* dk and dv hold nothing before the first queries */
} hone__attention_wish;

/** A thread's room. */
typedef struct {
    char *scores, *dp;       /* [queries, HONE__SCORES_LD] */
    char *q, *keys, *values; /* scaled; turned [E, keys]; turned [Ev, keys]. Of bf16: packed */
    char *rows[4];           /* copies where vectors would read past the end of a row */
    char *max, *sum;         /* [queries] */
    char *delta;             /* [groups, all queries] */
    uint8_t *mask, *turned;
    int64_t q_ld, rows_ld;
    const char *turned_of, *values_of; /* the keys of which head are turned, and how many */
    int64_t turned_to;
    /* of bf16 alone: */
    int64_t packed_from;                      /* the first query of those that are packed in q */
    char *strip;                              /* a panel of a */
    char *dout, *q_sum, *dout_sum, *keys_sum; /* packed: as q; as b of sums over them */
    uint16_t *weights, *dscores;              /* rounded: as scores */
    uint16_t *seen_rows;                      /* a b without the rows that a row doesn't see ... */
    char *seen_panels;                        /* ... packed */
    float *out, *dq, *dk, *dv; /* sums: [queries, Ev], [groups, all queries, E], [keys, E or Ev] */
    float *wide[2];            /* dout and out: [queries, Ev] */
} hone__attention_room;

typedef struct hone__attention_math hone__attention_math;

typedef struct {
    const hone__attention *a;
    const hone__attention_math *math;
    const hone__gemm_kernel *kernel;
    const hone__bf16_kernel *half; /* of bf16: its kernels, order, rows and columns of a tile */
    bool tiles, loose;
    int mr, nr;
    hone_dtype dtype, real; /* of operands; of scores and their statistics */
    int64_t size, real_size;
    int n_batch;
    int64_t batch[HONE_MAX_DIMS]; /* of queries */
    int64_t units, groups;        /* heads of queries in all; for each of keys */
    int64_t queries, keys, width, values;
    hone__attention_rows q, k, v, mask, out, dout, dq, dk, dv;
    bool wants_dq, wants_dkv;
    int64_t kept; /* keys of a head that a thread keeps turned */
    char *room;   /* of all threads */
    size_t room_bytes;
} hone__attention_job;

/** A way to compute. */
struct hone__attention_math {
    /** Cuts a thread's room into its parts, or (at NULL) counts it. */
    size_t (*cut_room)(const hone__attention_job *j, char *at, hone__attention_room *r);
    /** The forward of queries beside all keys. */
    void (*attend)(const hone__attention_job *j, const hone__attention_part *q,
                   hone__attention_room *r);
    /** Before keys from k0 on. */
    void (*begin_keys)(const hone__attention_job *j, const hone__attention_part *keys,
                       hone__attention_room *r, hone__attention_wish *w);
    /** A block's part of the gradients. */
    void (*back)(const hone__attention_job *j, const hone__attention_part *b,
                 hone__attention_room *r, hone__attention_wish w);
    /** After all queries of those keys; after all keys of those queries. NULL: nothing. */
    void (*end_keys)(const hone__attention_job *j, const hone__attention_part *keys,
                     hone__attention_room *r);
    void (*end_queries)(const hone__attention_job *j, const hone__attention_part *q,
                        hone__attention_room *r);
};

extern const hone__attention_math hone__attention_real, hone__attention_pairs;
/** Sets which kernels of bf16 a job takes, and how. */
void hone__attention_half(hone__attention_job *j);

/** Where a unit's rows begin; heads of the last batch dim share them in groups. */
char *hone__attention_at(const hone__attention_job *j, const hone__attention_rows *m, int64_t unit,
                         int64_t groups, int64_t size);
/** All queries from q0 on see all of the keys of the block at k0. */
bool hone__attention_sees_all(const hone__attention_job *j, int64_t q0, int64_t k0);
/** The block of keys from k0 on beside queries; false: none of them sees any. Of a triangle it begins
 * with the first query that sees one of the keys. */
bool hone__attention_meet(const hone__attention_job *j, const hone__attention_part *queries,
                          int64_t k0, hone__attention_part *b);
/** What a block's queries see but for a mask; what they see by the mask, of which what is added is
 * added to the scores, -inf to those of hidden keys. */
hone__sight hone__attention_sight(const hone__attention_job *j, const hone__attention_part *b);
hone__sight hone__attention_mask(const hone__attention_job *j, const hone__attention_part *b,
                                 const hone__attention_room *r);
/** Statistics before the first key. */
void hone__attention_start(const hone__attention_job *j, const hone__attention_part *q,
                           const hone__attention_room *r);
/** sees[i]: query i has seen a key. */
void hone__attention_note(const hone__attention_part *b, const hone__sight *sight, uint8_t *sees);
/** out over the sums; those who have seen no key get zeros: their sum is made 1. Statistics are kept
 * for the gradient. */
void hone__attention_end(const hone__attention_job *j, const hone__attention_part *q,
                         const hone__attention_room *r, const uint8_t *sees, void *out);
/** The block whose statistics, rows of results and deltas begin there. */
int64_t hone__attention_query(const hone__attention_job *j, const hone__attention_part *b);

#endif

/* attention_block.h: a block of queries beside a block of keys: which of them see each other, and
 * products over those that do. */
#ifndef HONE_LOOPS_ATTENTION_BLOCK_H
#define HONE_LOOPS_ATTENTION_BLOCK_H

#include "isa/isa.h"
#include "loops/attention.h"

/** Which keys of a block its queries see: all; the first `seen + r` of row r, seen > 0; or those
 * whose byte is set. */
typedef enum { HONE__SEE_ALL, HONE__SEE_FIRST, HONE__SEE_MASK, HONE__SEE_NONE } hone__sight_kind;

/** Elements between the rows of a block's scores: rows a power of two apart share few places of a
 * cache. */
enum { HONE__SCORES_LD = HONE__KEY_BLOCK + 16, HONE__SIGHT_LD = HONE__QUERY_BLOCK };

typedef struct {
    hone__sight_kind kind;
    int64_t seen;
    uint8_t *mask;   /* [queries, HONE__KEY_BLOCK] */
    uint8_t *turned; /* [keys, HONE__QUERY_BLOCK], where it is asked for */
} hone__sight;

/** Sum of products: c[i, j] += chain over p of a[i, p] b[p, j] (or from +0 where not `resume`). Of b
 * whole vectors may be read, unless the kernel has direct tails. */
typedef struct {
    const hone__gemm_kernel *kernel;
    int64_t size; /* bytes of an element */
    int64_t m, n, k;
    const char *a;
    int64_t a_rs, a_cs;
    const char *b;
    int64_t b_rs;
    char *c;
    int64_t c_rs;
    bool resume;
} hone__block_product;

/** Over all p. Columns from first + row on may be left out: 0 <= first; none: INT64_MAX. */
void hone__block_scores(const hone__block_product *x, int64_t first);
/** Rows are queries and p keys, or (turned) the other way round: over what sees each other. */
void hone__block_sum(const hone__block_product *x, const hone__sight *sight, bool turned);

#endif

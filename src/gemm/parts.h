/* parts.h: a product on its way through src/gemm: every decision about it, and what it is cut
 * into. Types and what is computed from them in a line; who decides and who runs is in the files
 * named so. */
#ifndef HONE_GEMM_PARTS_H
#define HONE_GEMM_PARTS_H

#include "gemm/args.h"
#include "gemm/gemm_kernels.h"
#include "kernels/kernels.h"

#include <stdatomic.h>
#include <stdbool.h>

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/** The order of the sums. */
typedef enum {
    HONE__GEMM_CHAIN, /* one chain an output */
    HONE__GEMM_SPLIT, /* one chain an output and piece of K, pieces added in order */
    HONE__GEMM_DOT,   /* the reductions' rule */
} hone__gemm_order;

/** Of the product as it is given: gemm.h. */
static inline hone__gemm_order hone__gemm_order_of(const hone__gemm_args *x)
{
    enum { DOT_COLUMNS = 8, SPLIT_COLUMNS = 64, SPLIT_K = 4096 };
    if (x->n > SPLIT_COLUMNS || x->chain || x->accumulate == HONE__GEMM_BEGIN) {
        return HONE__GEMM_CHAIN;
    }
    if (x->k > 1 && x->n <= DOT_COLUMNS && (x->b_rs == 1 || x->n == 1)) {
        return HONE__GEMM_DOT;
    }
    return x->k >= SPLIT_K ? HONE__GEMM_SPLIT : HONE__GEMM_CHAIN;
}

typedef struct {
    hone__gemm_args x; /* with normalised strides, batch dims and orientation */
    const hone__gemm_kernel *kernel;
    hone__gemm_epilogue epilogue;
    hone__unary_fn activate; /* GELU, after the epilogue */
    int64_t size;            /* bytes an element */
    hone__gemm_order order;
    int64_t batch;  /* product of x.batch */
    int64_t pieces; /* of K, each piece_k long but the last */
    int64_t piece_k;
    const hone__gemm_source *a_from, *b_from; /* NULL: the operand lies in memory */
    /* speed only */
    bool pack_a, pack_b;
    bool by_row;  /* one row, B read in place */
    bool by_few;  /* few rows, B along k, turned by the kernel on the way */
    bool near;    /* the operands fit L2: asking for them costs more than waiting */
    bool scratch; /* C can't hold partial sums: each region has a buffer */
    bool turned;  /* C^T = B^T A^T was chosen for speed */
    bool begins;  /* with what C holds */
    bool in_turn; /* each region adds up its pieces of K, in two buffers: C is large */
    int64_t mc, kc;
    int64_t split_m, split_n;   /* regions a matrix */
    bool by_columns;            /* regions below each other come after each other */
    int64_t col_unit;           /* regions' columns start on multiples of it */
    int64_t region_m, region_n; /* the largest region */
    int threads;
    bool relay; /* each has a band of k (relay.c) */
} hone__gemm_plan;

enum { HONE__GEMM_RELAY_MOST = 16 }; /* threads in a relay: its start grows with each */

/** Rows [m0, m1), columns [n0, n1) of C. */
typedef struct {
    int64_t m0, m1, n0, n1;
} hone__gemm_area;

/** One region of one product: rows [m0, m1), columns [n0, n1) of C += A B over k elements. */
typedef struct {
    const char *a, *b;
    char *c;
    int64_t c_rs, c_cs;
    int64_t k;
    int64_t m0, m1, n0, n1;
    const hone__gemm_epilogue *epilogue;
    const char *bias;
    hone__unary_fn activate; /* what comes after the epilogue, or NULL */
    char *activated;         /* its results, laid out as c, which they may be */
    /* In a relay: how many rows of panels, in the order of the walk, the band before has left in C,
     * and where to say how many this one has; NULL for the first and the last. */
    const atomic_llong *before;
    atomic_llong *after;
} hone__gemm_region;

/** Where the activation's results of the matrix at element c of C go. */
static inline char *hone__gemm_activated(const hone__gemm_plan *plan, int64_t c)
{
    char *base = plan->x.activated ? plan->x.activated : plan->x.c;
    return base + c * plan->size;
}

/** `total` in `parts` as even as can be: the first `longer` have one more than `length`. */
typedef struct {
    int64_t parts, longer;
    int length;
} hone__gemm_share;

static inline hone__gemm_share hone__gemm_share_of(int64_t total, int most)
{
    if (total <= most) { /* a division takes as long as a tiny tile */
        return (hone__gemm_share){ 1, 0, (int)total };
    }
    const int64_t parts = ceil_div(total, most);
    return (hone__gemm_share){ parts, total % parts, (int)(total / parts) };
}

/** Columns of a panel that is read in place for `rows` rows of C: a little narrower than can be where
 * that spares few rows a pass. */
static inline int hone__gemm_widest(const hone__gemm_kernel *kernel, int64_t rows)
{
    const int low = kernel->rows[kernel->wide / kernel->vl];
    const bool few = kernel->wide > kernel->nr && rows > low && rows <= 2 * kernel->mr;
    return few && ceil_div(rows, kernel->mr) < ceil_div(rows, low) ? kernel->nr : kernel->wide;
}

/** Element offsets of a batch index. */
typedef struct {
    int64_t a, b, c;
} hone__gemm_offsets;

#endif

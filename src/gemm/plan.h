/* plan.h: a product on its way through src/gemm: normalised arguments and every decision about
 * them. */
#ifndef HONE_GEMM_PLAN_H
#define HONE_GEMM_PLAN_H

#include "gemm/gemm.h"
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

/** What decides the order of the sums, by shape, strides and dtype alone. */
typedef enum {
    HONE__GEMM_CHAIN, /* one chain an output */
    HONE__GEMM_SPLIT, /* one chain an output and piece of K, pieces added in order */
    HONE__GEMM_DOT,   /* the reductions' rule */
} hone__gemm_order;

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
    /* speed only */
    bool pack_a, pack_b;
    bool by_row;  /* one row, B read in place */
    bool near;    /* the operands fit L2: asking for them costs more than waiting */
    bool scratch; /* C can't hold partial sums: each region has a buffer */
    int64_t mc, kc;
    int64_t split_m, split_n;   /* regions a matrix */
    bool by_columns;            /* regions below each other come after each other */
    int64_t col_unit;           /* regions' columns start on multiples of it */
    int64_t region_m, region_n; /* the largest region */
    int threads;
    bool relay; /* each has a band of k (relay.c) */
} hone__gemm_plan;

/** For strides in normal form. */
static inline hone__gemm_order hone__gemm_order_of(const hone__gemm_args *x)
{
    const bool a_along_k = x->a_cs == 1 || x->m == 1; /* a vector is copied if it is not */
    const bool b_along_k = x->b_rs == 1 || x->n == 1;
    if (x->k > 1 && a_along_k && b_along_k && (x->m <= 8 || x->n <= 8)) {
        return HONE__GEMM_DOT;
    }
    return x->m * x->n <= 16384 && x->k >= 4096 ? HONE__GEMM_SPLIT : HONE__GEMM_CHAIN;
}

/** If B is not read where it lies; an operand of `size` bytes an element. */
bool hone__gemm_packs_b(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size);

/** A small product, done at once without a plan; false if it is none. */
bool hone__gemm_small(const hone__gemm_args *args);

/** The same for one row or one column. */
bool hone__gemm_small_row(const hone__gemm_args *args);

/** Normalises, then decides everything but the threads; `plan` for x.m, x.n > 0 and a batch that is
 * not empty. */
void hone__gemm_plan_make(hone__gemm_plan *plan, const hone__gemm_args *args);

/** From the cache sizes if they were set, else the kernel's own, for sums over k: kc is an even
 * part of k, mc a multiple of mr. Any kc from 1 on gives the same bits: sums wait in C. */
hone__gemm_blocks hone__gemm_choose_blocks(const hone__gemm_kernel *kernel, int64_t size, int64_t k,
                                           bool pack_a);

/** If so much memory may stay in L2. */
bool hone__gemm_fits_l2(int64_t bytes);

/** How one row of A passes a B of `rows` rows of `bytes` bytes, row_bytes apart, that `threads`
 * threads read: a band of rows after the other, each in runs of so many bytes, which are no more
 * than HONE__GEMM_RUN_BYTES but for what comes from memory. */
enum { HONE__GEMM_RUN_BYTES = 8192 };
typedef struct {
    hone__gemm_distance distance;
    int64_t band, run_bytes;
} hone__gemm_row_blocks;
hone__gemm_row_blocks hone__gemm_choose_row_blocks(int64_t rows, int64_t bytes, int64_t row_bytes,
                                                   int threads);

/** Team and regions (split.c). `products` of piece_k each are to be computed (batch times pieces).
 */
void hone__gemm_plan_threads(hone__gemm_plan *plan, int64_t products);

/** Part i of `total` cut into `parts` at multiples of `unit`, as even as can be: where it
 * begins. */
int64_t hone__gemm_cut(int64_t total, int64_t unit, int64_t parts, int64_t i);

/** Rows [m0, m1), columns [n0, n1) of C. */
typedef struct {
    int64_t m0, m1, n0, n1;
} hone__gemm_area;

/** Region i of the split_m * split_n of a matrix. Threads take neighbours in this order. */
hone__gemm_area hone__gemm_area_of(const hone__gemm_plan *plan, int64_t i);

/** Bytes of workspace a thread needs (0: none). */
size_t hone__gemm_workspace(const hone__gemm_plan *plan);

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

/** What comes after the epilogue: GELU's kernel, or NULL. */
hone__unary_fn hone__gemm_activation(const hone__gemm_args *x);
/** Where the activation's results of the matrix at element c of C go. */
static inline char *hone__gemm_activated(const hone__gemm_plan *plan, int64_t c)
{
    char *base = plan->x.activated ? plan->x.activated : plan->x.c;
    return base + c * plan->size;
}

/** The activation over rows of a finished region that are still in L1: `rows` from `c` on, n wide.
 */
void hone__gemm_activate(const hone__gemm_plan *plan, const hone__gemm_region *region, char *c,
                         int64_t rows, int64_t n);

void hone__gemm_run_region(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace);

/** A region of a plan by_row, without its epilogue: its sums to y (row.c). */
void hone__gemm_row(const hone__gemm_plan *plan, const hone__gemm_region *region, char *y);

/** Do bands of k suit `threads` threads best? */
bool hone__gemm_relays(const hone__gemm_plan *plan, int threads);
/** The whole product, plan->relay set. */
void hone__gemm_run_relay(const hone__gemm_plan *plan, char *workspace, size_t workspace_bytes);
void hone__gemm_relay_wait(const atomic_llong *done, int64_t tiles_rows);

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

/** How many of the last columns of m x n outputs are best done upright. */
int64_t hone__gemm_upright_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                   int64_t m, int64_t n);

/** A region by vectors along m, all of its k at once; its epilogue NULL for sums as they are. */
void hone__gemm_upright(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                        const hone__gemm_region *region);

/** The same where A is contiguous along k and the kernel turns it (turned.c). */
int64_t hone__gemm_turned_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                  int64_t m, int64_t n);
void hone__gemm_turned(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_region *region);

/** C's elements of a finished region from their sums: what the tile does where it can't. */
void hone__gemm_finish(const hone__gemm_plan *plan, const hone__gemm_region *region,
                       const void *sums, int64_t sums_rs);

/** The DOT order, all of it. 0, or -1 when out of memory. */
int hone__gemm_dot(const hone__gemm_plan *plan);

/** Element offsets of a batch index. */
typedef struct {
    int64_t a, b, c;
} hone__gemm_offsets;
hone__gemm_offsets hone__gemm_batch_offsets(const hone__gemm_args *x, int64_t index);

#endif

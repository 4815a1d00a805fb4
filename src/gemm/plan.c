/* plan.c: from arguments to decisions. The one that concerns bits, the order of the sums, is made on
 * the arguments as they are given. */
#include "gemm/plan.h"
#include "gemm/blocks.h"

#include "isa/isa.h"

/* ---- normal form ---- */

static void drop_batch_dim(hone__gemm_args *x, int d)
{
    for (int i = d; i + 1 < x->n_batch_dims; i++) {
        x->batch[i] = x->batch[i + 1];
        x->a_batch[i] = x->a_batch[i + 1];
        x->b_batch[i] = x->b_batch[i + 1];
        x->c_batch[i] = x->c_batch[i + 1];
    }
    x->n_batch_dims--;
}

/* A batch that shares B and continues A's and C's rows is one taller product. */
static void fold_batch(hone__gemm_args *x)
{
    for (int d = x->n_batch_dims - 1; d >= 0; d--) {
        if (x->batch[d] == 1) {
            drop_batch_dim(x, d);
        }
    }
    while (x->n_batch_dims > 0) {
        const int d = x->n_batch_dims - 1;
        const bool rows =
            x->m == 1 || (x->a_batch[d] == x->m * x->a_rs && x->c_batch[d] == x->m * x->c_rs);
        if (x->b_batch[d] != 0 || !rows || (x->bias && x->bias_rs != 0)) {
            return;
        }
        if (x->m == 1) {
            x->a_rs = x->a_batch[d];
            x->c_rs = x->c_batch[d];
        }
        x->m *= x->batch[d];
        drop_batch_dim(x, d);
    }
}

static void exchange(int64_t *a, int64_t *b)
{
    const int64_t t = *a;
    *a = *b;
    *b = t;
}

/* C^T = B^T A^T: the same products in the same order. */
static void transpose(hone__gemm_args *x)
{
    const void *a = x->a;
    x->a = x->b;
    x->b = a;
    exchange(&x->m, &x->n);
    exchange(&x->a_rs, &x->b_cs);
    exchange(&x->a_cs, &x->b_rs);
    exchange(&x->c_rs, &x->c_cs);
    exchange(&x->bias_rs, &x->bias_cs);
    x->b_trained = 0;
    for (int d = 0; d < x->n_batch_dims; d++) {
        exchange(&x->a_batch[d], &x->b_batch[d]);
    }
}

/* The stride along an extent of 1 means nothing; make it what is fast. */
static void normalise(hone__gemm_args *x)
{
    fold_batch(x);
    if (x->k <= 1) {
        x->a_cs = 1;
        x->b_rs = x->n;
    }
    if (x->n == 1) {
        x->b_cs = x->c_cs = 1;
        x->bias_cs = 0;
    }
    if (x->m == 1) {
        x->a_rs = x->k;
        x->c_rs = x->n;
        x->bias_rs = 0;
    }
    const bool column_major = x->c_cs != 1 && x->c_rs == 1;
    if (column_major || (x->n == 1 && x->m > 1)) {
        transpose(x);
    }
    if (x->m == 1) {
        x->c_rs = x->n;
    }
}

/* A from a source has no strides. Where C lies along m it becomes B, whose panels are as wide as
 * C's rows are contiguous. */
static void normalise_source(hone__gemm_plan *plan, const hone__gemm_source *a)
{
    hone__gemm_args *x = &plan->x;
    x->a_rs = 0;
    x->a_cs = 1; /* packed a slice of k at a time, when it is B */
    if (x->c_cs != 1 && x->c_rs == 1) {
        transpose(x);
        exchange(&x->b_rs, &x->b_cs);
        plan->b_from = a;
    } else {
        plan->a_from = a;
    }
}

/* ---- the order of the sums ---- */

/* Beyond so many outputs there are regions enough for all threads without cutting k, too. */
enum { FEW_OUTPUTS = 16384 };

static void choose_pieces(hone__gemm_plan *plan)
{
    const hone__gemm_args *x = &plan->x;
    plan->pieces = 1;
    plan->piece_k = x->k;
    if (plan->order == HONE__GEMM_SPLIT) {
        plan->pieces = x->k / 2048 < 64 ? x->k / 2048 : 64;
        plan->piece_k = (x->k + plan->pieces - 1) / plan->pieces;
        plan->pieces = (x->k + plan->piece_k - 1) / plan->piece_k;
        plan->in_turn = x->m * x->n > FEW_OUTPUTS;
    }
}

/* ---- speed ---- */

/* Reading in place costs less than packing as long as the operand stays in L2, and often beyond,
 * if a tile is several cache lines wide. A row of B in a narrow tile is a line of its own, one
 * that the next often throws out of L1 again. A that lies along k is read by a wide tile from
 * several rows at once, as prefetchers like it. With many rows of A, B is packed on the way
 * (region.c), also where its rows are whole pages apart: such rows share a few lines of L1. From far
 * away that pays from 32 rows on: with B of 64 MB 32 rows are 1.20 times as fast, 64 rows 1.36
 * times, 96 rows 1.26 times, with 13 MB 64 rows 1.08 times; with 4 MB they would lose 2 to 13 %, but
 * where L3 is far and its rows pages apart they are 2 times as fast (L2 would not hold such rows). */
enum { FAR = 9 << 20, LARGE = 6 << 20, SMALL = 32 << 10, PAGE = 4 << 10 };

static bool is_narrow(const hone__gemm_kernel *kernel, int64_t size)
{
    return kernel->nr * size <= 64;
}

bool hone__gemm_packs_b(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    if (x->b_cs != 1 && x->n != 1) {
        return true;
    }
    const int64_t bytes = x->k * x->n * size;
    if (is_narrow(kernel, size)) {
        return x->m >= 32 && bytes > SMALL;
    }
    const bool pages_apart = x->b_rs * size % PAGE == 0 && x->k >= 32;
    const bool far = pages_apart && bytes > LARGE / 4 && hone__gemm_l3_is_far();
    return (x->m >= 32 && bytes > FAR) || (x->m >= 64 && far) ||
           (x->m >= 128 && (pages_apart || bytes > LARGE / 4));
}

/* A low tile takes a part of a line of A^T at each k, and the next tile wants the rest: where rows
 * are pages apart, it has left L1 by then, and with many of them L2, from where the way back may be far. */
static bool packs_a(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    const int64_t bytes = x->m * x->k * size;
    if (is_narrow(kernel, size)) {
        const bool pages_apart = x->a_cs * size % (PAGE / 2) == 0 && x->k >= 32;
        return (x->n >= 512 && bytes > LARGE / 16) || (x->n >= 256 && pages_apart);
    }
    const bool far = hone__gemm_l3_is_far(), pages_apart = x->a_cs * size % PAGE == 0 && x->k >= 32;
    const int64_t least = far && bytes > LARGE / 4 && x->k >= 32 ? 64 : pages_apart ? 192 : 512;
    return x->n >= least && x->a_cs != 1 && bytes > LARGE / (far ? 8 : 4);
}

static void choose_packing(hone__gemm_plan *plan)
{
    const hone__gemm_args *x = &plan->x;
    const int64_t bytes_a = x->m * x->k * plan->size;
    const int64_t bytes_b = x->k * x->n * plan->size, bytes_c = x->m * x->n * plan->size;
    plan->by_row =
        x->m == 1 && (x->b_cs == 1 || x->n == 1) && x->k > 0 && !plan->a_from && !plan->b_from;
    plan->by_few = !plan->by_row && hone__gemm_suits_few(plan->kernel, x, plan->size) && x->k > 0 &&
                   !plan->a_from && !plan->b_from;
    plan->pack_b = plan->b_from || hone__gemm_packs_b(plan->kernel, x, plan->size);
    plan->pack_a = plan->a_from || packs_a(plan->kernel, x, plan->size);
    plan->near = plan->batch == 1 && hone__gemm_fits_l2(bytes_a + bytes_b + bytes_c);
}

/* A^T whose rows lie pages apart, beside a B whose don't: as B, whose panels are wider and are packed
 * on the way, it takes less time, and sums that wait beside C are turned in the end: 1024x256x2048
 * is 1.12 times as fast, 3072x768x1024 1.01 times, with k of 256 it loses 3 %. */
static bool suits_turning(const hone__gemm_plan *plan)
{
    enum { LONG = 1024 };
    const hone__gemm_args *x = &plan->x;
    const bool a_apart = x->a_rs == 1 && x->a_cs * plan->size % PAGE == 0;
    return a_apart && x->b_cs == 1 && x->b_rs * plan->size % PAGE != 0 && x->c_cs == 1 &&
           x->c_rs != 1 && x->k >= LONG && x->m > x->n && plan->batch == 1 &&
           plan->order == HONE__GEMM_CHAIN && !plan->a_from && !plan->b_from && !x->activated &&
           !hone__gemm_activation(x) && packs_a(plan->kernel, x, plan->size);
}

hone__unary_fn hone__gemm_activation(const hone__gemm_args *x)
{
    const int dtype =
        x->dtype == HONE__GEMM_F64 ? HONE__F64 : HONE__F32; /* bf16 is widened for it */
    switch (x->act) {
    case HONE__GEMM_GELU:
        return hone__k->unary[HONE__K_GELU][dtype];
    case HONE__GEMM_GELU_TANH:
        return hone__k->unary[HONE__K_GELU_TANH][dtype];
    default:
        return NULL;
    }
}

bool hone__gemm_is_empty(const hone__gemm_args *args)
{
    bool empty = args->m <= 0 || args->n <= 0;
    for (int d = 0; d < args->n_batch_dims; d++) {
        empty = empty || args->batch[d] <= 0;
    }
    return empty;
}

void hone__gemm_plan_normalise(hone__gemm_plan *plan, const hone__gemm_source *a)
{
    if (a) {
        normalise_source(plan, a);
    } else {
        normalise(&plan->x);
    }
    plan->batch = 1;
    for (int d = 0; d < plan->x.n_batch_dims; d++) {
        plan->batch *= plan->x.batch[d];
    }
}

void hone__gemm_plan_epilogue(hone__gemm_plan *plan)
{
    const hone__gemm_args *x = &plan->x;
    plan->begins = x->accumulate == HONE__GEMM_BEGIN;
    plan->epilogue = (hone__gemm_epilogue){
        .alpha = x->alpha,
        .accumulate = x->accumulate == HONE__GEMM_AFTER,
        .relu = x->act == HONE__GEMM_RELU,
        .bias_rs = x->bias_rs,
        .bias_cs = x->bias_cs,
    };
    plan->activate = hone__gemm_activation(x);
}

void hone__gemm_plan_make(hone__gemm_plan *plan, const hone__gemm_args *args,
                          const hone__gemm_source *a)
{
    *plan = (hone__gemm_plan){ .x = *args };
    hone__gemm_args *x = &plan->x;
    plan->kernel = &hone__k->gemm.of[x->dtype];
    plan->size = hone__gemm_size(x->dtype);
    plan->order = a ? HONE__GEMM_CHAIN : hone__gemm_order_of(x);
    hone__gemm_plan_normalise(plan, a);
    plan->turned = suits_turning(plan);
    if (plan->turned) {
        transpose(x);
    }
    choose_pieces(plan);
    hone__gemm_plan_epilogue(plan);
    choose_packing(plan);
    const hone__gemm_blocks blocks = hone__gemm_choose_blocks(plan);
    plan->kc = blocks.kc;
    plan->mc = blocks.mc;
    const bool whole_k =
        plan->by_row || plan->by_few ? plan->piece_k == 0 : plan->piece_k <= plan->kc;
    const bool bias_of_two = x->bias && x->bias_rs != 0 && x->bias_cs != 0;
    plan->scratch = plan->order == HONE__GEMM_CHAIN &&
                    (x->c_cs != 1 || (plan->epilogue.accumulate && !whole_k) || bias_of_two);
}

hone__gemm_offsets hone__gemm_batch_offsets(const hone__gemm_args *x, int64_t index)
{
    hone__gemm_offsets at = { 0, 0, 0 };
    for (int d = x->n_batch_dims - 1; d >= 0; d--) {
        const int64_t i = index % x->batch[d];
        index /= x->batch[d];
        at.a += i * x->a_batch[d];
        at.b += i * x->b_batch[d];
        at.c += i * x->c_batch[d];
    }
    return at;
}

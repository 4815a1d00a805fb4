/* gemm.c: the entry; hands regions of products to threads. */
#include "gemm/gemm.h"

#include "gemm/dot.h"
#include "gemm/finish.h"
#include "gemm/plan.h"
#include "gemm/region.h"
#include "gemm/relay.h"
#include "gemm/row.h"
#include "gemm/small.h"
#include "gemm/split.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

/* Every region of `products` = batch x pieces, the pieces' sums going to `sums` [pieces, m, n]. */
typedef struct {
    const hone__gemm_plan *plan;
    int64_t products;
    char *sums;          /* NULL: one piece, straight to C */
    int64_t batch_index; /* of the pieces */
    char *workspace;
    size_t workspace_bytes; /* a thread */
} job;

static const hone__gemm_epilogue no_epilogue = { .alpha = 1.0 };

static hone__gemm_region region_of(const job *j, int64_t index)
{
    const hone__gemm_plan *plan = j->plan;
    const hone__gemm_args *x = &plan->x;
    const int64_t regions = plan->split_m * plan->split_n, product = index / regions;
    const hone__gemm_area area = hone__gemm_area_of(plan, index % regions);
    const int64_t piece = j->sums ? product : 0, most = j->sums ? plan->piece_k : x->k;
    const hone__gemm_offsets at = hone__gemm_batch_offsets(x, j->sums ? j->batch_index : product);
    const int64_t k0 = piece * plan->piece_k;
    hone__gemm_region r = {
        .a = (const char *)x->a + (at.a + k0 * x->a_cs) * plan->size,
        .b = (const char *)x->b + (at.b + k0 * x->b_rs) * plan->size,
        .k = min64(x->k - k0, most),
        .m0 = area.m0,
        .m1 = area.m1,
        .n0 = area.n0,
        .n1 = area.n1,
    };
    if (j->sums) {
        r.c = j->sums + piece * x->m * x->n * plan->size;
        r.c_rs = x->n;
        r.c_cs = 1;
        r.epilogue = &no_epilogue;
    } else {
        r.c = (char *)x->c + at.c * plan->size;
        r.c_rs = x->c_rs;
        r.c_cs = x->c_cs;
        r.epilogue = &plan->epilogue;
        r.bias = x->bias;
        r.activate = plan->activate;
        r.activated = hone__gemm_activated(plan, at.c);
    }
    return r;
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t regions = j->products * j->plan->split_m * j->plan->split_n;
    const int64_t begin = hone__gemm_cut(regions, 1, n_threads, thread);
    const int64_t end = hone__gemm_cut(regions, 1, n_threads, thread + 1);
    for (int64_t i = begin; i < end; i++) {
        const hone__gemm_region region = region_of(j, i);
        char *const workspace = j->workspace + (size_t)thread * j->workspace_bytes;
        if (j->plan->in_turn) {
            hone__gemm_run_pieces(j->plan, &region, workspace);
        } else {
            hone__gemm_run_region(j->plan, &region, workspace);
        }
    }
}

/* One chain an output, or a large C of sums of several. */
static int run_regions(hone__gemm_plan *plan)
{
    hone__gemm_plan_threads(plan, plan->batch);
    job j = { .plan = plan, .products = plan->batch };
    j.workspace_bytes = hone__gemm_workspace(plan);
    const size_t bytes = hone__bytes(plan->threads, j.workspace_bytes);
    if (bytes && !(j.workspace = hone__pool_alloc(bytes))) {
        return -1;
    }
    if (plan->relay) {
        hone__gemm_run_relay(plan, j.workspace, j.workspace_bytes);
    } else {
        hone__parallel_team(plan->threads, run_share, &j);
    }
    if (bytes) {
        hone__pool_free(j.workspace, bytes);
    }
    return 0;
}

static void add_in_order(const hone__gemm_plan *plan, char *sums)
{
    const int64_t n = plan->x.m * plan->x.n;
    for (int64_t p = 1; p < plan->pieces; p++) {
        hone__gemm_add(plan->x.dtype, n, sums, sums + p * n * plan->size);
    }
}

/* Few outputs, long k: the pieces are products of their own. */
static int run_split(hone__gemm_plan *plan)
{
    const hone__gemm_args *x = &plan->x;
    hone__gemm_plan_threads(plan, plan->pieces);
    job j = { .plan = plan, .products = plan->pieces };
    const size_t products = hone__bytes(x->m, hone__bytes(x->n, (size_t)plan->size));
    const size_t sums_bytes = (hone__bytes(plan->pieces, products) + 63) & ~(size_t)63;
    j.workspace_bytes = hone__gemm_workspace(plan);
    const size_t bytes = sums_bytes + hone__bytes(plan->threads, j.workspace_bytes);
    if (!(j.sums = hone__pool_alloc(bytes))) {
        return -1;
    }
    j.workspace = j.sums + sums_bytes;
    for (j.batch_index = 0; j.batch_index < plan->batch; j.batch_index++) {
        hone__parallel_team(plan->threads, run_share, &j);
        add_in_order(plan, j.sums);
        const hone__gemm_offsets at = hone__gemm_batch_offsets(x, j.batch_index);
        const hone__gemm_region whole = { .c = (char *)x->c + at.c * plan->size,
                                          .c_rs = x->c_rs,
                                          .c_cs = x->c_cs,
                                          .m1 = x->m,
                                          .n1 = x->n,
                                          .epilogue = &plan->epilogue,
                                          .bias = x->bias,
                                          .activate = plan->activate,
                                          .activated = hone__gemm_activated(plan, at.c) };
        hone__gemm_finish(plan, &whole, j.sums, x->n);
    }
    hone__pool_free(j.sums, bytes);
    return 0;
}

/* Not in the frame of a small product. */
static __attribute__((noinline)) int run_planned(const hone__gemm_args *args,
                                                 const hone__gemm_source *a)
{
    hone__gemm_plan plan;
    hone__gemm_plan_make(&plan, args, a);
    switch (plan.order) {
    case HONE__GEMM_DOT:
        return hone__gemm_dot(&plan);
    case HONE__GEMM_SPLIT:
        return plan.in_turn ? run_regions(&plan) : run_split(&plan);
    default:
        return run_regions(&plan);
    }
}

int hone__gemm(const hone__gemm_args *args)
{
    const bool done = hone__gemm_small(args) || hone__gemm_small_row(args);
    return done || hone__gemm_is_empty(args) ? 0 : run_planned(args, NULL);
}

int hone__gemm_from(const hone__gemm_args *args, const hone__gemm_source *a)
{
    return hone__gemm_is_empty(args) ? 0 : run_planned(args, a);
}

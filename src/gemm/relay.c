/* relay.c: a product whose threads each take a band of k: the rows of B that a thread reads are
 * then always the same ones, and they stay in its core's cache.
 *
 * This is for weights that are trained. Cut by rows of C, every core reads all of B, and when the
 * optimizer then changes B each line waits for the other cores' answers. With bands of k the
 * gradient, cut by rows, and the update, cut along memory, use the lines where they are.
 *
 * A sum is one chain in the order of k, so the threads hand C on tile by tile: thread t adds its
 * band to what thread t - 1 has left there. The last one finishes the tiles. All walk over C in the
 * same order and begin one tile after another; that start is what a relay costs. */
#include "gemm/relay.h"
#include "gemm/region.h"
#include "gemm/split.h"

#include "runtime/parallel.h"

typedef struct {
    _Alignas(64) atomic_llong done; /* rows of panels whose sums have this thread's band */
} band;

typedef struct {
    const hone__gemm_plan *plan;
    band bands[HONE__GEMM_RELAY_MOST];
    char *workspace;
    size_t workspace_bytes; /* a thread */
} relay;

static const hone__gemm_epilogue no_epilogue = { .alpha = 1.0 };

static void run_band(void *ctx, int thread, int n_threads)
{
    relay *r = ctx;
    const hone__gemm_plan *plan = r->plan;
    const hone__gemm_args *x = &plan->x;
    const int bands = n_threads == plan->threads ? n_threads : 1; /* longer ones take two passes */
    if (thread >= bands) {
        return;
    }
    const int64_t k0 = hone__gemm_cut(x->k, 1, bands, thread);
    const bool last = thread + 1 == bands;
    const hone__gemm_region region = {
        .a = (const char *)x->a + k0 * x->a_cs * plan->size,
        .b = (const char *)x->b + k0 * x->b_rs * plan->size,
        .c = x->c,
        .c_rs = x->c_rs,
        .c_cs = x->c_cs,
        .k = hone__gemm_cut(x->k, 1, bands, thread + 1) - k0,
        .m1 = x->m,
        .n1 = x->n,
        .epilogue = last ? &plan->epilogue : &no_epilogue,
        .bias = last ? x->bias : NULL,
        .activate = last ? plan->activate : NULL,
        .activated = hone__gemm_activated(plan, 0),
        .before = thread > 0 ? &r->bands[thread - 1].done : NULL,
        .after = last ? NULL : &r->bands[thread].done,
    };
    hone__gemm_run_region(plan, &region, r->workspace + (size_t)thread * r->workspace_bytes);
}

void hone__gemm_run_relay(const hone__gemm_plan *plan, char *workspace, size_t workspace_bytes)
{
    relay r = { .plan = plan, .workspace = workspace, .workspace_bytes = workspace_bytes };
    hone__parallel_team(plan->threads, run_band, &r);
}

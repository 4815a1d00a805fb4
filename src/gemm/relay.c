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
#include "gemm/plan.h"

#include "runtime/parallel.h"

#include <sched.h>

enum { MOST_THREADS = 16 }; /* the start grows with each */

bool hone__gemm_relays(const hone__gemm_plan *plan, int threads)
{
    const hone__gemm_args *x = &plan->x;
    const hone__gemm_kernel *kernel = plan->kernel;
    if (!x->b_trained || threads < 2 || threads > MOST_THREADS || plan->batch != 1 ||
        plan->scratch || plan->by_row || x->accumulate || x->b_cs != 1 || x->a_rs == 1 ||
        x->k < threads * kernel->vl || ceil_div(x->k, threads) > plan->kc) {
        return false;
    }
    const double each = 2.0 * (double)(x->m * x->n * x->k) / kernel->flops_per_ns / threads;
    const int64_t tiles = ceil_div(x->m, kernel->mr) * ceil_div(x->n, kernel->wide);
    const double start = each * (threads - 1) / (double)tiles;
    return start < hone__changing_ns(x->k * x->n * plan->size, threads);
}

/* Nobody waits long: the one before is at work on its tile. But there may be more threads than
 * cores. */
void hone__gemm_relay_wait(const atomic_llong *done, int64_t tiles_rows)
{
    int spins = 0;
    while (atomic_load_explicit(done, memory_order_acquire) < tiles_rows) {
        if (spins < 4000) {
            spins++;
            hone__relax();
        } else {
            sched_yield();
        }
    }
}

typedef struct {
    _Alignas(64) atomic_llong done; /* rows of panels whose sums have this thread's band */
} band;

typedef struct {
    const hone__gemm_plan *plan;
    band bands[MOST_THREADS];
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

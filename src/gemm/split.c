/* split.c: a product cut into regions for threads: nodes first, cores then.
 *
 * The regions of a matrix are a grid. Each thread takes neighbours in the order of the grid, and
 * threads are numbered node by node, so a node gets a band of whole rows or whole columns of the
 * grid: of the larger of A and B it reads its own part only. In a batch a node gets neighbouring
 * matrices. Every thread packs what it needs into its own memory. */
#include "gemm/split.h"

#include "runtime/parallel.h"

int64_t hone__gemm_cut(int64_t total, int64_t unit, int64_t parts, int64_t i)
{
    const int64_t units = ceil_div(total, unit), rest = units % parts;
    return min64((i * (units / parts) + min64(i, rest)) * unit, total);
}

/* Rows are shared evenly: region.c spreads what is over among its tiles. */
hone__gemm_area hone__gemm_area_of(const hone__gemm_plan *plan, int64_t i)
{
    const int64_t im = plan->by_columns ? i % plan->split_m : i / plan->split_n;
    const int64_t in = plan->by_columns ? i / plan->split_m : i % plan->split_n;
    return (hone__gemm_area){
        .m0 = hone__gemm_cut(plan->x.m, 1, plan->split_m, im),
        .m1 = hone__gemm_cut(plan->x.m, 1, plan->split_m, im + 1),
        .n0 = hone__gemm_cut(plan->x.n, plan->col_unit, plan->split_n, in),
        .n1 = hone__gemm_cut(plan->x.n, plan->col_unit, plan->split_n, in + 1),
    };
}

/* Nanoseconds of one region of m x n, packing included. */
static double region_ns(const hone__gemm_plan *plan, int64_t m, int64_t n)
{
    const double k = (double)(plan->in_turn ? plan->x.k : plan->piece_k),
                 rate = plan->kernel->flops_per_ns;
    const double packing = (plan->pack_a ? (double)m : 0) + (plan->pack_b ? (double)n : 0);
    return k * (2.0 * (double)m * (double)n + 16 * packing) / rate;
}

/* Nodes that `threads` are on, the same number on each; 1 if it isn't so. */
static int64_t nodes_of(int threads)
{
    int nodes = 1;
    for (int t = 1; t < threads; t++) {
        nodes += hone__topology_core_node(t) != hone__topology_core_node(t - 1);
    }
    if (threads % nodes != 0) {
        return 1;
    }
    const int each = threads / nodes;
    for (int t = 0; t < threads; t++) {
        if (hone__topology_core_node(t) != hone__topology_core_node(t / each * each)) {
            return 1;
        }
    }
    return nodes;
}

/* What a node may lose in arithmetic to read its own part only: memory of another takes longer. */
static const double WORTH_A_NODE = 1.15;

/* The fastest grid, on several nodes of those that are cut into as many equal bands: its ns. Where
 * there is none, or one thread is as good, what one thread takes. Of grids that are as good, the
 * one of more rows: bands of k (relay.c) of a trained weight are rows of its gradient, which then
 * stay in their core. */
static double choose_grid(hone__gemm_plan *plan, int64_t products, int team, int64_t nodes)
{
    const hone__gemm_args *x = &plan->x;
    const int64_t rows = ceil_div(x->m, plan->kernel->mr), cols = ceil_div(x->n, plan->col_unit);
    const bool wide = x->n >= x->m; /* B is the larger operand */
    double best = region_ns(plan, x->m, x->n) * (double)products;
    bool best_fits = false;
    plan->split_m = plan->split_n = 1;
    for (int64_t sm = 1; sm <= min64(team, rows); sm++) {
        for (int64_t sn = 1; sn <= min64(team / sm, cols); sn++) {
            const bool bands = sm * sn == team && (sm % nodes == 0 || sn % nodes == 0);
            if ((nodes > 1 && !bands)) {
                continue;
            }
            const int64_t m = min64(x->m, ceil_div(rows, sm) * plan->kernel->mr);
            const int64_t n = min64(x->n, ceil_div(cols, sn) * plan->col_unit);
            const double ns = (double)ceil_div(products * sm * sn, team) * region_ns(plan, m, n);
            const bool fits = (wide ? sn : sm) % nodes == 0; /* its bands divide the larger */
            const bool better = fits == best_fits ? sm * sn <= plan->split_m * plan->split_n : fits;
            if (ns < best || (ns <= best && better)) {
                best = ns;
                best_fits = fits;
                plan->split_m = sm;
                plan->split_n = sn;
                plan->by_columns = wide == fits;
            }
        }
    }
    return best;
}

/* Do bands of k suit `threads` threads best? */
static bool relays(const hone__gemm_plan *plan, int threads)
{
    const hone__gemm_args *x = &plan->x;
    const hone__gemm_kernel *kernel = plan->kernel;
    if (!x->b_trained || threads < 2 || threads > HONE__GEMM_RELAY_MOST || plan->batch != 1 ||
        plan->scratch || plan->by_row || plan->by_few || plan->in_turn || x->accumulate ||
        x->b_cs != 1 || x->a_rs == 1 || x->k < threads * kernel->vl ||
        ceil_div(x->k, threads) > plan->kc) {
        return false;
    }
    const double each = 2.0 * (double)(x->m * x->n * x->k) / kernel->flops_per_ns / threads;
    const int64_t tiles = ceil_div(x->m, kernel->mr) * ceil_div(x->n, kernel->wide);
    const double start = each * (threads - 1) / (double)tiles;
    return start < hone__changing_ns(x->k * x->n * plan->size, threads);
}

/* Sums of a turned product wait beside C: a part of them at a time, so that they stay near. */
static void cut_turned(hone__gemm_plan *plan)
{
    enum { MOST_BYTES = 4 << 20 };
    const int64_t bytes = ceil_div(plan->x.m, plan->split_m) * plan->x.n * plan->size;
    const int64_t widths = ceil_div(plan->x.n, plan->col_unit);
    if (plan->turned && bytes / plan->split_n > MOST_BYTES) {
        plan->split_n = min64(ceil_div(bytes, plan->split_n * MOST_BYTES) * plan->split_n, widths);
        plan->by_columns = true;
    }
}

void hone__gemm_plan_threads(hone__gemm_plan *plan, int64_t products)
{
    const hone__gemm_args *x = &plan->x;
    const hone__gemm_kernel *kernel = plan->kernel;
    plan->col_unit = (plan->by_row ? 16 : plan->by_few ? 4 : 1) * kernel->vl;
    const int64_t rows = ceil_div(x->m, kernel->mr), cols = ceil_div(x->n, plan->col_unit);
    plan->split_m = plan->split_n = 1;
    plan->relay = false;
    const double one = region_ns(plan, x->m, x->n);
    const int team = hone__team_for(one * (double)products, rows * cols * products);
    plan->relay = relays(plan, team);
    if (team > 1 && !plan->relay) {
        const double best = choose_grid(plan, products, team, 1);
        const int64_t nodes = products == 1 ? nodes_of(team) : 1;
        if (nodes > 1 && choose_grid(plan, products, team, nodes) > WORTH_A_NODE * best) {
            choose_grid(plan, products, team, 1);
        }
    }
    cut_turned(plan);
    plan->threads = plan->relay ? team : (int)min64(team, products * plan->split_m * plan->split_n);
    plan->region_m = ceil_div(x->m, plan->split_m);
    plan->region_n = min64(x->n, ceil_div(cols, plan->split_n) * plan->col_unit);
}

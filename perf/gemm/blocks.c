/* blocks: how a product is cut, as a grid: kc x mc x nc x which operands are packed, on one thread,
 * each beside the plan's own choice and the register tile in L1, in turn.
 *
 *     blocks [f64] MxNxK[:TN][+=] [SECONDS] [kc=LIST] [mc=LIST] [nc=LIST] [a=LIST] [b=LIST]
 *            [near=LIST]
 *
 * nc columns are a region of their own, as a thread's are. Everything tried here changes speed,
 * never a bit: sums that are not finished after kc wait in C (or its buffer) and go on there, so kc
 * may be any number from 1 on. What fixes bits is the length of the pieces of K, which the shape
 * decides (plan.c); kc is a part of a piece. First everything in turn for half of the time, then
 * the best of it again for the rest, for among many the best is also the luckiest. */
#include "../clock.h"
#include "core/core.h"
#include "gemm/plan.h"
#include "gemm/region.h"
#include "gemm/split.h"
#include "isa/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, MOST_GRID = 1024, FINALISTS = 12, MOST_ROUNDS = 4096, TILES = 256, TILE_K = 96 };

/* Block sizes and decisions of a plan; 0 of kc, mc, nc: all of k, m, n. */
typedef struct {
    int64_t kc, mc, nc;
    bool pack_a, pack_b, near;
} choice;

typedef struct {
    choice how;
    hone__gemm_plan plan;
    char *workspace;
    double *ratio; /* [MOST_ROUNDS]: the plan's own time over this one's */
    int rounds;
} candidate;

typedef struct {
    const char *name;
    int n;      /* 0: only what the plan has */
    bool given; /* by the user */
    int64_t value[MOST];
} list;

enum { KC, MC, NC, A, B, NEAR, LISTS };
static list lists[LISTS] = { { .name = "kc" }, { .name = "mc" }, { .name = "nc" },
                             { .name = "a" },  { .name = "b" },  { .name = "near" } };

static const hone__gemm_kernel *kernel;
static hone__gemm_tile tile;
static double tile_flops;

static int ascending(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[n / 2];
}

static void *filled(int64_t n, int64_t size)
{
    char *data = aligned_alloc(4096, (size_t)((n * size + 4095) / 4096 * 4096));
    for (int64_t i = 0; data && i < n; i++) {
        const double x = (double)(i * 2654435761 % 1021) / 1021 - 0.5;
        if (size == 4)
            ((float *)data)[i] = (float)x;
        else
            ((double *)data)[i] = x;
    }
    return data;
}

/* ---- what is asked for ---- */

static bool read_list(const char *text)
{
    for (int l = 0; l < LISTS; l++) {
        const size_t length = strlen(lists[l].name);
        if (strncmp(text, lists[l].name, length) != 0 || text[length] != '=')
            continue;
        for (const char *p = text + length; *p && lists[l].n < MOST;) {
            char *end;
            lists[l].given = true;
            lists[l].value[lists[l].n++] = strtoll(p + 1, &end, 10);
            p = end;
            if (*p != ',')
                return *p == 0;
        }
    }
    return false;
}

static bool read_product(const char *text, hone__gemm_args *x)
{
    long long m, n, k;
    int read = 0;
    if (sscanf(text, "%lldx%lldx%lld%n", &m, &n, &k, &read) < 3 || m < 1 || n < 1 || k < 1)
        return false;
    *x = hone__gemm_contiguous(x->dtype, m, n, k);
    text += read;
    if (text[0] == ':' && text[1] && text[2]) {
        if (text[1] == 'T') {
            x->a_rs = 1;
            x->a_cs = m;
        }
        if (text[2] == 'T') {
            x->b_rs = 1;
            x->b_cs = k;
        }
        text += 3;
    }
    x->accumulate = strcmp(text, "+=") == 0;
    return *text == 0 || x->accumulate;
}

/* ---- one way to do it ---- */

static void run(const hone__gemm_plan *plan, char *workspace)
{
    const hone__gemm_args *x = &plan->x;
    for (int64_t i = 0; i < plan->split_n; i++) {
        const hone__gemm_area area = hone__gemm_area_of(plan, i);
        const hone__gemm_region region = { .a = x->a,
                                           .b = x->b,
                                           .c = x->c,
                                           .c_rs = x->c_rs,
                                           .c_cs = x->c_cs,
                                           .k = x->k,
                                           .m0 = area.m0,
                                           .m1 = area.m1,
                                           .n0 = area.n0,
                                           .n1 = area.n1,
                                           .epilogue = &plan->epilogue };
        hone__gemm_run_region(plan, &region, workspace);
    }
}

static choice choice_of(const hone__gemm_plan *plan)
{
    return (choice){ plan->kc, plan->mc, plan->x.n, plan->pack_a, plan->pack_b, plan->near };
}

/* Even parts of at most `most`; 0: all of it. */
static int64_t even(int64_t total, int64_t most)
{
    return most < 1 || most >= total ? total : ceil_div(total, ceil_div(total, most));
}

static bool same(const choice *a, const choice *b)
{
    return a->kc == b->kc && a->mc == b->mc && a->nc == b->nc && a->pack_a == b->pack_a &&
           a->pack_b == b->pack_b && a->near == b->near;
}

/* The plan changed to `how`. */
static bool make(candidate *c, const hone__gemm_plan *plan, const choice *how)
{
    c->plan = *plan;
    c->how = *how;
    hone__gemm_plan *p = &c->plan;
    const hone__gemm_args *x = &p->x;
    p->kc = how->kc;
    p->mc = how->mc;
    p->pack_a = how->pack_a;
    p->pack_b = how->pack_b;
    p->near = how->near;
    p->scratch = x->c_cs != 1 || (x->accumulate && x->k > p->kc);
    p->threads = 1;
    p->split_m = 1;
    p->col_unit = p->kernel->vl;
    p->split_n = ceil_div(x->n, how->nc);
    p->region_m = x->m;
    p->region_n = ceil_div(ceil_div(x->n, p->col_unit), p->split_n) * p->col_unit;
    p->region_n = min64(x->n, p->region_n);
    const size_t bytes = (hone__gemm_workspace(p) + 4095) & ~(size_t)4095;
    c->workspace = aligned_alloc(4096, bytes ? bytes : 4096);
    c->ratio = malloc(MOST_ROUNDS * sizeof *c->ratio);
    return c->workspace && c->ratio;
}

/* A list's value i, or the plan's own. */
static int64_t value(int l, int i, int64_t own)
{
    return lists[l].n ? lists[l].value[i] : own;
}

static int length(int l)
{
    return lists[l].n ? lists[l].n : 1;
}

/* All of the grid, without those that come to the same; -1: out of memory. */
static int make_all(candidate *to, int most, const hone__gemm_plan *plan)
{
    const choice own = choice_of(plan);
    const hone__gemm_args *x = &plan->x;
    int total = 1, n = 0;
    for (int l = 0; l < LISTS; l++)
        total *= length(l);
    for (int i = 0; i < total && n < most; i++) {
        int64_t v[LISTS];
        const int64_t of_plan[LISTS] = { own.kc, own.mc, own.nc, own.pack_a, own.pack_b, own.near };
        for (int l = 0, rest = i; l < LISTS; rest /= length(l), l++)
            v[l] = value(l, rest % length(l), of_plan[l]);
        const int mr = kernel->mr;
        const choice how = { .kc = even(x->k, v[KC]),
                             .mc = v[MC] == own.mc ? own.mc : ceil_div(even(x->m, v[MC]), mr) * mr,
                             .nc = even(x->n, v[NC]),
                             .pack_a = v[A] != 0,
                             .pack_b = v[B] != 0,
                             .near = v[NEAR] != 0 };
        bool new = !same(&how, &own) && (how.pack_b || x->b_cs == 1);
        for (int j = 0; new &&j < n; j++)
            new = !same(&how, &to[j].how);
        if (new && !make(&to[n++], plan, &how))
            return -1;
    }
    return n;
}

/* ---- measuring ---- */

typedef struct {
    double own[MOST_ROUNDS], peak[MOST_ROUNDS]; /* GFLOP/s */
    int n;
} reference;

static double time_of(const candidate *c, int calls)
{
    const double began = thread_ns();
    for (int i = 0; i < calls; i++)
        run(&c->plan, c->workspace);
    return (thread_ns() - began) / calls;
}

static double time_of_tiles(void)
{
    const double began = thread_ns();
    for (int i = 0; i < TILES; i++)
        kernel->tile(&tile);
    return (thread_ns() - began) / TILES;
}

/* Each of `n` in turn with the plan's own until the time is up. */
static void measure(candidate *own, candidate **c, int n, double seconds, double flops,
                    reference *at)
{
    const double first = time_of(own, 1), until = thread_ns() + seconds * 1e9;
    const int calls = first > 3e5 ? 1 : (int)(3e5 / first) + 1;
    at->n = 0;
    for (int i = 0; i < n; i++)
        c[i]->rounds = 0;
    for (int round = 0; (round < 3 || thread_ns() < until) && round < MOST_ROUNDS; round++) {
        double before = time_of(own, calls);
        at->peak[at->n] = tile_flops / time_of_tiles();
        at->own[at->n++] = flops / before;
        for (int i = 0; i < n; i++) {
            const double t = time_of(c[i], calls), after = i % 2 ? time_of(own, calls) : before;
            c[i]->ratio[c[i]->rounds++] = (before + after) / 2 / t;
            before = after;
        }
    }
}

static int by_ratio(const void *a, const void *b)
{
    const candidate *const *p = a, *const *q = b;
    return ((*q)->ratio[(*q)->rounds / 2] > (*p)->ratio[(*p)->rounds / 2]) -
           ((*q)->ratio[(*q)->rounds / 2] < (*p)->ratio[(*p)->rounds / 2]);
}

static void sort(candidate **c, int n)
{
    for (int i = 0; i < n; i++)
        median(c[i]->ratio, c[i]->rounds);
    qsort(c, (size_t)n, sizeof(candidate *), by_ratio);
}

static void print_row(const choice *how, double ratio, double spread, double percent)
{
    printf("%6lld %6lld %6lld  %s%s %-5s %7.3f %7.3f %7.1f\n", (long long)how->kc,
           (long long)how->mc, (long long)how->nc, how->pack_a ? "A" : "-", how->pack_b ? "B" : "-",
           how->near ? "near" : "", ratio, spread, percent);
}

static void print_table(const choice *own, candidate **c, int n, reference *at)
{
    const double mine = median(at->own, at->n), peak = median(at->peak, at->n);
    const double percent = 100 * mine / peak;
    printf("    kc     mc     nc  packed      ratio  +-1/4  %%peak   (the plan: %.1f of %.1f "
           "GFLOP/s)\n",
           mine, peak);
    print_row(own, 1, 0, percent);
    for (int i = 0; i < n; i++) {
        const double *r = c[i]->ratio;
        const int rounds = c[i]->rounds;
        const double ratio = r[rounds / 2], spread = (r[3 * rounds / 4] - r[rounds / 4]) / 2;
        print_row(&c[i]->how, ratio, spread, percent * ratio);
    }
}

static bool make_tile(bool f64)
{
    kernel = &hone__k->gemm.of[f64];
    const int64_t size = f64 ? 8 : 4;
    char *panels = filled(TILE_K * (kernel->mr + kernel->nr) + kernel->mr * kernel->nr, size);
    tile = (hone__gemm_tile){ .k = TILE_K,
                              .a = panels,
                              .a_rs = 1,
                              .a_cs = kernel->mr,
                              .b = panels + TILE_K * kernel->mr * size,
                              .b_rs = kernel->nr,
                              .c = panels + TILE_K * (kernel->mr + kernel->nr) * size,
                              .c_rs = kernel->nr,
                              .mr = kernel->mr,
                              .nr = kernel->nr };
    tile_flops = 2.0 * TILE_K * kernel->mr * kernel->nr;
    return panels != NULL;
}

/* ---- all of it ---- */

static bool read_arguments(int argc, char **argv, hone__gemm_args *x, double *seconds)
{
    bool product = false;
    for (int i = 1; i < argc; i++) {
        char *end;
        const double number = strtod(argv[i], &end);
        if (strcmp(argv[i], "f64") == 0)
            x->dtype = HONE__GEMM_F64;
        else if (*end == 0 && number > 0)
            *seconds = number;
        else if (read_product(argv[i], x))
            product = true;
        else if (!read_list(argv[i]))
            return false;
    }
    return product;
}

/* Where the user names no list: halvings of what there is. */
static void fill_lists(const hone__gemm_args *x)
{
    const int64_t whole[] = { [KC] = x->k, [MC] = x->m, [NC] = x->n };
    for (int l = 0; l <= NC; l++)
        for (int parts = 1; lists[l].n < 3 && whole[l] / parts >= 64 && !lists[l].given; parts *= 2)
            lists[l].value[lists[l].n++] = ceil_div(whole[l], parts);
    for (int l = A; l <= B; l++)
        if (!lists[l].given)
            lists[l] = (list){ .name = lists[l].name, .n = 2, .value = { 0, 1 } };
}

static int fail(const char *why)
{
    fprintf(stderr, "blocks: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    static candidate grid[MOST_GRID], own;
    static candidate *turns[MOST_GRID];
    static reference at;
    hone__gemm_args x = { .dtype = HONE__GEMM_F32 };
    double seconds = 20;
    if (!hone__ready())
        return fail(hone_error_message());
    if (!read_arguments(argc, argv, &x, &seconds))
        return fail("[f64] MxNxK[:TN][+=] [SECONDS] [kc=LIST] [mc=LIST] [nc=LIST] [a=LIST] "
                    "[b=LIST] [near=LIST]");
    const int64_t size = hone__gemm_size(x.dtype);
    fill_lists(&x);
    x.a = filled(x.m * x.k, size);
    x.b = filled(x.k * x.n, size);
    x.c = filled(x.m * x.n, size);
    if (!x.a || !x.b || !x.c || !make_tile(size == 8))
        return fail("out of memory");
    hone__gemm_plan plan;
    hone__gemm_plan_make(&plan, &x, NULL);
    if (plan.order != HONE__GEMM_CHAIN || plan.by_row || plan.x.m != x.m)
        return fail("not a product that is cut into blocks");
    const choice mine = choice_of(&plan);
    int n = make(&own, &plan, &mine) ? make_all(grid, MOST_GRID, &plan) : -1;
    if (n < 0)
        return fail("out of memory");
    for (int i = 0; i < n; i++)
        turns[i] = &grid[i];
    const double flops = 2.0 * (double)x.m * (double)x.n * (double)x.k;
    measure(&own, turns, n, seconds / 2, flops, &at);
    sort(turns, n);
    const int best = n < FINALISTS ? n : FINALISTS;
    measure(&own, turns, best, seconds / 2, flops, &at);
    sort(turns, best);
    printf("%lldx%lldx%lld %s, %d ways, the best again %d times\n", (long long)x.m, (long long)x.n,
           (long long)x.k, kernel->name, n, at.n);
    print_table(&mine, turns, best, &at);
    return 0;
}

/* region.c: the loops around the micro-kernel for one thread's part of one product.
 *
 *   for a range of k (kc):                partial sums stay in C between ranges
 *     for a block of rows (mc):           A packed, stays in L2
 *       for a panel of columns (nr):      B packed just before its use, so that it is still in L1
 * and L2 for a panel of rows (mr):       the tile
 *
 * A region needs nothing from other threads: no barriers, and packed data lie in the thread's own
 * memory. What is read often enough from where it lies is not packed (plan.c). Heights and widths
 * are spread evenly, so that no tile is thin. */
#include "gemm/plan.h"

enum { PACK_SLACK_BYTES = 128, LINE = 64, FETCHES = 8 };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* `total` cut into `parts` as even as can be: where part i begins. */
static int64_t cut(int64_t total, int64_t parts, int64_t i)
{
    return i * (total / parts) + min64(i, total % parts);
}

static size_t aligned(int64_t elements, int64_t size)
{
    return ((size_t)(elements * size) + PACK_SLACK_BYTES + 63) & ~(size_t)63;
}

/* Rows of a packed block of A that holds `rows`. */
static int64_t padded_rows(const hone__gemm_plan *plan, int64_t rows)
{
    return ceil_div(rows, plan->kernel->mr) * plan->kernel->mr;
}

static bool packs_tails(const hone__gemm_plan *plan)
{
    return !plan->kernel->direct_tails && plan->x.n % plan->kernel->vl != 0;
}

static size_t bytes_a(const hone__gemm_plan *plan)
{
    const int64_t rows = padded_rows(plan, min64(plan->mc, plan->region_m));
    return plan->pack_a ? aligned((rows + plan->kernel->mr) * plan->kc, plan->size) : 0;
}

static size_t bytes_b(const hone__gemm_plan *plan)
{
    return plan->pack_b || packs_tails(plan) ? 2 * aligned(plan->kernel->nr * plan->kc, plan->size)
                                             : 0;
}

size_t hone__gemm_workspace(const hone__gemm_plan *plan)
{
    const size_t scratch = plan->scratch ? aligned(plan->region_m * plan->region_n, plan->size) : 0;
    return scratch + (plan->by_row ? 0 : bytes_a(plan) + bytes_b(plan));
}

/* One range of k, kept together because every loop below needs all of it. */
typedef struct {
    const hone__gemm_plan *plan;
    const hone__gemm_region *region;
    char *packed_a, *packed_b;
    char *sums; /* of the region's [m0,n0] */
    int64_t sums_rs;
    int64_t k0, k;
    const hone__gemm_epilogue *finish;
} pass;

static const char *a_at(const pass *s, int64_t row)
{
    const hone__gemm_args *x = &s->plan->x;
    return s->region->a + (row * x->a_rs + s->k0 * x->a_cs) * s->plan->size;
}

static const char *b_at(const pass *s, int64_t col)
{
    const hone__gemm_args *x = &s->plan->x;
    return s->region->b + (s->k0 * x->b_rs + col * x->b_cs) * s->plan->size;
}

static void pack_rows(const pass *s, int64_t m0, int64_t rows)
{
    const hone__gemm_plan *plan = s->plan;
    const int mr = plan->kernel->mr;
    const int64_t panels = ceil_div(rows, mr);
    for (int64_t i = 0; i < panels; i++) {
        const int64_t row = cut(rows, panels, i), height = cut(rows, panels, i + 1) - row;
        plan->kernel->pack(s->k, mr, (int)height, s->packed_a + i * mr * s->k * plan->size,
                           a_at(s, m0 + row), plan->x.a_rs, plan->x.a_cs);
    }
}

/* Columns of a panel of B. */
typedef struct {
    int64_t col;
    int width;    /* 0: no panel */
    char *packed; /* where it is or will be packed; NULL if it is read in place */
} panel;

/* Rows [begin, end) of k of a panel. */
static void pack_panel(const pass *s, panel to, int64_t begin, int64_t end)
{
    const hone__gemm_plan *plan = s->plan;
    const int nr = plan->kernel->nr;
    plan->kernel->pack(end - begin, nr, to.width, to.packed + begin * nr * plan->size,
                       b_at(s, to.col) + begin * plan->x.b_rs * plan->size, plan->x.b_cs,
                       plan->x.b_rs);
}

static void fetch_tile(const char *c, int64_t row_bytes, int rows, int64_t bytes)
{
    for (int i = 0; i < rows; i++, c += row_bytes) {
        for (int64_t j = 0; j < bytes; j += LINE) {
            __builtin_prefetch(c + j, 1, 3);
        }
    }
}

/* Where slice i of n of the k of a panel begins: even shares that suit the packing transposes. */
static int64_t slice(int64_t k, int64_t n, int64_t i)
{
    return min64(cut(ceil_div(k, 8), n, i) * 8, k);
}

/* Rows [m0, m0 + rows) of a panel of columns. The first tiles ask for the next panel, an eighth
 * each; if it is to be packed, that is done bit by bit between the tiles. */
static void run_panel(const pass *s, int64_t m0, int64_t rows, panel now, panel next)
{
    const hone__gemm_plan *plan = s->plan;
    const hone__gemm_region *region = s->region;
    const hone__gemm_kernel *kernel = plan->kernel;
    const int vectors = (now.width + kernel->vl - 1) / kernel->vl;
    const int64_t panels = ceil_div(rows, plan->pack_a ? kernel->mr : kernel->rows[vectors]);
    const int64_t thin = rows / panels, tall = rows % panels; /* panels [0, tall) have a row more */
    const int64_t c_bytes = s->sums_rs * plan->size, b_bytes = plan->x.b_rs * plan->size;
    const bool fetches = next.width > 0 && plan->x.b_cs == 1; /* along k they come by themselves */
    hone__gemm_tile t = {
        .k = s->k,
        .a_rs = plan->pack_a ? 1 : plan->x.a_rs,
        .a_cs = plan->pack_a ? kernel->mr : plan->x.a_cs,
        .b = now.packed ? now.packed : b_at(s, now.col),
        .b_rs = now.packed ? kernel->nr : plan->x.b_rs,
        .c = s->sums + ((m0 - region->m0) * s->sums_rs + now.col - region->n0) * plan->size,
        .c_rs = s->sums_rs,
        .nr = now.width,
        .resume = s->k0 > 0,
        .finish = s->finish,
    };
    int64_t row = m0;
    for (int64_t i = 0; i < panels; i++) {
        t.mr = (int)(i < tall ? thin + 1 : thin);
        t.a = plan->pack_a ? s->packed_a + i * kernel->mr * s->k * plan->size : a_at(s, row);
        if (region->bias) {
            t.bias =
                region->bias + (row * plan->x.bias_rs + now.col * plan->x.bias_cs) * plan->size;
        }
        t.fetch = i < FETCHES && fetches ? b_at(s, next.col) + i * (s->k / 8) * b_bytes
                                         : (const char *)t.b;
        t.fetch_rs = i < FETCHES && fetches ? plan->x.b_rs : 0;
        char *below = (char *)t.c + t.mr * c_bytes;
        if (i + 1 < panels) {
            fetch_tile(below, c_bytes, t.mr, now.width * plan->size);
        }
        kernel->tile(&t);
        if (next.packed) {
            pack_panel(s, next, slice(s->k, panels, i), slice(s->k, panels, i + 1));
        }
        row += t.mr;
        t.c = below;
    }
}

/* Panel j of the region's columns, spread evenly over whole vectors; two buffers take turns. */
static panel panel_of(const pass *s, int64_t j, int64_t panels, int turn)
{
    const hone__gemm_plan *plan = s->plan;
    const int vl = plan->kernel->vl;
    const int64_t width = s->region->n1 - s->region->n0, vectors = ceil_div(width, vl);
    const int64_t begin = cut(vectors, panels, j) * vl;
    const int64_t end = min64(cut(vectors, panels, j + 1) * vl, width);
    panel p = { .col = s->region->n0 + begin, .width = (int)(end - begin) };
    if (plan->pack_b || (!plan->kernel->direct_tails && p.width % vl != 0)) {
        p.packed = s->packed_b + (turn ? bytes_b(plan) / 2 : 0);
    }
    return p;
}

static void run_pass(const pass *s)
{
    const hone__gemm_region *region = s->region;
    const int64_t height = region->m1 - region->m0;
    const int64_t blocks = ceil_div(height, s->plan->mc);
    const bool in_place = !s->plan->pack_a && !s->plan->pack_b;
    const int most = in_place ? s->plan->kernel->wide : s->plan->kernel->nr;
    const int64_t panels = ceil_div(region->n1 - region->n0, most);
    int turn = 0;
    panel now = panel_of(s, 0, panels, turn);
    if (now.packed) {
        pack_panel(s, now, 0, s->k);
    }
    for (int64_t i = 0; i < blocks; i++) {
        const int64_t m0 = region->m0 + cut(height, blocks, i);
        const int64_t rows = region->m0 + cut(height, blocks, i + 1) - m0;
        if (s->plan->pack_a) {
            pack_rows(s, m0, rows);
        }
        for (int64_t j = 0; j < panels; j++) {
            const bool more = j + 1 < panels || i + 1 < blocks;
            turn = !turn;
            const panel next = more ? panel_of(s, (j + 1) % panels, panels, turn) : (panel){ 0 };
            run_panel(s, m0, rows, now, next);
            now = next;
        }
    }
}

static bool plain(const hone__gemm_epilogue *e, const char *bias)
{
    return e->alpha == 1.0 && !e->accumulate && !e->relu && !bias;
}

static void run_row(const pass *s)
{
    const hone__gemm_plan *plan = s->plan;
    const hone__gemm_region *region = s->region;
    plan->kernel->row(region->k, region->n1 - region->n0, a_at(s, 0), plan->x.a_cs,
                      b_at(s, region->n0), plan->x.b_rs, s->sums, 0);
}

void hone__gemm_run_region(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace)
{
    char *const c =
        region->c + (region->m0 * region->c_rs + region->n0 * region->c_cs) * plan->size;
    pass s = { .plan = plan, .region = region, .sums = c, .sums_rs = region->c_rs };
    if (plan->scratch) {
        s.sums = workspace;
        s.sums_rs = region->n1 - region->n0;
        workspace += aligned(plan->region_m * plan->region_n, plan->size);
    }
    s.packed_a = workspace;
    s.packed_b = workspace + bytes_a(plan);
    const bool later = plan->scratch || plan->by_row; /* the tile can't finish */
    if (plan->by_row) {
        run_row(&s);
    } else {
        do {
            s.k = min64(plan->kc, region->k - s.k0);
            const bool last = s.k0 + s.k == region->k;
            s.finish =
                last && !later && !plain(region->epilogue, region->bias) ? region->epilogue : NULL;
            run_pass(&s);
            s.k0 += s.k;
        } while (s.k0 < region->k);
    }
    if (plan->scratch || (later && !plain(region->epilogue, region->bias))) {
        hone__gemm_finish(plan, region, s.sums, s.sums_rs);
    }
}

/* ---- the epilogue over sums in memory ---- */

static void finish_f32(const hone__gemm_epilogue *e, int64_t n, float *c, int64_t c_cs,
                       const float *sums, const float *bias)
{
    for (int64_t j = 0; j < n; j++) {
        float v = (float)e->alpha * sums[j];
        if (e->accumulate) {
            v = c[j * c_cs] + v;
        }
        if (bias) {
            v = v + bias[j * e->bias_cs];
        }
        c[j * c_cs] = e->relu && !(v > 0) && v == v ? 0 : v;
    }
}

static void finish_f64(const hone__gemm_epilogue *e, int64_t n, double *c, int64_t c_cs,
                       const double *sums, const double *bias)
{
    for (int64_t j = 0; j < n; j++) {
        double v = e->alpha * sums[j];
        if (e->accumulate) {
            v = c[j * c_cs] + v;
        }
        if (bias) {
            v = v + bias[j * e->bias_cs];
        }
        c[j * c_cs] = e->relu && !(v > 0) && v == v ? 0 : v;
    }
}

void hone__gemm_finish(const hone__gemm_plan *plan, const hone__gemm_region *region,
                       const void *sums, int64_t sums_rs)
{
    const hone__gemm_epilogue *e = region->epilogue;
    const int64_t n = region->n1 - region->n0;
    for (int64_t i = region->m0; i < region->m1; i++) {
        char *c = region->c + (i * region->c_rs + region->n0 * region->c_cs) * plan->size;
        const char *from = (const char *)sums + (i - region->m0) * sums_rs * plan->size;
        const char *bias =
            region->bias ? region->bias + (i * e->bias_rs + region->n0 * e->bias_cs) * plan->size
                         : NULL;
        if (plan->x.dtype == HONE__GEMM_F32) {
            finish_f32(e, n, (float *)c, region->c_cs, (const float *)from, (const float *)bias);
        } else {
            finish_f64(e, n, (double *)c, region->c_cs, (const double *)from, (const double *)bias);
        }
    }
}

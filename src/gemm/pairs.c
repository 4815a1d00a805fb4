/* pairs.c: the loops around the kernels of bf16 (pairs.h).
 *
 *   for a range of k (kc, seldom more than one):   sums wait in C, or beside it where C is bf16
 *     for a block of rows (mc):                    A packed, from L2 or L3
 *       for a panel of columns (nr):               B packed, in L2
 *         for a panel of rows (mr):                the tile
 *
 * A range of k is half as many bytes as in f32 and passes twice as fast, so C's way out and back
 * would weigh double: kc is as long as a panel of B may be, of whole tiles in the order `tiles`. Both
 * operands are packed, which is where two k become a pair; but a few rows of A take B from where it
 * lies (`rows`), and AMX, which has an order of loops of its own (run_tiled), A. */
#include "gemm/pairs.h"

#include "gemm/bf16_step.h"
#include "gemm/blocks.h"
#include "gemm/plan.h"
#include "gemm/split.h"
#include "isa/bf16.h"
#include "isa/isa.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

/* Of a thread: 0 is what all begin with, else 1 more than the order. */
static _Thread_local uint8_t order_here;
static hone__bf16_order order_at_first;

hone__bf16_order hone__bf16_order_now(void)
{
    return order_here ? (hone__bf16_order)(order_here - 1) : order_at_first;
}

hone__bf16_order hone__bf16_order_set(hone__bf16_order order)
{
    const hone__bf16_order previous = hone__bf16_order_now();
    order_here = (uint8_t)(1 + order);
    return previous;
}

void hone__bf16_order_begin(hone__bf16_order order)
{
    order_at_first = order;
}

typedef struct {
    hone__gemm_plan plan; /* arguments in normal form; what split.c decides */
    const hone__bf16_kernel *kernel;
    int64_t kc, mc, nc; /* nc: 0, or columns of B that are packed at a time */
    bool in_place;      /* A, where whole tiles of it lie along k */
    bool tiles;         /* the order */
    bool by_rows;
    bool plain;          /* nothing follows the sums but rounding and GELU */
    bool simple;         /* nothing but the kernel's `follow` before those */
    bool only_rounds;    /* and C's rows are contiguous */
    bool straight;       /* sums go to C and are what it has to hold */
    const void *whole_b; /* B, packed; or NULL */
    int64_t c_size;      /* of an element */
    char *workspace;
    size_t workspace_bytes; /* a thread */
} job;

/* One thread's part of one product. */
typedef struct {
    const job *j;
    const uint16_t *a, *b;
    char *c, *activated;
    hone__gemm_area area;
    char *packed_a, *packed_b;
    float *sums; /* of a tile, of rows or of the whole area; NULL: C */
} part;

/* ---- sizes ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + 128 + 63) & ~(size_t)63;
}

/* A packed panel over k. */
static size_t panel_bytes(const job *j, int width, int64_t k)
{
    return hone__bf16_panel_bytes(j->kernel, j->tiles, width, k);
}

static size_t bytes_a(const job *j)
{
    const int mr = j->kernel->shape.mr;
    const int64_t panels = j->in_place ? 1 : ceil_div(min64(j->mc, j->plan.region_m), mr) + 1;
    return j->by_rows ? 0 : aligned(hone__bytes(panels, panel_bytes(j, mr, j->kc)));
}

static size_t bytes_b(const job *j)
{
    const int64_t nr = j->kernel->shape.nr, panels = j->nc ? ceil_div(j->nc, nr) : 1;
    return j->by_rows || j->whole_b ? 0
                                    : aligned(hone__bytes(panels, panel_bytes(j, (int)nr, j->kc)));
}

static bool waits(const job *j)
{
    return !j->straight && !j->by_rows && j->plan.x.k > j->kc;
}

static size_t bytes_sums(const job *j)
{
    const int64_t tile = (int64_t)j->kernel->shape.mr * j->kernel->shape.nr;
    const int64_t few = j->by_rows ? HONE__BF16_ROWS * HONE__BF16_RUN : tile;
    const size_t area = hone__bytes(j->plan.region_m, hone__bytes(j->plan.region_n, sizeof(float)));
    return j->straight ? 0 : aligned(waits(j) ? area : (size_t)few * sizeof(float));
}

/* ---- what is before and after the sums ---- */

/* What C holds of n columns from (i, jc) on. */
static void fetch_row(const part *p, int64_t i, int64_t jc, int64_t n, float *to)
{
    const hone__gemm_args *x = &p->j->plan.x;
    const char *c = p->c + (i * x->c_rs + jc * x->c_cs) * p->j->c_size;
    for (int64_t q = 0; q < n; q++) {
        to[q] = x->narrow ? hone__bf16_widen(((const uint16_t *)(const void *)c)[q * x->c_cs])
                          : ((const float *)(const void *)c)[q * x->c_cs];
    }
}

static void store_row(const job *j, int64_t n, char *c, int64_t c_cs, const float *v)
{
    uint16_t half[HONE__BF16_RUN];
    if (!j->plan.x.narrow) {
        for (int64_t q = 0; q < n; q++) {
            ((float *)(void *)c)[q * c_cs] = v[q];
        }
        return;
    }
    j->kernel->narrow(1, n, c_cs == 1 ? (uint16_t *)(void *)c : half, 0, v, 0);
    for (int64_t q = 0; c_cs != 1 && q < n; q++) {
        ((uint16_t *)(void *)c)[q * c_cs] = half[q];
    }
}

/* What follows the sums v of n <= HONE__BF16_RUN columns from (i, jc) on. */
static void follow_up(const part *p, int64_t i, int64_t jc, int64_t n, float *v)
{
    const hone__gemm_epilogue *e = &p->j->plan.epilogue;
    const float *bias = p->j->plan.x.bias;
    float held[HONE__BF16_RUN];
    for (int64_t q = 0; q < n; q++) {
        v[q] = (float)e->alpha * v[q];
    }
    if (e->accumulate) {
        fetch_row(p, i, jc, n, held);
        for (int64_t q = 0; q < n; q++) {
            v[q] = held[q] + v[q];
        }
    }
    for (int64_t q = 0; bias && q < n; q++) {
        v[q] = v[q] + bias[i * e->bias_rs + (jc + q) * e->bias_cs];
    }
    for (int64_t q = 0; e->relu && q < n; q++) {
        v[q] = !(v[q] > 0) && v[q] == v[q] ? 0 : v[q];
    }
}

static void follow(const part *p, int64_t row, int rows, int64_t col, int64_t n, float *v,
                   int64_t rs)
{
    const hone__gemm_epilogue *e = &p->j->plan.epilogue;
    const float *bias = p->j->plan.x.bias;
    if (p->j->simple && !p->j->plain) {
        bias = bias ? bias + row * e->bias_rs + col * e->bias_cs : NULL;
        p->j->kernel->follow(rows, n, v, rs, bias, e->bias_rs, e->bias_cs, e->relu);
    }
}

/* C's n columns from (i, jc) on, from their sums, which are changed, and have been by `follow`. */
static void finish_row(const part *p, int64_t i, int64_t jc, int64_t n, float *sums)
{
    const job *j = p->j;
    const hone__gemm_args *x = &j->plan.x;
    const int64_t at = (i * x->c_rs + jc * x->c_cs) * j->c_size;
    if (!j->simple) {
        follow_up(p, i, jc, n, sums);
    }
    store_row(j, n, p->c + at, x->c_cs, sums);
    if (j->plan.activate) {
        float values[HONE__BF16_RUN];
        fetch_row(p, i, jc, n, sums);
        j->plan.activate(n, values, 1, sums, 1);
        store_row(j, n, p->activated + at, x->c_cs, values);
    }
}

/* ---- packing ---- */

/* A source writes elements, k by k: pairs are made of some of them at a time. */
static void pack_from(const job *j, const hone__gemm_source *from, const void *base, int64_t row,
                      int valid, int64_t k0, int64_t k, int width, char *panel, uint16_t pad)
{
    enum { SOME = HONE__GEMM_ALONG, WIDEST = 64 };
    uint16_t elements[SOME * WIDEST];
    for (int64_t p = 0; p < k; p += SOME) {
        const int64_t some = min64(k - p, SOME);
        uint32_t *to = (uint32_t *)(void *)(panel + panel_bytes(j, width, p));
        if (from->along) {
            from->pack(from, base, row, valid, k0 + p, some, SOME, elements);
            j->kernel->pack(some, width, valid, to, elements, SOME, 1, pad);
        } else {
            from->pack(from, base, row, valid, k0 + p, some, width, elements);
            j->kernel->pack(some, width, valid, to, elements, 1, width, pad);
        }
    }
}

static void regroup(const job *j, int64_t k, int width, char *panel, uint16_t pad)
{
    if (j->tiles && j->kernel->regroup) {
        j->kernel->regroup(k, width, (uint32_t *)(void *)panel, pad);
    }
}

static void pack_a(const part *p, int64_t row, int rows, int64_t k0, int64_t k, char *panel)
{
    const hone__gemm_plan *plan = &p->j->plan;
    const hone__gemm_args *x = &plan->x;
    const int mr = p->j->kernel->shape.mr;
    if (plan->a_from) {
        pack_from(p->j, plan->a_from, p->a, row, rows, k0, k, mr, panel, HONE__BF16_PAD_A);
    } else {
        p->j->kernel->pack(k, mr, rows, (uint32_t *)(void *)panel,
                           p->a + row * x->a_rs + k0 * x->a_cs, x->a_rs, x->a_cs, HONE__BF16_PAD_A);
    }
    regroup(p->j, k, mr, panel, HONE__BF16_PAD_A);
}

static void pack_b(const part *p, int64_t col, int cols, int64_t k0, int64_t k, char *panel)
{
    const hone__gemm_plan *plan = &p->j->plan;
    const hone__gemm_args *x = &plan->x;
    const int nr = p->j->kernel->shape.nr;
    if (plan->b_from) {
        pack_from(p->j, plan->b_from, p->b, col, cols, k0, k, nr, panel, HONE__BF16_PAD_B);
    } else {
        p->j->kernel->pack(k, nr, cols, (uint32_t *)(void *)panel,
                           p->b + col * x->b_cs + k0 * x->b_rs, x->b_cs, x->b_rs, HONE__BF16_PAD_B);
    }
    regroup(p->j, k, nr, panel, HONE__BF16_PAD_B);
}

/* Where in a B that is packed as a whole the panel of column col is: ranges of k below each other. */
static char *whole_at(const job *j, const void *whole, int64_t col, int64_t k0, int64_t k)
{
    const int nr = j->kernel->shape.nr;
    const size_t above = hone__bytes(ceil_div(j->plan.x.n, nr), panel_bytes(j, nr, k0));
    return (char *)whole + above + hone__bytes(col / nr, panel_bytes(j, nr, k));
}

/* ---- the loops ---- */

typedef struct {
    int64_t k0, k;
    bool first, last; /* range of k */
} range;

/* Where the sums of a tile at (row, col) are, and their rows' distance. */
static float *sums_at(const part *p, int64_t row, int64_t col, int64_t *rs)
{
    const hone__gemm_args *x = &p->j->plan.x;
    if (!p->sums) {
        *rs = x->c_rs;
        return (float *)(void *)p->c + row * x->c_rs + col;
    }
    if (waits(p->j)) {
        *rs = p->area.n1 - p->area.n0;
        return p->sums + (row - p->area.m0) * *rs + col - p->area.n0;
    }
    *rs = p->j->kernel->shape.nr;
    return p->sums;
}

/* Whether `tile_narrow` does all from the sums to rounding. */
static bool narrows_in_tile(const job *j, range r)
{
    const hone__bf16_kernel *kernel = j->kernel;
    const hone__gemm_epilogue *e = &j->plan.epilogue;
    const bool follows = kernel->tiled && (e->bias_cs == 0 || e->bias_cs == 1);
    return j->only_rounds && r.last && r.k > 0 && kernel->tile_narrow &&
           j->tiles == kernel->tiled && (j->plain || follows);
}

static void run_tile(const part *p, range r, hone__gemm_tile *t, int64_t row, int64_t col)
{
    t->c = sums_at(p, row, col, &t->c_rs);
    for (int i = 0; p->sums && r.first && t->resume && i < t->mr; i++) {
        fetch_row(p, row + i, col, t->nr, (float *)t->c + i * t->c_rs);
    }
    const hone__gemm_args *x = &p->j->plan.x;
    const bool rounds = p->j->only_rounds && r.last;
    uint16_t *const c = (uint16_t *)(void *)p->c + row * x->c_rs + col; /* if it rounds */
    if (narrows_in_tile(p->j, r)) {
        const hone__gemm_epilogue *e = &p->j->plan.epilogue;
        const float *bias = x->bias;
        t->finish = p->j->plain ? NULL : e;
        t->bias = bias ? bias + row * e->bias_rs + col * e->bias_cs : NULL;
        p->j->kernel->tile_narrow(t, c, x->c_rs);
        return;
    }
    if (p->j->tiles) {
        p->j->kernel->tiles(t);
    } else {
        p->j->kernel->tile(t);
    }
    if (!r.last) {
        return;
    }
    follow(p, row, t->mr, col, t->nr, t->c, t->c_rs);
    if (rounds) {
        p->j->kernel->narrow(t->mr, t->nr, c, x->c_rs, t->c, t->c_rs);
        return;
    }
    for (int i = 0; p->sums && i < t->mr; i++) {
        finish_row(p, row + i, col, t->nr, (float *)t->c + i * t->c_rs);
    }
}

/* Rows [m0, m1) of the part over a range of k. */
static void run_block(const part *p, range r, int64_t m0, int64_t m1)
{
    const job *j = p->j;
    const int mr = j->kernel->shape.mr, nr = j->kernel->shape.nr;
    const size_t a_bytes = panel_bytes(j, mr, r.k);
    const int64_t panels = ceil_div(m1 - m0, mr);
    hone__gemm_tile t = { .k = r.k,
                          .a_rs = 1,
                          .a_cs = mr,
                          .b = p->packed_b,
                          .b_rs = nr,
                          .resume = !r.first || j->plan.begins };
    for (int64_t col = p->area.n0; col < p->area.n1; col += nr) {
        t.nr = (int)min64(nr, p->area.n1 - col);
        if (j->whole_b) {
            t.b = whole_at(j, j->whole_b, col, r.k0, r.k);
        } else {
            pack_b(p, col, t.nr, r.k0, r.k, p->packed_b);
        }
        for (int64_t i = 0; i < panels; i++) {
            const int64_t row = m0 + hone__gemm_cut(m1 - m0, 1, panels, i);
            t.mr = (int)(m0 + hone__gemm_cut(m1 - m0, 1, panels, i + 1) - row);
            char *const panel = p->packed_a + (size_t)i * a_bytes;
            if (col == p->area.n0) {
                pack_a(p, row, t.mr, r.k0, r.k, panel);
            }
            t.a = panel;
            run_tile(p, r, &t, row, col);
        }
    }
}

/* Whether B's n columns are as good as in L1: what is done to pass it costs more than it gains. */
static bool is_near(range r, int64_t n)
{
    enum { NEAR = 64 << 10 };
    return r.k * n * (int64_t)sizeof(uint16_t) <= NEAR;
}

/* Whether tiles side by side, of so many columns, are one call. */
static bool runs_wide(const job *j, range r, int64_t n)
{
    if (is_near(r, n)) {
        return false;
    }
    return j->straight || waits(j) || (narrows_in_tile(j, r) && !j->plan.begins);
}

/* Of a panel of A those of the columns from `col` on, of which `panels` is B. */
static void run_side_by_side(const part *p, range r, hone__gemm_tile *t, int64_t row, int64_t col,
                             int64_t end, const char *panels)
{
    const int nr = p->j->kernel->shape.nr;
    const int64_t step = runs_wide(p->j, r, end - col) ? end - col : nr;
    const size_t bytes = panel_bytes(p->j, nr, r.k);
    for (int64_t at = col; at < end; at += step) {
        t->nr = (int)min64(step, end - at);
        t->b = panels + (size_t)((at - col) / nr) * bytes;
        run_tile(p, r, t, row, at);
    }
}

/* At most two panels of B, whose lines lie in turn: lines come in twos from afar. */
static void pack_two(const part *p, int64_t col, int64_t end, range r, char *panels)
{
    enum { SOME = 2 * HONE__BF16_TILE_K };
    const int nr = p->j->kernel->shape.nr;
    const bool apart = p->j->plan.b_from || p->j->plan.x.b_cs != 1;
    const int64_t some = apart || end - col <= nr ? r.k : SOME;
    for (int64_t k = 0; k < r.k; k += some) {
        char *to = panels + panel_bytes(p->j, nr, k);
        for (int64_t at = col; at < end; at += nr, to += panel_bytes(p->j, nr, r.k)) {
            pack_b(p, at, (int)min64(nr, end - at), r.k0 + k, min64(some, r.k - k), to);
        }
    }
}

/* A tile takes no longer than panels from L2 do, so both A and B are packed once or, A, not at all: a
 * block of B stays in L2 while A's panels pass, each of which meets all of the block. */
static void run_tiled(const part *p, range r, int64_t m0, int64_t m1, int64_t n0, int64_t n1)
{
    const job *j = p->j;
    const hone__gemm_args *x = &j->plan.x;
    const int mr = j->kernel->shape.mr, nr = j->kernel->shape.nr;
    const size_t a_bytes = panel_bytes(j, mr, r.k), b_bytes = panel_bytes(j, nr, r.k);
    hone__gemm_tile t = { .k = r.k, .b_rs = nr, .resume = !r.first || j->plan.begins };
    for (int64_t row = m0; row < m1; row += mr) {
        t.mr = (int)min64(mr, m1 - row);
        const bool in_place = j->in_place && t.mr % 16 == 0 && r.k % HONE__BF16_TILE_K == 0;
        char *const panel = p->packed_a + (size_t)(j->in_place ? 0 : (row - m0) / mr) * a_bytes;
        t.a = in_place ? (const void *)(p->a + row * x->a_rs + r.k0) : panel;
        t.a_rs = in_place ? x->a_rs : 1;
        t.a_cs = in_place ? 1 : mr;
        if (!in_place && (j->in_place || n0 == p->area.n0)) {
            pack_a(p, row, t.mr, r.k0, r.k, panel);
        }
        if (j->whole_b || row > m0) {
            const bool next = in_place && row + 2 * mr <= m1;
            t.errand = (hone__gemm_errand){ .rows = 0 };
            if (next) {
                t.errand = (hone__gemm_errand){ .rows = mr,
                                                .from = p->a + (row + mr) * x->a_rs + r.k0,
                                                .rs = x->a_rs };
            }
            const char *const whole =
                j->whole_b ? whole_at(j, j->whole_b, n0, r.k0, r.k) : p->packed_b;
            run_side_by_side(p, r, &t, row, n0, n1, whole);
            continue;
        }
        const int64_t columns = is_near(r, n1 - n0) ? nr : 2 * nr;
        for (int64_t col = n0; col < n1; col += columns) {
            const int64_t end = min64(col + columns, n1);
            char *const of_b = p->packed_b + (size_t)((col - n0) / nr) * b_bytes;
            pack_two(p, col, end, r, of_b);
            run_side_by_side(p, r, &t, row, col, end, of_b);
        }
    }
}

static void run_columns(const part *p, range r, int64_t m0, int64_t m1)
{
    const int64_t nc = p->j->nc;
    if (!nc) {
        run_block(p, r, m0, m1);
        return;
    }
    for (int64_t n0 = p->area.n0; n0 < p->area.n1; n0 += nc) {
        run_tiled(p, r, m0, m1, n0, min64(n0 + nc, p->area.n1));
    }
}

static void run_blocks(const part *p)
{
    const int64_t k = p->j->plan.x.k, kc = p->j->kc, rows = p->area.m1 - p->area.m0;
    const int64_t blocks = ceil_div(rows, p->j->mc);
    for (int64_t k0 = 0; k0 == 0 || k0 < k; k0 += kc) {
        const range r = { k0, min64(kc, k - k0), k0 == 0, k0 + kc >= k };
        for (int64_t i = 0; i < blocks; i++) {
            const int64_t unit = p->j->nc ? p->j->kernel->shape.mr : 1;
            run_columns(p, r, p->area.m0 + hone__gemm_cut(rows, unit, blocks, i),
                        p->area.m0 + hone__gemm_cut(rows, unit, blocks, i + 1));
        }
    }
}

static void run_rows(const part *p)
{
    const job *j = p->j;
    const hone__gemm_args *x = &j->plan.x;
    const int64_t row = p->area.m0;
    const int rows = (int)(p->area.m1 - row);
    for (int64_t col = p->area.n0; col < p->area.n1; col += HONE__BF16_RUN) {
        const int64_t n = min64(HONE__BF16_RUN, p->area.n1 - col);
        const int64_t rs = p->sums ? HONE__BF16_RUN : x->c_rs;
        float *y = p->sums ? p->sums : (float *)(void *)p->c + row * x->c_rs + col;
        for (int i = 0; p->sums && j->plan.begins && i < rows; i++) {
            fetch_row(p, row + i, col, n, y + i * rs);
        }
        const uint16_t *a = p->a + row * x->a_rs, *b = p->b + col * x->b_cs;
        if (j->tiles && x->b_cs == 1) {
            j->kernel->tiles_rows(x->k, rows, n, a, x->a_rs, x->a_cs, b, x->b_rs, y, rs,
                                  j->plan.begins);
        } else if (x->b_cs == 1) {
            j->kernel->rows(x->k, rows, n, a, x->a_rs, x->a_cs, b, x->b_rs, y, rs, j->plan.begins);
        } else {
            j->kernel->few(x->k, rows, n, a, x->a_rs, x->a_cs, b, x->b_cs, y, rs, j->plan.begins);
        }
        follow(p, row, rows, col, n, y, rs);
        for (int i = 0; p->sums && i < rows; i++) {
            finish_row(p, row + i, col, n, y + i * rs);
        }
    }
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const hone__gemm_plan *plan = &j->plan;
    const hone__gemm_args *x = &plan->x;
    const int64_t regions = plan->split_m * plan->split_n, all = plan->batch * regions;
    const int64_t end = hone__gemm_cut(all, 1, n_threads, thread + 1);
    char *const workspace = j->workspace + (size_t)thread * j->workspace_bytes;
    if (j->kernel->begin) {
        j->kernel->begin();
    }
    for (int64_t i = hone__gemm_cut(all, 1, n_threads, thread); i < end; i++) {
        const hone__gemm_offsets at = hone__gemm_batch_offsets(x, i / regions);
        char *const activated = x->activated ? x->activated : x->c;
        const part p = { .j = j,
                         .a = (const uint16_t *)x->a + at.a,
                         .b = (const uint16_t *)x->b + at.b,
                         .c = (char *)x->c + at.c * j->c_size,
                         .activated = activated + at.c * j->c_size,
                         .area = hone__gemm_area_of(plan, i % regions),
                         .packed_a = workspace,
                         .packed_b = workspace + bytes_a(j),
                         .sums = j->straight
                                     ? NULL
                                     : (float *)(void *)(workspace + bytes_a(j) + bytes_b(j)) };
        if (j->by_rows) {
            run_rows(&p);
        } else {
            run_blocks(&p);
        }
    }
    if (j->kernel->end) {
        j->kernel->end();
    }
}

/* ---- decisions ---- */

static void decide(job *j, const hone__gemm_args *args, const hone__gemm_source *a)
{
    hone__gemm_plan *plan = &j->plan;
    hone__gemm_args *x = &plan->x;
    *x = *args;
    j->tiles = hone__bf16_tiles_now() && x->positions % HONE__BF16_TILE_K == 0;
    j->kernel = hone__bf16_in(j->tiles);
    plan->kernel = &j->kernel->shape;
    plan->size = hone__gemm_size(x->dtype);
    hone__gemm_plan_normalise(plan, a);
    hone__gemm_plan_epilogue(plan);
    plan->pieces = 1;
    plan->piece_k = x->k;
    plan->scratch = true; /* no relay */
    j->c_size = x->narrow ? 2 : 4;
    const bool has_few = j->kernel->few && j->tiles == j->kernel->tiled;
    j->by_rows = !a && x->m <= HONE__BF16_ROWS && (x->b_cs == 1 || (x->b_rs == 1 && has_few));
    plan->pack_a = plan->pack_b = !j->by_rows;
    const bool as_given = x->b == args->b && x->b_rs == args->b_rs && x->b_cs == args->b_cs &&
                          x->n == args->n && x->k == args->k && plan->batch == 1;
    j->whole_b = as_given && !a && !j->by_rows ? args->b_packed : NULL;
    const hone__gemm_epilogue *e = &plan->epilogue;
    j->simple = e->alpha == 1.0 && !e->accumulate;
    j->plain = j->simple && !e->relu && !x->bias;
    j->straight = j->simple && !x->narrow && x->c_cs == 1 && !plan->activate;
    j->only_rounds = j->simple && x->narrow && x->c_cs == 1 && !plan->activate;
    /* The longer a range, the fewer columns of B stay in L2, each time A passes; the shorter, the more
     * often sums come and go, for which there had better be room. */
    enum { TILED_RANGE = 2048, ROOM = 32 << 20 };
    const bool roomy = j->straight || j->whole_b || 4.0 * (double)x->m * (double)x->n <= ROOM;
    const int64_t size = j->kernel->paired || j->kernel->tiled ? 2 : 4;
    const hone__gemm_blocks blocks = hone__gemm_choose_packed_blocks(
        &j->kernel->shape, size, j->kernel->tiled && roomy ? TILED_RANGE : 8192 / size, x->k);
    j->kc = j->tiles ? ceil_div(blocks.kc, HONE__BF16_TILE_K) * HONE__BF16_TILE_K : blocks.kc;
    j->mc = blocks.mc;
    j->nc = 0;
    j->in_place = false;
    if (j->kernel->tiled && !j->by_rows) {
        const bool lines = (uintptr_t)x->a % 64 == 0 && x->a_rs % HONE__BF16_TILE_K == 0;
        j->in_place = !a && x->a_cs == 1 && lines && plan->batch == 1;
        j->nc = hone__gemm_choose_tiled_columns(&j->kernel->shape, j->kc, x->n);
        j->mc = j->in_place ? x->m : j->mc;
    }
    hone__gemm_plan_threads(plan, plan->batch);
    j->workspace_bytes = bytes_a(j) + bytes_b(j) + bytes_sums(j);
}

/* Of the parts that a packed B as a whole has: neither m, nor C, nor a batch enters, since products
 * of any may use it. */
static job whole_of(const hone__gemm_args *args)
{
    hone__gemm_args x = hone__gemm_contiguous(args->dtype, 2 * HONE__BF16_ROWS, args->n, args->k);
    x.b = args->b;
    x.b_rs = args->b_rs;
    x.b_cs = args->b_cs;
    x.positions = args->positions;
    x.b_packed = args; /* some */
    job j = { .workspace = NULL };
    decide(&j, &x, NULL);
    return j;
}

size_t hone__gemm_pairs_packed_bytes(const hone__gemm_args *args)
{
    const job j = whole_of(args);
    const int nr = j.kernel->shape.nr;
    const size_t panels = (size_t)ceil_div(args->n, nr);
    return panels * panel_bytes(&j, nr, args->k + j.kc) + 64; /* as if each range were full */
}

void hone__gemm_pairs_pack(const hone__gemm_args *args, void *packed)
{
    const job j = whole_of(args);
    const part p = { .j = &j, .b = args->b };
    const int nr = j.kernel->shape.nr;
    for (int64_t k0 = 0; j.whole_b && k0 < args->k; k0 += j.kc) {
        const int64_t k = min64(j.kc, args->k - k0);
        for (int64_t col = 0; col < args->n; col += nr) {
            pack_b(&p, col, (int)min64(nr, args->n - col), k0, k, whole_at(&j, packed, col, k0, k));
        }
    }
}

int hone__gemm_pairs_from(const hone__gemm_args *args, const hone__gemm_source *a)
{
    if (hone__gemm_is_empty(args)) {
        return 0;
    }
    job j = { .workspace = NULL };
    decide(&j, args, a);
    const size_t bytes = hone__bytes(j.plan.threads, j.workspace_bytes);
    if (bytes && !(j.workspace = hone__pool_alloc(bytes))) {
        return -1;
    }
    hone__parallel_team(j.plan.threads, run_share, &j);
    if (bytes) {
        hone__pool_free(j.workspace, bytes);
    }
    return 0;
}

int hone__gemm_pairs(const hone__gemm_args *args)
{
    return hone__gemm_pairs_from(args, NULL);
}

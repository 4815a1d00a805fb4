/* region.c: the loops around the micro-kernel for one thread's part of one product.
 *
 *   for a range of k (kc):                partial sums stay in C between ranges
 *     for a block of rows (mc):           A packed, read from L2 or L3, each of its panels once
 *       for a panel of columns (nr):      B packed, stays in L2
 *         for a panel of rows (mr):       the tile
 *
 * Packing waits for memory, not for the core: every second tile packs a slice of the next panel of
 * B on its way, between its multiplications. A panel of A is packed just before its first tile.
 *
 * A region needs nothing from other threads, but in a relay (relay.c): no barriers, and packed data
 * lie in the thread's own memory. What is read often enough from where it lies is not packed
 * (plan.c). Heights and widths are spread evenly, so that no tile is thin. */
#include "gemm/region.h"
#include "gemm/blocks.h"
#include "gemm/finish.h"
#include "gemm/row.h"
#include "gemm/upright.h"
#include "runtime/memory.h"

#include "runtime/parallel.h"

#include <sched.h>
#include <string.h>

enum { PACK_SLACK_BYTES = 128, LINE = 64, PAGE = 4 << 10, PAIR_K = 64 };

/* `total` cut into `parts` as even as can be: where part i begins. */
static int64_t cut(int64_t total, int64_t parts, int64_t i)
{
    return i * (total / parts) + min64(i, total % parts);
}

static size_t aligned(int64_t rows, int64_t cols, int64_t size)
{
    const size_t bytes = hone__bytes(rows, hone__bytes(cols, (size_t)size));
    return (bytes + PACK_SLACK_BYTES + 63) & ~(size_t)63;
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
    return plan->pack_a ? aligned(rows + plan->kernel->mr, plan->kc, plan->size) : 0;
}

static size_t bytes_b(const hone__gemm_plan *plan)
{
    return plan->pack_b || packs_tails(plan) ? 2 * aligned(plan->kernel->nr, plan->kc, plan->size)
                                             : 0;
}

/* Of sums that wait beside C: rows that are turned in the end don't lie pages apart. */
static int64_t sums_apart(const hone__gemm_plan *plan)
{
    const bool pages = plan->turned && plan->region_n * plan->size % PAGE == 0;
    return plan->region_n + (pages ? LINE / plan->size : 0);
}

size_t hone__gemm_workspace(const hone__gemm_plan *plan)
{
    const int buffers = plan->in_turn ? 2 : plan->scratch;
    return buffers * aligned(plan->region_m, sums_apart(plan), plan->size) +
           (plan->by_row || plan->by_few ? 0 : bytes_a(plan) + bytes_b(plan));
}

/* What all steps share. */
typedef struct {
    const hone__gemm_plan *plan;
    const hone__gemm_region *region;
    char *packed_a, *packed_b;
    char *sums; /* of the region's [m0,n0] */
    int64_t sums_rs;
    int64_t passes, blocks, panels;    /* ranges of k, of rows, of columns */
    const hone__gemm_epilogue *finish; /* for the tile after the last k, or NULL */
    bool activates;                    /* after that tile */
    int64_t done;                      /* rows of panels, in a relay */
    int64_t asked;                     /* rows of the coming step's C that were asked for */
} walk;

/* A block of rows times a panel of columns over a range of k. */
typedef struct {
    int64_t k0, k;
    int64_t m0, rows;
    int64_t col;
    int width;    /* 0: there is no such step */
    bool first;   /* panel of its block: A is packed on the way */
    bool last;    /* range of k */
    char *packed; /* where the panel of B is or will be packed; NULL if it is read in place */
} step;

/* Panels of columns are spread evenly over whole vectors, blocks of rows over whole tiles; two buffers
 * take turns. */
static step step_at(const walk *w, int64_t index)
{
    const hone__gemm_plan *plan = w->plan;
    const hone__gemm_region *region = w->region;
    if (index == w->passes * w->blocks * w->panels) {
        return (step){ 0 };
    }
    const int vl = plan->kernel->vl;
    const int64_t j = index % w->panels, rest = index / w->panels;
    const int64_t i = rest % w->blocks, pass = rest / w->blocks;
    const int64_t width = region->n1 - region->n0, vectors = ceil_div(width, vl);
    const int64_t height = region->m1 - region->m0, mr = plan->kernel->mr;
    const int64_t begin = cut(vectors, w->panels, j) * vl;
    const int64_t end = min64(cut(vectors, w->panels, j + 1) * vl, width);
    const int64_t m0 = cut(ceil_div(height, mr), w->blocks, i) * mr;
    const int64_t m1 = min64(cut(ceil_div(height, mr), w->blocks, i + 1) * mr, height);
    step s = {
        .k0 = pass * plan->kc,
        .k = min64(plan->kc, region->k - pass * plan->kc),
        .m0 = region->m0 + m0,
        .rows = m1 - m0,
        .col = region->n0 + begin,
        .width = (int)(end - begin),
        .first = j == 0,
        .last = pass + 1 == w->passes,
    };
    if (plan->pack_b || (!plan->kernel->direct_tails && s.width % vl != 0)) {
        s.packed = w->packed_b + (index % 2 ? bytes_b(plan) / 2 : 0);
    }
    return s;
}

static const char *a_at(const walk *w, const step *s, int64_t row)
{
    const hone__gemm_args *x = &w->plan->x;
    return w->region->a + (row * x->a_rs + s->k0 * x->a_cs) * w->plan->size;
}

/* Row p of the k of a step's panel. */
static const char *b_at(const walk *w, const step *s, int64_t p)
{
    const hone__gemm_args *x = &w->plan->x;
    return w->region->b + ((s->k0 + p) * x->b_rs + s->col * x->b_cs) * w->plan->size;
}

static char *packed_at(const walk *w, const step *s, int64_t p)
{
    return s->packed + p * w->plan->kernel->nr * w->plan->size;
}

static char *c_at(const walk *w, const step *s)
{
    const hone__gemm_region *region = w->region;
    return w->sums + ((s->m0 - region->m0) * w->sums_rs + s->col - region->n0) * w->plan->size;
}

/* A panel of A, `rows` from `row` on. */
static void pack_a(const walk *w, const step *s, int64_t row, int rows, void *panel)
{
    const hone__gemm_plan *plan = w->plan;
    const hone__gemm_source *from = plan->a_from;
    if (from) {
        from->pack(from, w->region->a, row, rows, s->k0, s->k, plan->kernel->mr, panel);
        return;
    }
    plan->kernel->pack(s->k, plan->kernel->mr, rows, panel, a_at(w, s, row), plan->x.a_rs,
                       plan->x.a_cs);
}

/* Rows of k that lie pages apart share a few lines of each cache: what a panel's neighbour needs of
 * a line has to be taken at once. */
static bool packs_pairs(const walk *w)
{
    const hone__gemm_args *x = &w->plan->x;
    return w->plan->pack_a && !w->plan->a_from && x->a_rs == 1 &&
           x->a_cs * w->plan->size % PAGE == 0;
}

/* Two panels of A, a few k of one, then the same of the other. What the packing kernel writes behind
 * the first one's end is put right. */
static void pack_pair(const walk *w, const step *s, int64_t row, int rows, int rows_below,
                      char *panel)
{
    const hone__gemm_plan *plan = w->plan;
    const int64_t mr = plan->kernel->mr, size = plan->size;
    char *below = panel + mr * s->k * size, start[PACK_SLACK_BYTES];
    for (int64_t p = 0; p < s->k; p += PAIR_K) {
        const int64_t k = min64(PAIR_K, s->k - p);
        const char *from = a_at(w, s, row) + p * plan->x.a_cs * size;
        memcpy(start, below, sizeof start);
        plan->kernel->pack(k, (int)mr, rows, panel + p * mr * size, from, 1, plan->x.a_cs);
        if (p > 0)
            memcpy(below, start, sizeof start);
        plan->kernel->pack(k, (int)mr, rows_below, below + p * mr * size, from + rows * size, 1,
                           plan->x.a_cs);
    }
}

/* Rows [begin, end) of k of a panel of B. */
static void pack_b(const walk *w, const step *s, int64_t begin, int64_t end)
{
    const hone__gemm_args *x = &w->plan->x;
    const hone__gemm_kernel *kernel = w->plan->kernel;
    const hone__gemm_source *from = w->plan->b_from;
    if (begin == end) { /* the tile did it */
        return;
    }
    if (from) {
        from->pack(from, w->region->b, s->col, s->width, s->k0 + begin, end - begin, kernel->nr,
                   packed_at(w, s, begin));
        return;
    }
    kernel->pack(end - begin, kernel->nr, s->width, packed_at(w, s, begin), b_at(w, s, begin),
                 x->b_cs, x->b_rs);
}

/* After tile i of n: columns of a panel of B, all of their k. The last tiles do it, for then the
 * columns have been asked for. */
static void pack_columns(const walk *w, const step *s, int64_t i, int64_t n)
{
    const hone__gemm_args *x = &w->plan->x;
    const hone__gemm_kernel *kernel = w->plan->kernel;
    const int vl = kernel->vl;
    if (x->b_rs != 1 || (!kernel->direct_tails && s->width % vl != 0)) {
        if (i + 1 == n) {
            pack_b(w, s, 0, s->k);
        }
        return;
    }
    const int64_t vectors = ceil_div(s->width, vl), parts = min64(vectors, n),
                  part = i - (n - parts);
    const int64_t begin = part < 0 ? 0 : cut(vectors, parts, part) * vl;
    const int64_t end = part < 0 ? 0 : min64(cut(vectors, parts, part + 1) * vl, s->width);
    kernel->transpose(s->k, end - begin, s->packed + begin * w->plan->size, kernel->nr,
                      b_at(w, s, 0) + begin * x->b_cs * w->plan->size, x->b_cs);
}

/* Where slice i of n of the k of a panel begins: even shares that suit the packing transposes. */
static int64_t slice(int64_t k, int64_t n, int64_t i)
{
    return min64(cut(ceil_div(k, 8), n, i) * 8, k);
}

/* Rows [begin, end) of the k of the next panel of B that tile i of n packs: every second tile does
 * two shares if its way is long enough, and the other one is free to ask for C on its way. */
static int64_t packs(const step *now, const step *next, int64_t i, int64_t n, int64_t *end)
{
    const int64_t every = 2 * slice(next->k, n, 1) <= now->k / 8 ? 2 : 1;
    *end = slice(next->k, n, i % every == 0 ? min64(i + every, n) : i);
    return slice(next->k, n, i);
}

/* Tile i asks for columns of the next panel: as many as k / 8, as far along k as a tile is wide. */
static hone__gemm_errand ask_along_k(const walk *w, const step *now, const step *next, int64_t i)
{
    const hone__gemm_args *x = &w->plan->x;
    const int64_t columns = now->k / 8;
    if (x->b_rs != 1 || columns == 0) {
        return (hone__gemm_errand){ 0 };
    }
    const int64_t tiles = ceil_div(next->width, columns);
    const int64_t p = i / tiles * now->width, j = i % tiles * columns;
    return (hone__gemm_errand){ .rows = p < next->k ? min64(columns, next->width - j) : 0,
                                .from = b_at(w, next, p) + j * x->b_cs * w->plan->size,
                                .rs = x->b_cs };
}

/* Tiles ask for the next panel in as few turns as can be: the others are free to ask for C on their
 * way (ask_for_c). */
static hone__gemm_errand ask_along_n(const walk *w, const step *now, const step *next, int64_t i,
                                     int64_t n)
{
    const int64_t each = ceil_div(next->k, n), most = now->k / 8;
    const int64_t every = each < most ? most / each : 1;
    const int64_t begin = min64(i * each, next->k), end = min64((i + every) * each, next->k);
    return (hone__gemm_errand){ .rows = i % every == 0 ? min64(end - begin, most) : 0,
                                .from = b_at(w, next, begin),
                                .rs = w->plan->x.b_rs };
}

/* Tile i of n packs its share of the next panel of B on its way, as far as there are rows of as many
 * whole vectors as the tile has, of which a narrower panel leaves some unused; or it asks for a part
 * of a panel that is read in place. */
static hone__gemm_errand errand_for(const walk *w, const step *now, const step *next, int64_t i,
                                    int64_t n)
{
    const hone__gemm_args *x = &w->plan->x;
    const int vl = w->plan->kernel->vl;
    if (next->width == 0 || w->plan->b_from || (w->plan->near && !(next->packed && x->b_cs == 1))) {
        return (hone__gemm_errand){ 0 };
    }
    if (x->b_cs != 1) {
        return ask_along_k(w, now, next, i);
    }
    const int64_t columns = ceil_div(now->width, vl) * vl;
    const bool fits =
        next->width == columns || (next->width < columns && next->col + columns <= w->region->n1);
    if (next->packed && !fits) {
        return (hone__gemm_errand){ 0 };
    }
    if (!next->packed) {
        return ask_along_n(w, now, next, i, n);
    }
    int64_t end;
    const int64_t begin = packs(now, next, i, n, &end);
    return (hone__gemm_errand){ .rows = min64(end - begin, now->k / 8),
                                .from = b_at(w, next, begin),
                                .rs = x->b_rs,
                                .to = packed_at(w, next, begin),
                                .to_rs = w->plan->kernel->nr };
}

/* `rows` of C, `bytes` each, for the next tile: on the way, a row every 8 k, if the tile has no
 * other errand. Asked for at once, they would keep A and B waiting behind them. */
static void ask_for_c(hone__gemm_tile *t, const char *c, int64_t rows, int64_t bytes,
                      int64_t row_bytes)
{
    if (t->errand.rows == 0 && rows <= t->k / 8) {
        t->errand = (hone__gemm_errand){ .rows = rows, .from = c, .rs = t->c_rs };
        return;
    }
    for (int64_t i = 0; i < rows; i++, c += row_bytes) {
        for (int64_t j = 0; j < bytes; j += LINE) {
            __builtin_prefetch(c + j, 1, 3);
        }
    }
}

/* Short rows of A that a step's first tiles read in place: prefetchers only get going on long ones.
 */
static void ask_for_a(const walk *w, const step *s, int64_t begin, int64_t end)
{
    const hone__gemm_plan *plan = w->plan;
    const int64_t bytes = s->k * plan->size;
    if (!s->first || plan->near || plan->pack_a || plan->x.a_cs != 1 || bytes > 16 * LINE) {
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        for (int64_t j = 0; j < bytes; j += LINE) {
            __builtin_prefetch(a_at(w, s, row) + j, 0, 2);
        }
    }
    __asm__ volatile(""); /* or gcc takes this for a function without effect and calls it never */
}

/* Nobody waits long: the one before is at work on its tile. But there may be more threads than
 * cores. */
static void wait_for(const atomic_llong *done, int64_t tiles_rows)
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

/* In a relay: waits until the band before has left its sums of the tile. Are those of the one below
 * there too? To ask for them sooner would take them from the thread that writes them. */
static bool take_over(walk *w, int64_t rows, int64_t below)
{
    const atomic_llong *before = w->region->before;
    if (!before) {
        return true;
    }
    wait_for(before, w->done + rows);
    return atomic_load_explicit(before, memory_order_relaxed) >= w->done + rows + below;
}

static void hand_on(walk *w, int64_t rows)
{
    w->done += rows;
    if (w->region->after) {
        atomic_store_explicit(w->region->after, w->done, memory_order_release);
    }
}

static void run_step(walk *w, const step *now, const step *next)
{
    const hone__gemm_plan *plan = w->plan;
    const hone__gemm_region *region = w->region;
    const hone__gemm_args *x = &plan->x;
    const hone__gemm_kernel *kernel = plan->kernel;
    const int most = hone__gemm_tile_rows(kernel, now->width, now->k, x->a_cs);
    const int tallest = plan->pack_a ? kernel->mr
                                     : hone__gemm_rows_apart(most, now->rows, now->k, x->a_cs,
                                                             x->a_rs * plan->size);
    const int64_t panels = ceil_div(now->rows, tallest);
    const int64_t c_bytes = w->sums_rs * plan->size;
    hone__gemm_tile t = {
        .k = now->k,
        .a_rs = plan->pack_a ? 1 : x->a_rs,
        .a_cs = plan->pack_a ? kernel->mr : x->a_cs,
        .b = now->packed ? now->packed : b_at(w, now, 0),
        .b_rs = now->packed ? kernel->nr : x->b_rs,
        .c = c_at(w, now),
        .c_rs = w->sums_rs,
        .nr = now->width,
        .resume = now->k0 > 0 || region->before || plan->begins,
        .finish = now->last ? w->finish : NULL,
    };
    const bool pairs = packs_pairs(w);
    int64_t row = now->m0, asked = now->m0 + w->asked;
    w->asked = 0;
    for (int64_t i = 0; i < panels; i++) {
        const int64_t end = now->m0 + cut(now->rows, panels, i + 1);
        const int64_t below = now->m0 + cut(now->rows, panels, min64(i + 2, panels));
        t.mr = (int)(end - row);
        t.a = plan->pack_a ? w->packed_a + i * kernel->mr * now->k * plan->size : a_at(w, now, row);
        if (region->bias) {
            t.bias = region->bias + (row * x->bias_rs + now->col * x->bias_cs) * plan->size;
        }
        t.errand = errand_for(w, now, next, i, panels);
        const int64_t packed = t.errand.rows; /* if next is */
        if (now->first && pairs && below > end) {
            if (i % 2 == 0) {
                pack_pair(w, now, row, t.mr, (int)(below - end), (char *)t.a);
            }
        } else if (plan->pack_a && now->first && !(pairs && i % 2)) {
            pack_a(w, now, row, t.mr, (char *)t.a);
        }
        char *c_below = (char *)t.c + t.mr * c_bytes;
        const bool below_is_there = take_over(w, t.mr, below - end);
        /* A tile that is free asks for the next two. */
        const bool two = t.errand.rows == 0 && !region->before && 2 * tallest <= now->k / 8;
        const int64_t to = two ? now->m0 + cut(now->rows, panels, min64(i + 3, panels)) : below;
        if (below_is_there && !plan->near && asked < to) {
            const int64_t from = asked > end ? asked : end;
            ask_for_c(&t, c_below + (from - end) * c_bytes, to - from, now->width * plan->size,
                      c_bytes);
            asked = to;
        }
        if (below == end && next->width && !plan->near && !region->before) {
            w->asked = min64((two ? 2 : 1) * tallest, next->rows);
            ask_for_c(&t, c_at(w, next), w->asked, next->width * plan->size, c_bytes);
        }
        ask_for_a(w, now, end, below);
        kernel->tile(&t);
        hand_on(w, t.mr);
        if (now->last && w->activates) {
            hone__gemm_activate(plan, region, t.c, t.mr, now->width);
        }
        if (next->packed && x->b_cs == 1) {
            int64_t last;
            const int64_t first = packs(now, next, i, panels, &last);
            pack_b(w, next, first + packed, last);
        } else if (next->packed) {
            pack_columns(w, next, i, panels);
        }
        row = end;
        t.c = c_below;
    }
}

static void run_steps(walk *w)
{
    const hone__gemm_plan *plan = w->plan;
    const hone__gemm_region *region = w->region;
    w->passes = region->k > plan->kc ? ceil_div(region->k, plan->kc) : 1;
    w->blocks = ceil_div(region->m1 - region->m0, plan->mc);
    const bool in_place = !plan->pack_a && !plan->pack_b;
    const int widest =
        in_place ? hone__gemm_widest(plan->kernel, region->m1 - region->m0) : plan->kernel->nr;
    w->panels = ceil_div(region->n1 - region->n0, widest);
    step now = step_at(w, 0);
    if (now.packed) {
        pack_b(w, &now, 0, now.k);
    }
    for (int64_t i = 1; now.width > 0; i++) {
        const step next = step_at(w, i);
        run_step(w, &now, &next);
        now = next;
    }
}

static bool plain(const hone__gemm_epilogue *e, const char *bias)
{
    return e->alpha == 1.0 && !e->accumulate && !e->relu && !bias;
}

/* The last columns may be better off upright. */
static void run_columns(walk *w)
{
    const hone__gemm_plan *plan = w->plan;
    hone__gemm_region left = *w->region, right = left;
    if (!plan->scratch && !plan->pack_a && !plan->b_from && !plan->relay) { /* bands add to sums */
        left.n1 -= hone__gemm_upright_columns(plan->kernel, &plan->x, left.m1 - left.m0,
                                              left.n1 - left.n0);
    }
    if (left.n0 < left.n1) {
        w->region = &left;
        run_steps(w);
    }
    if (left.n1 < right.n1) {
        right.n0 = left.n1;
        right.epilogue = w->finish;
        hone__gemm_upright(plan->kernel, &plan->x, &right);
        if (w->activates) {
            hone__gemm_activate(plan, &right,
                                right.c + (right.m0 * right.c_rs + right.n0) * plan->size,
                                right.m1 - right.m0, right.n1 - right.n0);
        }
    }
}

/* B along k, turned by the kernel. */
static void run_few(const walk *w)
{
    const hone__gemm_plan *plan = w->plan;
    const hone__gemm_region *region = w->region;
    const hone__gemm_args *x = &plan->x;
    plan->kernel->few(region->k, (int)(region->m1 - region->m0), region->n1 - region->n0,
                      region->a + region->m0 * x->a_rs * plan->size, x->a_rs, x->a_cs,
                      region->b + region->n0 * x->b_cs * plan->size, x->b_cs, w->sums, w->sums_rs,
                      plan->begins,
                      hone__gemm_distance_of(x->k * x->n * plan->size, plan->threads));
}

void hone__gemm_run_region(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace)
{
    char *const c =
        region->c + (region->m0 * region->c_rs + region->n0 * region->c_cs) * plan->size;
    walk w = { .plan = plan, .region = region, .sums = c, .sums_rs = region->c_rs };
    if (plan->scratch) {
        w.sums = workspace;
        w.sums_rs = sums_apart(plan);
        workspace += aligned(plan->region_m, w.sums_rs, plan->size);
        if (plan->begins) {
            hone__gemm_fetch(plan, region, w.sums, w.sums_rs);
        }
    }
    w.packed_a = workspace;
    w.packed_b = workspace + bytes_a(plan);
    const bool simple = plain(region->epilogue, region->bias);
    const bool later = plan->scratch || plan->by_row || plan->by_few; /* the tile can't finish */
    if (plan->by_few) {
        run_few(&w);
    } else if (plan->by_row) {
        hone__gemm_row(plan, region, w.sums);
    } else {
        w.finish = later || simple ? NULL : region->epilogue;
        w.activates = !later && region->activate;
        run_columns(&w);
    }
    if (plan->scratch || (later && (!simple || region->activate))) {
        hone__gemm_finish(plan, region, w.sums, w.sums_rs);
    }
}

/* ---- pieces of K in turn ---- */

void hone__gemm_run_pieces(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace)
{
    static const hone__gemm_epilogue no_epilogue = { .alpha = 1.0 };
    const hone__gemm_args *x = &plan->x;
    const int64_t rows = region->m1 - region->m0, cols = region->n1 - region->n0;
    const size_t bytes = aligned(plan->region_m, plan->region_n, plan->size);
    hone__gemm_region piece = {
        .a = region->a + region->m0 * x->a_rs * plan->size,
        .b = region->b + region->n0 * x->b_cs * plan->size,
        .c = workspace,
        .c_rs = cols,
        .c_cs = 1,
        .m1 = rows,
        .n1 = cols,
        .epilogue = &no_epilogue,
    };
    for (int64_t k0 = 0; k0 < region->k; k0 += piece.k) {
        piece.k = min64(plan->piece_k, region->k - k0);
        hone__gemm_run_region(plan, &piece, workspace + 2 * bytes);
        if (k0 > 0) {
            hone__gemm_add(x->dtype, rows * cols, workspace, piece.c);
        }
        piece.c = workspace + bytes;
        piece.a += piece.k * x->a_cs * plan->size;
        piece.b += piece.k * x->b_rs * plan->size;
    }
    hone__gemm_finish(plan, region, workspace, cols);
}

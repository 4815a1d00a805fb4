/* small.c: products that take less time than the decisions of plan.c, or little more. One thread,
 * one range of k, A read where it lies, B too or packed on the stack. */
#include "gemm/small.h"
#include "gemm/plan.h"
#include "gemm/upright.h"

#include "isa/isa.h"
#include "runtime/parallel.h"

#include <stdalign.h>

enum {
    SMALL_PRODUCTS = 1 << 20,
    NARROW_PRODUCTS = 1 << 24,
    PACKED_BYTES = 32 << 10,
    PACK_SLACK_BYTES = 128
};

static bool plain(const hone__gemm_args *x)
{
    return x->alpha == 1.0 && !x->accumulate && x->act != HONE__GEMM_RELU && !x->bias;
}

typedef struct {
    const char *b; /* its first element */
    int64_t b_rs;
    int64_t col;
    int width;
    int64_t p, k; /* of x->k: from p on */
} panel;

/* A panel's columns and k, all rows. */
static void run_panel(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                      const hone__gemm_epilogue *finish, const panel *part)
{
    const int64_t size = hone__gemm_size(x->dtype);
    const int most = hone__gemm_tile_rows(kernel, part->width, part->k, x->a_cs);
    const hone__gemm_share rows = hone__gemm_share_of(
        x->m, hone__gemm_rows_apart(most, x->m, part->k, x->a_cs, x->a_rs * size));
    hone__gemm_tile t = {
        .k = part->k,
        .a = (const char *)x->a + part->p * x->a_cs * size,
        .a_rs = x->a_rs,
        .a_cs = x->a_cs,
        .b = part->b,
        .b_rs = part->b_rs,
        .c = (char *)x->c + part->col * size,
        .c_rs = x->c_rs,
        .nr = part->width,
        .resume = part->p > 0 || x->accumulate == HONE__GEMM_BEGIN,
        .finish = part->p + part->k == x->k ? finish : NULL,
        .bias = x->bias ? (const char *)x->bias + part->col * x->bias_cs * size : NULL,
    };
    for (int64_t i = 0; i < rows.parts; i++) {
        t.mr = rows.length + (i < rows.longer);
        kernel->tile(&t);
        t.a = (const char *)t.a + t.mr * x->a_rs * size;
        t.c = (char *)t.c + t.mr * x->c_rs * size;
        if (x->bias) {
            t.bias = (const char *)t.bias + t.mr * x->bias_rs * size;
        }
    }
}

static int64_t whole_vectors(const hone__gemm_kernel *kernel, int64_t n)
{
    return (n + kernel->vl - 1) & -kernel->vl;
}

/* A panel of b packed on the stack, as much of k as fits it at a time: C waits for the rest. */
static void run_packed(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_epilogue *finish, const char *b, int64_t col, int width)
{
    const int64_t size = hone__gemm_size(x->dtype), rs = whole_vectors(kernel, width);
    const int64_t most = PACKED_BYTES / (rs * size);
    alignas(64) char packed[PACKED_BYTES + PACK_SLACK_BYTES];
    panel part = { .b = packed, .b_rs = rs, .col = col, .width = width };
    do {
        part.k = min64(most, x->k - part.p);
        const char *from = b + part.p * x->b_rs * size;
        if (x->b_rs == 1 && kernel->direct_tails) {
            kernel->transpose(part.k, width, packed, rs, from, x->b_cs);
        } else {
            kernel->pack(part.k, (int)rs, width, packed, from, x->b_cs, x->b_rs);
        }
        run_panel(kernel, x, finish, &part);
        part.p += part.k;
    } while (part.p < x->k);
}

/* The first n columns. */
static void run_panels(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_epilogue *finish, int n, bool in_place)
{
    const int64_t size = hone__gemm_size(x->dtype);
    const hone__gemm_share widths = hone__gemm_share_of(
        hone__gemm_vectors(kernel, n), (int)hone__gemm_vectors(kernel, kernel->wide));
    int col = 0;
    for (int64_t i = 0; i < widths.parts; i++) {
        int width = (widths.length + (i < widths.longer)) * kernel->vl;
        width = width < n - col ? width : n - col;
        const char *b = (const char *)x->b + col * x->b_cs * size;
        if (in_place) {
            const panel whole = { b, x->b_rs, col, width, 0, x->k };
            run_panel(kernel, x, finish, &whole);
        } else {
            run_packed(kernel, x, finish, b, col, width);
        }
        col += width;
    }
}

/* Any of its columns? */
static bool may_be_upright(const hone__gemm_kernel *kernel, const hone__gemm_args *x)
{
    return (x->n & (kernel->vl - 1)) != 0 && x->m >= kernel->vl;
}

static void run(const hone__gemm_kernel *kernel, const hone__gemm_args *x, bool in_place)
{
    const hone__gemm_epilogue epilogue = { .alpha = x->alpha,
                                           .accumulate = x->accumulate == HONE__GEMM_AFTER,
                                           .relu = x->act == HONE__GEMM_RELU,
                                           .bias_rs = x->bias_rs,
                                           .bias_cs = x->bias_cs };
    const hone__gemm_epilogue *finish = plain(x) ? NULL : &epilogue;
    const int64_t upright =
        may_be_upright(kernel, x) ? hone__gemm_upright_columns(kernel, x, x->m, x->n) : 0;
    if (upright < x->n) {
        run_panels(kernel, x, finish, (int)(x->n - upright), in_place);
    }
    if (upright > 0) {
        const hone__gemm_region last = { .a = x->a,
                                         .b = x->b,
                                         .c = x->c,
                                         .c_rs = x->c_rs,
                                         .k = x->k,
                                         .m1 = x->m,
                                         .n0 = x->n - upright,
                                         .n1 = x->n,
                                         .epilogue = finish,
                                         .bias = x->bias };
        hone__gemm_upright(kernel, x, &last);
    }
}

static void activate(const hone__gemm_args *x)
{
    const hone__unary_fn activation = hone__gemm_activation(x);
    if (!activation) {
        return;
    }
    const int64_t row_bytes = x->c_rs * hone__gemm_size(x->dtype);
    const char *c = x->c;
    char *to = x->activated ? x->activated : x->c;
    const bool rows_meet = x->c_rs == x->n;
    for (int64_t i = 0; i < (rows_meet ? 1 : x->m); i++, c += row_bytes, to += row_bytes) {
        activation(rows_meet ? x->m * x->n : x->n, to, 1, c, 1);
    }
}

/* A tile takes half of what is left where it doesn't take all and two whole ones are too many: a
 * division would take as long as a tiny tile. */
static int next_part(int64_t left, int most)
{
    return left <= most ? (int)left : left < 2 * most ? (int)(left + 1) / 2 : most;
}

/* Sums of a product whose b is contiguous along n and c, too. */
typedef struct {
    int64_t m, n, k;
    const char *a;
    int64_t a_rs, a_cs;
    const char *b;
    int64_t b_rs;
    char *c;
    int64_t c_rs;
} sums;

/* The first n columns. */
static sums sums_of(const hone__gemm_args *x, int64_t n)
{
    return (sums){ x->m, n, x->k, x->a, x->a_rs, x->a_cs, x->b, x->b_rs, x->c, x->c_rs };
}

/* No decision to make but the tiles'. Inlined, so that `s` never exists. */
static HONE__GEMM_INLINE void run_tiles(const hone__gemm_kernel *kernel, const sums *s,
                                        int log_size)
{
    const char *b = s->b;
    char *c = s->c;
    for (int64_t col = 0; col < s->n;) {
        int columns = next_part(s->n - col, kernel->wide);
        if (col + columns < s->n) {
            columns = (int)whole_vectors(kernel, columns);
        }
        const int width = ((columns << log_size) + 31) >> 5;
        const int most = hone__gemm_rows_apart(kernel->small_rows[width], s->m, s->k, s->a_cs,
                                               s->a_rs * (1 << log_size));
        const hone__gemm_small_tile *const tiles = kernel->small[width];
        const char *a = s->a;
        char *row = c;
        for (int64_t left = s->m; left > 0;) {
            const int rows = next_part(left, most);
            tiles[rows](s->k, a, s->a_rs, s->a_cs, b, s->b_rs, row, s->c_rs, columns);
            left -= rows;
            a += (rows * s->a_rs) << log_size;
            row += (rows * s->c_rs) << log_size;
        }
        col += columns;
        b += (int64_t)columns << log_size;
        c += (int64_t)columns << log_size;
    }
}

/* The last n columns by vectors along m, along which A is contiguous: c^T = b^T a^T on the stack,
 * turned on its way to C. */
static __attribute__((noinline)) bool run_upright(const hone__gemm_kernel *kernel,
                                                  const hone__gemm_args *x, int64_t n, int log_size)
{
    alignas(64) char turned[PACKED_BYTES];
    const int64_t rs = whole_vectors(kernel, x->m), col = x->n - n;
    if ((n * rs) << log_size > PACKED_BYTES) {
        return false;
    }
    const sums s = { .m = n,
                     .n = x->m,
                     .k = x->k,
                     .a = (const char *)x->b + ((col * x->b_cs) << log_size),
                     .a_rs = x->b_cs,
                     .a_cs = x->b_rs,
                     .b = x->a,
                     .b_rs = x->a_cs,
                     .c = turned,
                     .c_rs = rs };
    run_tiles(kernel, &s, log_size);
    kernel->transpose(x->m, n, (char *)x->c + (col << log_size), x->c_rs, turned, rs);
    return true;
}

/* The last n columns upright, whichever way A lies. */
static __attribute__((noinline)) void
run_last_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t n, int log_size)
{
    if (x->a_rs == 1 && run_upright(kernel, x, n, log_size)) {
        return;
    }
    const hone__gemm_region last = { .a = x->a,
                                     .b = x->b,
                                     .c = x->c,
                                     .c_rs = x->c_rs,
                                     .k = x->k,
                                     .m1 = x->m,
                                     .n0 = x->n - n,
                                     .n1 = x->n };
    hone__gemm_upright(kernel, x, &last);
}

/* What takes longer than a tiny product isn't worth asking about one. */
static bool one_thread(const hone__gemm_kernel *kernel, const hone__gemm_args *x)
{
    enum { TINY = 4096 };
    const int64_t products = x->m * x->n * x->k;
    const double ns = products <= TINY ? 0 : 2 * (double)products / kernel->flops_per_ns;
    return hone__team_for(ns, x->m * x->n) == 1;
}

/* More than one row and column, in rows; the bounds keep what follows from overflowing. A plan
 * would pack a B that lies across to wide panels: if it is no wider than a tile, it is better turned
 * part by part on the stack, while A passes by once. */
static bool is_small(const hone__gemm_kernel *kernel, const hone__gemm_args *x)
{
    const bool narrow = x->b_rs == 1 && x->n <= kernel->wide;
    const int64_t most = narrow ? NARROW_PRODUCTS : SMALL_PRODUCTS;
    const uint64_t largest = (uint64_t)((x->m - 2) | (x->n - 2) | (x->k - 1));
    return largest < SMALL_PRODUCTS && x->n_batch_dims == 0 && x->c_cs == 1 &&
           x->m * x->n <= SMALL_PRODUCTS && x->m * x->n * x->k <= most &&
           !(x->bias && x->bias_rs != 0 && x->bias_cs != 0);
}

/* Vectors of products, in 20ths, that `rows` of n elements take; a half costs 13. */
enum { WHOLE = 20, HALF = 13 };
static int64_t cost_of(const hone__gemm_kernel *kernel, int64_t rows, int64_t n)
{
    const int64_t tail = n & (kernel->vl - 1);
    const bool half = tail != 0 && kernel->half_tails && 2 * tail <= kernel->vl;
    return rows * (WHOLE * hone__gemm_vectors(kernel, n) - (half ? WHOLE - HALF : 0));
}

/* What the last `tail` columns cost upright where the kernel turns A on the way: as many columns
 * for each vector along m, but four at least, and what is left of m in rows or the same way. */
static int64_t turned_cost(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t tail)
{
    enum { LEAST = 4 };
    const int64_t vector = WHOLE * (tail < LEAST ? LEAST : tail);
    const int64_t rest = cost_of(kernel, x->m & (kernel->vl - 1), tail);
    return (x->m >> __builtin_ctz((unsigned)kernel->vl)) * vector + (rest < vector ? rest : vector);
}

/* How many of the last columns, which fill a part of a vector, are better done upright: where it
 * saves products. What it costs doesn't depend on k: way and back, and a second pass; along m, turning
 * the outputs where they can't wait on the stack. */
static int64_t upright_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x)
{
    enum { WAY = 100 * WHOLE, PASS = 50 * WHOLE, PASS_TURNED = 60 * WHOLE };
    const int64_t tail = x->n & (kernel->vl - 1);
    const bool along_m = x->a_rs == 1;
    const int64_t upright = along_m ? cost_of(kernel, tail, x->m) : turned_cost(kernel, x, tail);
    const int64_t pass = x->n < kernel->vl ? 0 : along_m ? PASS : PASS_TURNED;
    const bool waits =
        tail * whole_vectors(kernel, x->m) * hone__gemm_size(x->dtype) <= PACKED_BYTES;
    const int64_t back = along_m && !waits ? WHOLE / 2 * x->m * tail : 0;
    const bool pays = (cost_of(kernel, x->m, tail) - upright) * x->k > WAY + pass + back;
    return !pays ? 0 : along_m ? tail : hone__gemm_upright_columns(kernel, x, x->m, x->n);
}

/* Several panels over a long k are the plan's; so is C where sums can't wait in it. */
static __attribute__((noinline)) bool run_general(const hone__gemm_kernel *kernel,
                                                  const hone__gemm_args *x, bool packs)
{
    const int64_t size = hone__gemm_size(x->dtype);
    const bool in_place = !packs && (kernel->direct_tails || x->n % kernel->vl == 0);
    const bool parts = x->n <= kernel->wide && x->accumulate != HONE__GEMM_AFTER;
    if (!in_place && !parts && kernel->wide * x->k * size > PACKED_BYTES) {
        return false;
    }
    run(kernel, x, in_place);
    return true;
}

/* `few` rows of a, contiguous in k as b's `many` columns are: c = a b, or its transpose. */
static void run_dot_wide(const hone__gemm_kernel *kernel, int64_t few, int64_t many, int64_t k,
                         const void *a, int64_t a_rs, const void *b, int64_t b_cs, void *c,
                         int64_t c_rs)
{
    alignas(64) char turned[PACKED_BYTES];
    const int64_t rs = whole_vectors(kernel, many);
    kernel->transpose(k, many, turned, rs, b, b_cs);
    kernel->dot_wide(few, many, k, a, a_rs, turned, rs, c, c_rs);
}

/* One block of the reductions' rule, some outputs at a time, whose rows and columns L1 holds. The
 * kernel takes four columns at once: where A's rows fill such groups better, they are the columns,
 * and the outputs are turned on their way; or as well, where k is so short that four columns would be
 * loaded again for each row. */
static void run_dot_tiles(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    enum { SIDE = 8, GROUP = 4, MOST = 64, NEAR_BYTES = 32 << 10, LANES_BYTES = 256, LINE = 64 };
    const int64_t near = NEAR_BYTES / (x->k * size) & -GROUP;
    const int64_t most = near < SIDE ? SIDE : min64(near, MOST);
    const int64_t gain = x->m * (-x->n & (GROUP - 1)) - x->n * (-x->m & (GROUP - 1));
    const bool held = x->k * size > LANES_BYTES || kernel->vl * size == LINE;
    const bool turned = x->m > x->n && gain >= (held ? 1 : 0);
    const int64_t rows = turned ? most : SIDE;
    alignas(64) char c[MOST * SIDE * sizeof(double)];
    for (int64_t i = 0; i < x->m; i += rows) {
        const char *a = (const char *)x->a + i * x->a_rs * size;
        char *to = (char *)x->c + i * x->c_rs * size;
        const int now = (int)min64(rows, x->m - i);
        if (turned) {
            kernel->dot(x->k, (int)x->n, now, x->b, x->b_cs, a, x->a_rs, c, now);
            kernel->transpose(now, x->n, to, x->c_rs, c, now);
            continue;
        }
        kernel->dot(x->k, now, (int)x->n, a, x->a_rs, x->b, x->b_cs, to, x->c_rs);
    }
}

/* Short rows under the reductions' rule: a tree for each output takes longer than its products. One
 * operand is turned, so that vectors run along outputs; along m the result is turned back. */
static bool run_dot_turned(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    enum { LANES_BYTES = 256 /* of the rule's lanes */, FEW = 16 /* fit the registers */ };
    const int64_t m = x->m, n = x->n, k = x->k;
    if (k * size > LANES_BYTES) {
        return false;
    }
    const int64_t along_n = m * hone__gemm_vectors(kernel, n);
    const int64_t along_m = n * hone__gemm_vectors(kernel, m) + m * n / 2;
    const bool upright = along_m < along_n;
    const int64_t vectors = upright ? along_m : along_n, many = upright ? m : n;
    const int64_t turned = vectors * (k + FEW) + k * many / 2;
    const int64_t by_row = m * n * (hone__gemm_vectors(kernel, k) + kernel->dot_tree);
    if (k * whole_vectors(kernel, many) * size > PACKED_BYTES ||
        (k > FEW ? turned + turned / 4 : turned / 3) > by_row) {
        return false;
    }
    if (!upright) {
        run_dot_wide(kernel, m, n, k, x->a, x->a_rs, x->b, x->b_cs, x->c, x->c_rs);
        return true;
    }
    alignas(64) char c[PACKED_BYTES];
    const int64_t c_rs = whole_vectors(kernel, m);
    if (n * c_rs * size > PACKED_BYTES) {
        return false;
    }
    run_dot_wide(kernel, n, m, k, x->b, x->b_cs, x->a, x->a_rs, c, c_rs);
    kernel->transpose(m, n, x->c, x->c_rs, c, c_rs);
    return true;
}

/* A lies along m, as vectors do. The outputs are turned on their way. */
static void run_dot_across(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    enum { SIDE = 8, MOST = 512 };
    alignas(64) char c[MOST * SIDE * sizeof(double)];
    for (int64_t i = 0; i < x->m; i += MOST) {
        const int64_t now = min64(MOST, x->m - i), rs = whole_vectors(kernel, now);
        kernel->dot_wide(x->n, now, x->k, x->b, x->b_cs, (const char *)x->a + i * size, x->a_cs, c,
                         rs);
        kernel->transpose(now, x->n, (char *)x->c + i * x->c_rs * size, x->c_rs, c, rs);
    }
}

static __attribute__((noinline)) bool run_dot(const hone__gemm_kernel *kernel,
                                              const hone__gemm_args *x, int64_t size)
{
    if (!plain(x) || x->k > hone__reduce_block((int)x->dtype) || (x->a_cs != 1 && x->a_rs != 1)) {
        return false;
    }
    if (x->a_cs != 1) {
        run_dot_across(kernel, x, size);
        return true;
    }
    if (!run_dot_turned(kernel, x, size)) {
        run_dot_tiles(kernel, x, size);
    }
    return true;
}

/* B lies along its rows and may have columns that are better upright. */
static __attribute__((noinline)) void run_parted(const hone__gemm_kernel *kernel,
                                                 const hone__gemm_args *x, int log_size)
{
    const int64_t last = upright_columns(kernel, x);
    if (last < x->n) {
        const sums s = sums_of(x, x->n - last);
        run_tiles(kernel, &s, log_size);
    }
    if (last > 0) {
        run_last_columns(kernel, x, last, log_size);
    }
}

/* B's columns are contiguous: turned on the stack, and then as where it lies. */
static __attribute__((noinline)) bool run_turned_b(const hone__gemm_kernel *kernel,
                                                   const hone__gemm_args *x, int log_size)
{
    alignas(64) char turned[PACKED_BYTES];
    const int64_t rs = whole_vectors(kernel, x->n);
    if ((x->k * rs) << log_size > PACKED_BYTES) {
        return false;
    }
    kernel->transpose(x->k, x->n, turned, rs, x->b, x->b_cs);
    if (!may_be_upright(kernel, x)) {
        sums s = sums_of(x, x->n);
        s.b = turned;
        s.b_rs = rs;
        run_tiles(kernel, &s, log_size);
        return true;
    }
    hone__gemm_args y = hone__gemm_contiguous(x->dtype, x->m, x->n, x->k);
    y.a = x->a;
    y.a_rs = x->a_rs;
    y.a_cs = x->a_cs;
    y.b = turned;
    y.b_rs = rs;
    y.c = x->c;
    y.c_rs = x->c_rs;
    run_parted(kernel, &y, log_size);
    return true;
}

/* B lies across what vectors along n would run along: B is turned first, or C last where A is
 * contiguous along m. An element turned takes about a third of a vector of products, but more than
 * twice that if it is done by panels. */
static bool run_across(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int log_size)
{
    const int64_t along_n = (cost_of(kernel, x->m, x->n) + WHOLE / 3 * x->n) * x->k;
    const int64_t along_m = cost_of(kernel, x->n, x->m) * x->k + WHOLE / 3 * x->n * x->m;
    const bool can = x->a_rs == 1;
    return (can && along_m < along_n && run_upright(kernel, x, x->n, log_size)) ||
           run_turned_b(kernel, x, log_size) || (can && run_upright(kernel, x, x->n, log_size));
}

/* B's columns are the few rows, and A's rows the columns that the kernel turns; the outputs are turned on
 * their way. As many rows of A as stay in L2 while they are turned for each part of the columns. */
static __attribute__((noinline)) void run_exchanged(const hone__gemm_kernel *kernel,
                                                    const hone__gemm_args *x, int64_t size)
{
    enum { NEAR_BYTES = 256 << 10 };
    alignas(64) char turned[PACKED_BYTES];
    const int64_t n = x->n;
    const int64_t fits = PACKED_BYTES / (n * size), near = NEAR_BYTES / (x->k * size);
    const int64_t most = min64(fits, near < kernel->vl ? kernel->vl : near) & -kernel->vl;
    for (int64_t i = 0; i < x->m; i += most) {
        const int64_t now = min64(most, x->m - i);
        kernel->few(x->k, (int)n, now, x->b, x->b_cs, x->b_rs,
                    (const char *)x->a + i * x->a_rs * size, x->a_rs, turned, now, 0,
                    HONE__GEMM_L2);
        kernel->transpose(now, n, (char *)x->c + i * x->c_rs * size, x->c_rs, turned, now);
    }
}

/* Whether that is faster: columns that fill a part of a vector or of a second one; or where they lie
 * across, two, and rows of A that share lines. */
static bool may_be_exchanged(const hone__gemm_kernel *kernel, const hone__gemm_args *x, bool packs,
                             int64_t size)
{
    enum { SHORTEST_K = 128, MANY = 64, MOST = 12, SIDE_BY_SIDE = 64 };
    const int64_t n = x->n, widest = kernel->vl + kernel->vl / 4;
    if (kernel->few_rows <= HONE__GEMM_FEW_ROWS || x->a_cs != 1 || x->k < SHORTEST_K) {
        return false;
    }
    const bool share = hone__gemm_share_lines(x->a_rs * size);
    if (!packs) {
        return n == 2 && x->m >= SIDE_BY_SIDE && share;
    }
    return x->b_rs == 1 && n != kernel->vl && n <= widest && x->m >= kernel->vl &&
           (n > kernel->vl || x->m < MANY || (n <= MOST && share));
}

static bool run_chain(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    const int log_size = __builtin_ctzll((unsigned long long)size);
    const bool tiny = x->b_cs == 1 && x->k * x->n * size <= PACKED_BYTES;
    const bool packs = !tiny && hone__gemm_packs_b(kernel, x, size);
    if (!kernel->small || !plain(x)) {
        return run_general(kernel, x, packs);
    }
    if (may_be_exchanged(kernel, x, packs, size)) {
        run_exchanged(kernel, x, size);
        return true;
    }
    if (packs && hone__gemm_suits_few(kernel, x, size)) {
        kernel->few(x->k, (int)x->m, x->n, x->a, x->a_rs, x->a_cs, x->b, x->b_cs, x->c, x->c_rs, 0,
                    HONE__GEMM_L2);
        return true;
    }
    if (packs) {
        return (x->b_rs == 1 && run_across(kernel, x, log_size)) || run_general(kernel, x, true);
    }
    if (may_be_upright(kernel, x)) {
        run_parted(kernel, x, log_size);
        return true;
    }
    const sums s = sums_of(x, x->n);
    run_tiles(kernel, &s, log_size);
    return true;
}

bool hone__gemm_small(const hone__gemm_args *x)
{
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[x->dtype];
    if (!is_small(kernel, x)) {
        return false;
    }
    const hone__gemm_order order = hone__gemm_order_of(x);
    if (order == HONE__GEMM_SPLIT || !one_thread(kernel, x)) {
        return false;
    }
    const int64_t size = hone__gemm_size(x->dtype);
    if (!(order == HONE__GEMM_DOT ? run_dot(kernel, x, size) : run_chain(kernel, x, size))) {
        return false;
    }
    if (x->act > HONE__GEMM_RELU) {
        activate(x);
    }
    return true;
}

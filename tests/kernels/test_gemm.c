/* The matrix product on every ISA of this machine, bit by bit against the contract written down
 * naively. */
#include "core/core.h"
#include "gemm/gemm.h"
#include "isa/isa.h"
#include "runtime/memory.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Chooses the team; the first call in a process counts, and each test is a process. */
static void start(int threads)
{
    char text[16];
    snprintf(text, sizeof text, "%d", threads);
    setenv("HONE_FORCE_THREADS", text, 1);
    cr_assert(hone__ready());
}

/* ---- memory whose end is the end of the world ---- */

typedef struct {
    char *map;
    size_t map_bytes;
    char *data; /* [bytes], followed by a page that can't be touched; 64 guard bytes before */
    size_t bytes;
} block;

enum { GUARD = 64, GUARD_BYTE = 0x5a };

static block block_new(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (bytes + GUARD + page - 1) / page * page;
    block b = { .map_bytes = room + page, .bytes = bytes };
    b.map = mmap(NULL, b.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(b.map != MAP_FAILED);
    mprotect(b.map + room, page, PROT_NONE);
    b.data = b.map + room - bytes;
    memset(b.data - GUARD, GUARD_BYTE, GUARD);
    return b;
}

static void block_free(block *b)
{
    for (int i = 1; i <= GUARD; i++) {
        cr_assert_eq(b->data[-i], GUARD_BYTE, "wrote before an operand");
    }
    munmap(b->map, b->map_bytes);
}

/* ---- random numbers of mixed size, some of them zero ---- */

static uint64_t state = 88172645463325252u;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static int64_t below(int64_t n)
{
    return (int64_t)(next() % (uint32_t)n);
}

static double number(void)
{
    const uint32_t kind = next() % 16;
    const double x = (double)next() / 4294967296.0 - 0.5;
    return kind == 0 ? 0.0 : kind == 1 ? -0.0 : kind == 2 ? x * 1024 : x;
}

/* ---- a case ---- */

typedef struct {
    hone__gemm_args args; /* pointers filled in by run() */
    int64_t a_low, a_high, b_low, b_high, c_high, bias_low,
        bias_high; /* element offsets that are used */
} operands;

static size_t size_of(const hone__gemm_args *x)
{
    return x->dtype == HONE__GEMM_F32 ? sizeof(float) : sizeof(double);
}

static void reach(int64_t extent, int64_t stride, int64_t *low, int64_t *high)
{
    if (extent > 0) {
        *(stride < 0 ? low : high) += (extent - 1) * stride;
    }
}

static operands measure(const hone__gemm_args *x)
{
    operands o = { .args = *x };
    reach(x->m, x->a_rs, &o.a_low, &o.a_high);
    reach(x->k, x->a_cs, &o.a_low, &o.a_high);
    reach(x->k, x->b_rs, &o.b_low, &o.b_high);
    reach(x->n, x->b_cs, &o.b_low, &o.b_high);
    reach(x->m, x->c_rs, &o.c_high, &o.c_high);
    reach(x->n, x->c_cs, &o.c_high, &o.c_high);
    reach(x->m, x->bias_rs, &o.bias_low, &o.bias_high);
    reach(x->n, x->bias_cs, &o.bias_low, &o.bias_high);
    for (int d = 0; d < x->n_batch_dims; d++) {
        reach(x->batch[d], x->a_batch[d], &o.a_low, &o.a_high);
        reach(x->batch[d], x->b_batch[d], &o.b_low, &o.b_high);
        reach(x->batch[d], x->c_batch[d], &o.c_high, &o.c_high);
    }
    return o;
}

static block random_block(const hone__gemm_args *x, int64_t low, int64_t high)
{
    const int64_t n = high - low + 1;
    block b = block_new((size_t)n * size_of(x));
    for (int64_t i = 0; i < n; i++) {
        if (x->dtype == HONE__GEMM_F32) {
            ((float *)(void *)b.data)[i] = (float)number();
        } else {
            ((double *)(void *)b.data)[i] = number();
        }
    }
    return b;
}

/* ---- the contract, naively; once for each type ---- */

typedef enum { CHAIN, SPLIT, DOT } order;

static order order_of(const hone__gemm_args *x)
{
    int64_t m = x->m, a_rs = x->a_rs, c_rs = x->c_rs;
    for (int d = x->n_batch_dims - 1; d >= 0; d--) { /* a batch that shares B is more rows */
        if (x->batch[d] == 1) {
            continue;
        }
        const bool rows = m == 1 || (x->a_batch[d] == m * a_rs && x->c_batch[d] == m * c_rs);
        if (x->b_batch[d] != 0 || !rows || (x->bias && x->bias_rs != 0)) {
            break;
        }
        a_rs = m == 1 ? x->a_batch[d] : a_rs;
        c_rs = m == 1 ? x->c_batch[d] : c_rs;
        m *= x->batch[d];
    }
    const bool a_along = x->a_cs == 1 || m == 1, b_along = x->b_rs == 1 || x->n == 1;
    if (x->k > 1 && a_along && b_along && (m <= 8 || x->n <= 8)) {
        return DOT;
    }
    return m * x->n <= 16384 && x->k >= 4096 ? SPLIT : CHAIN;
}

#define T       float
#define FMA     fmaf
#define NAME(x) x##_f32
#define LANES   64
#define BLOCK   4096
#define DTYPE   HONE__F32
#include "gemm_reference.h"
#undef T
#undef FMA
#undef NAME
#undef LANES
#undef BLOCK
#undef DTYPE

#define T       double
#define FMA     fma
#define NAME(x) x##_f64
#define LANES   32
#define BLOCK   2048
#define DTYPE   HONE__F64
#include "gemm_reference.h"

static void reference(const hone__gemm_args *x)
{
    if (x->dtype == HONE__GEMM_F32) {
        product_f32(x);
    } else {
        product_f64(x);
    }
}

static void explain(const hone__gemm_args *x, const char *isa)
{
    fprintf(stderr,
            "%s: %s m %ld n %ld k %ld, A (%ld, %ld), B (%ld, %ld), C (%ld, %ld), accumulate %d, "
            "activation %d%s, alpha %g, "
            "bias %s (%ld, %ld), batch dims %d\n",
            isa, x->dtype == HONE__GEMM_F32 ? "f32" : "f64", (long)x->m, (long)x->n, (long)x->k,
            (long)x->a_rs, (long)x->a_cs, (long)x->b_rs, (long)x->b_cs, (long)x->c_rs,
            (long)x->c_cs, x->accumulate, (int)x->act, x->activated ? " elsewhere" : "", x->alpha,
            x->bias ? "yes" : "no", (long)x->bias_rs, (long)x->bias_cs, x->n_batch_dims);
}

/* Every ISA on these arguments; bias != NULL asks for a bias, activated != NULL for the activation's
 * values in a place of their own. */
static void run(const hone__gemm_args *args)
{
    operands o = measure(args);
    hone__gemm_args *x = &o.args;
    block a = random_block(x, o.a_low, o.a_high), b = random_block(x, o.b_low, o.b_high);
    block old = random_block(x, 0, o.c_high), want = block_new(old.bytes),
          got = block_new(old.bytes);
    block want_activated = block_new(old.bytes), got_activated = block_new(old.bytes);
    block bias = random_block(x, o.bias_low, o.bias_high);
    const int64_t size = (int64_t)size_of(x);
    x->a = a.data - o.a_low * size;
    x->b = b.data - o.b_low * size;
    x->bias = args->bias ? bias.data - o.bias_low * size : NULL;
    memcpy(want.data, old.data, old.bytes);
    memcpy(want_activated.data, old.data, old.bytes);
    x->c = want.data;
    x->activated = args->activated ? want_activated.data : NULL;
    reference(x);
    for (int i = 0; hone__isa_available(i); i++) {
        const hone__isa *isa = hone__isa_available(i);
        hone__isa_use(isa);
        memcpy(got.data, old.data, old.bytes);
        memcpy(got_activated.data, old.data, old.bytes);
        x->c = got.data;
        x->activated = args->activated ? got_activated.data : NULL;
        cr_assert_eq(hone__gemm(x), 0);
        if (memcmp(got.data, want.data, want.bytes) != 0 ||
            memcmp(got_activated.data, want_activated.data, want.bytes) != 0) {
            explain(x, isa->name);
            cr_assert_fail("bits differ");
        }
    }
    block_free(&a);
    block_free(&b);
    block_free(&old);
    block_free(&want);
    block_free(&got);
    block_free(&want_activated);
    block_free(&got_activated);
    block_free(&bias);
}

/* ---- what is run ---- */

static hone__gemm_args shaped(hone__gemm_dtype dtype, int64_t m, int64_t n, int64_t k, bool ta,
                              bool tb)
{
    hone__gemm_args x = hone__gemm_contiguous(dtype, m, n, k);
    if (ta) {
        x.a_rs = 1;
        x.a_cs = m;
    }
    if (tb) {
        x.b_rs = 1;
        x.b_cs = k;
    }
    return x;
}

static const char some_bias; /* any address: asks run() for one */
static char elsewhere;       /* the same for `activated` */

static void with_gelu(hone__gemm_args *x)
{
    x->act = next() & 1 ? HONE__GEMM_GELU : HONE__GEMM_GELU_TANH;
    x->activated = next() & 1 ? &elsewhere : NULL;
}

Test(gemm, small_sizes)
{
    start(1);
    static const int64_t depths[] = { 0, 1, 2, 5, 16, 33, 40 };
    for (int64_t m = 0; m <= 40; m++) {
        for (int64_t n = 0; n <= 40; n++) {
            const int64_t k = depths[below(7)];
            const hone__gemm_args x = shaped(below(4) == 0, m, n, k, next() & 1, next() & 1);
            run(&x);
        }
    }
}

Test(gemm, tile_edges)
{
    start(1);
    static const int64_t rows[] = { 1, 2, 3, 7, 8, 9, 13, 17, 25 };
    static const int64_t cols[] = { 1, 4, 15, 16, 17, 31, 47, 48, 49, 63, 65, 97, 130 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof *cols; j++) {
            for (int type = 0; type < 2; type++) {
                hone__gemm_args x =
                    shaped(type, rows[i], cols[j], 1 + below(30), next() & 1, next() & 1);
                x.accumulate = (int)below(2);
                x.act = next() & 1 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
                run(&x);
            }
        }
    }
}

Test(gemm, larger)
{
    start(1);
    static const int64_t sizes[][3] = {
        { 100, 10, 100 }, { 100, 100, 784 }, { 97, 51, 515 }, { 120, 110, 60 }, { 30, 300, 390 },
        { 150, 50, 800 }, { 33, 200, 770 },  { 1, 3000, 20 }, { 600, 9, 9 },    { 12, 12, 5000 },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x =
                shaped(kind == 2, sizes[i][0], sizes[i][1], sizes[i][2], kind & 1, kind & 2);
            x.accumulate = kind == 1;
            x.bias = kind == 3 ? &some_bias : NULL;
            x.bias_cs = 1;
            run(&x);
        }
    }
}

/* One of eight ways to finish a product. */
static void finish_in_way(hone__gemm_args *x, int way)
{
    x->accumulate = way == 2 || way == 7;
    x->act = way == 4 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
    x->alpha = way == 5 ? 0.3 : 1;
    x->bias = way >= 4 ? &some_bias : NULL;
    x->bias_rs = way == 6 ? 1 + below(2) : 0;
    x->bias_cs = way == 6 ? 0 : below(3);
    if (way == 3 || way == 7) {
        with_gelu(x);
    }
}

/* Too large for the path of small products. */
static void large_with_bias(int64_t m, int64_t n, int64_t k, bool ta)
{
    for (int kind = 0; kind < 3; kind++) {
        hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, kind == 2 ? 1100 : k, ta, false);
        x.accumulate = kind == 1;
        x.bias = &some_bias;
        x.bias_cs = 1;
        if (kind > 0) {
            with_gelu(&x);
        }
        run(&x);
    }
}

/* A contiguous along m: the last columns may be computed by vectors that run along m. */
Test(gemm, tails_of_a_transposed_a)
{
    start(1);
    static const int64_t rows[] = { 31, 32, 40, 64, 65, 100, 133 };
    static const int64_t cols[] = { 2, 3, 4, 5, 9, 10, 12, 15, 17, 20, 36, 68, 100 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof *cols; j++) {
            for (int kind = 0; kind < 8; kind++) {
                hone__gemm_args x =
                    shaped(kind & 1, rows[i], cols[j], 1 + below(20), true, next() & 1);
                x.a_cs += below(2);
                x.c_rs += below(4);
                finish_in_way(&x, kind);
                run(&x);
            }
        }
    }
    large_with_bias(784, 100, 30, true);
}

/* Few columns and an A along k, which the kernel may turn on the way. */
Test(gemm, few_columns)
{
    start(1);
    static const int64_t rows[] = { 8, 15, 16, 17, 24, 31, 36, 100 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int n = 1; n <= 18; n++) {
            for (int kind = 0; kind < 8; kind++) {
                hone__gemm_args x = shaped(kind & 1, rows[i], n, 14 + below(9), false, false);
                x.a_rs += below(3);
                x.b_rs += below(2);
                x.c_rs += below(4);
                finish_in_way(&x, kind);
                run(&x);
            }
        }
    }
    large_with_bias(3000, 10, 99, false);
}

/* Large enough to be packed, against the same product by few columns, which is not. */
static void run_by_columns(int64_t m, int64_t n, int64_t k, bool ta, bool tb)
{
    hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, k, ta, tb);
    block a = random_block(&x, 0, m * k - 1), b = random_block(&x, 0, k * n - 1);
    block whole = random_block(&x, 0, m * n - 1), slices = block_new(whole.bytes);
    x.a = a.data;
    x.b = b.data;
    x.c = whole.data;
    cr_assert_eq(hone__gemm(&x), 0);
    for (int64_t j = 0; j < n; j += 60) {
        x.n = n - j < 60 ? n - j : 60;
        x.b = b.data + j * x.b_cs * (int64_t)sizeof(float);
        x.c = slices.data + j * (int64_t)sizeof(float);
        cr_assert_eq(hone__gemm(&x), 0);
    }
    cr_assert(memcmp(whole.data, slices.data, whole.bytes) == 0, "%d x %d x %d", (int)m, (int)n,
              (int)k);
    block_free(&a);
    block_free(&b);
    block_free(&whole);
    block_free(&slices);
}

Test(gemm, packed_as_in_place)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        if (hone__isa_available(i)->gemm.of[HONE__GEMM_F32].vl == 1) {
            run_by_columns(40, 517, 3000, false, false);
            continue;
        }
        run_by_columns(100, 517, 4000, false, false);
        run_by_columns(100, 517, 4000, true, true);
        run_by_columns(1030, 530, 3100, false, false);
        hone__gemm_set_caches(32768, 131072, 0); /* several ranges of k, several blocks of rows */
        run_by_columns(130, 1009, 790, false, false);
        hone__gemm_set_caches(0, 0, 0);
    }
}

Test(gemm, vectors_and_few_rows)
{
    start(1);
    static const int64_t depths[] = { 1, 2, 31, 64, 100, 1000, 2048, 4097, 9000, 30000, 70001 };
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (int kind = 0; kind < 8; kind++) {
            const int64_t k = depths[i], wide = k > 5000 ? 3 : 1 + below(20);
            const int64_t m = kind & 1 ? 1 + below(8) : 1, n = kind & 2 ? wide : 1;
            hone__gemm_args x = shaped(kind & 1, m, n, k, false, kind & 4);
            if (kind == 3 && m == 1) {
                x.a_cs = 3;
            }
            run(&x);
        }
    }
    hone__gemm_set_caches(32768, 131072, 0); /* several ranges of k, several blocks of rows */
    run_by_columns(130, 1009, 790, false, false);
    hone__gemm_set_caches(0, 0, 0);
}

static int64_t some_extent(void)
{
    switch (below(6)) {
    case 0:
        return 1 + below(3);
    case 1:
        return 1 + below(100);
    default:
        return 1 + below(40);
    }
}

static void random_strides(int64_t rows, int64_t cols, int64_t *rs, int64_t *cs)
{
    const int64_t gap = below(4);
    switch (below(8)) {
    case 0: /* transposed */
        *rs = 1;
        *cs = rows + gap;
        break;
    case 1:
        *cs = 2 + below(3);
        *rs = *cs * cols + gap;
        break;
    case 2:
        *rs = 2 + below(3);
        *cs = *rs * rows + gap;
        break;
    case 3: /* backwards */
        *rs = -(cols + gap);
        *cs = below(2) ? 1 : -1;
        break;
    case 4: /* broadcast */
        *rs = below(2) ? 0 : cols;
        *cs = *rs == 0 ? below(2) : 0;
        break;
    default:
        *rs = cols + gap;
        *cs = 1;
    }
}

static hone__gemm_args random_case(void)
{
    hone__gemm_args x = hone__gemm_contiguous(below(2) ? HONE__GEMM_F32 : HONE__GEMM_F64,
                                              some_extent(), some_extent(), some_extent());
    random_strides(x.m, x.k, &x.a_rs, &x.a_cs);
    random_strides(x.k, x.n, &x.b_rs, &x.b_cs);
    switch (below(6)) {
    case 0:
        x.c_rs = 1;
        x.c_cs = x.m + below(3);
        break;
    case 1:
        x.c_cs = 2;
        x.c_rs = 2 * x.n + 1;
        break;
    default:
        x.c_rs = x.n + below(3);
    }
    x.accumulate = below(3) == 0;
    x.b_trained = below(2) == 0;
    x.act = below(3) == 0 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
    if (below(4) == 0) {
        with_gelu(&x);
    }
    x.alpha = below(3) == 0 ? -0.7 : 1.0;
    x.bias = below(2) ? &some_bias : NULL;
    x.bias_rs = below(3) == 0 ? 1 + below(2) : 0;
    x.bias_cs = below(3) == 0 ? below(3) : x.bias_rs == 0;
    x.n_batch_dims = below(3) == 0 ? (int)below(3) : 0;
    int64_t span = x.m * x.c_rs + x.n * x.c_cs;
    const bool more_rows = below(2);
    for (int d = x.n_batch_dims - 1; d >= 0; d--) {
        x.batch[d] = 1 + below(3);
        x.a_batch[d] = below(3) == 0 ? 0 : x.m * x.a_rs + below(2);
        x.b_batch[d] = below(2) ? 0 : x.k * x.n + below(2);
        x.c_batch[d] = span;
        if (more_rows && d == x.n_batch_dims - 1) {
            x.a_batch[d] = x.m * x.a_rs;
            x.b_batch[d] = 0;
            x.c_batch[d] = x.c_rs > x.c_cs ? x.m * x.c_rs : span;
        }
        span *= x.batch[d];
    }
    return x;
}

Test(gemm, random_cases)
{
    start(1);
    for (int i = 0; i < 1000; i++) {
        const hone__gemm_args x = random_case();
        run(&x);
    }
}

static void on_threads(int count)
{
    start(count);
    for (int i = 0; i < 100; i++) {
        const hone__gemm_args x = random_case();
        run(&x);
    }
    static const int64_t sizes[][3] = { { 60, 100, 500 }, { 130, 100, 100 }, { 10, 12, 9000 },
                                        { 1, 2, 50000 },  { 1, 900, 300 },   { 3, 200, 300 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x =
                shaped(HONE__GEMM_F32, sizes[i][0], sizes[i][1], sizes[i][2], kind & 1, kind & 2);
            x.accumulate = kind == 0;
            run(&x);
        }
    }
    for (int i = 0; i < 10; i++) { /* the threads have bands of k */
        hone__gemm_args x = shaped(below(4) == 0, 20 + below(100), 10 + below(150),
                                   200 + below(300), false, below(4) == 0);
        x.b_trained = true;
        x.act = next() & 1 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        if (below(4) == 0) {
            with_gelu(&x);
        }
        x.bias = &some_bias;
        x.bias_cs = 1;
        run(&x);
    }
}

Test(gemm, threads_2)
{
    on_threads(2);
}

Test(gemm, threads_3)
{
    on_threads(3);
}

Test(gemm, threads_7)
{
    on_threads(7);
}

Test(gemm, cache_sizes_change_no_bit)
{
    start(1);
    static const size_t caches[][3] = { { 8192, 65536, 0 },
                                        { 65536, 4194304, 8388608 },
                                        { 1, 1, 1 } };
    for (int i = 0; i < 3; i++) {
        hone__gemm_set_caches(caches[i][0], caches[i][1], caches[i][2]);
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x = shaped(kind == 3, 40, 120, 900, kind & 1, kind & 2);
            x.accumulate = kind == 2;
            run(&x);
        }
    }
    hone__gemm_set_caches(0, 0, 0);
}

Test(gemm, special_values)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        const float inf = INFINITY;
        float a[2] = { inf, 1 }, b[2 * 3] = { 0, 1, -1, 1, 1, 1 }, c[3] = { 0 };
        hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, 1, 3, 2);
        x.a = a;
        x.b = b;
        x.c = c;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(isnan(c[0]) && c[1] == inf && c[2] == -inf);
        x.act = HONE__GEMM_RELU;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(isnan(c[0]) && c[1] == inf && c[2] == 0 && !signbit(c[2]));
        x.k = 0;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(c[0] == 0 && c[1] == 0 && c[2] == 0);
    }
}

Test(gemm, out_of_memory_leaves_c_alone)
{
    start(1);
    /* Packed B; pieces of K. */
    static const int64_t sizes[][3] = { { 100, 100, 500 }, { 12, 12, 5000 } };
    for (int i = 0; i < 2; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, k, false, true);
        float *a = calloc((size_t)(m * k), sizeof *a), *b = calloc((size_t)(k * n), sizeof *b);
        float *c = calloc((size_t)(m * n), sizeof *c);
        cr_assert(a && b && c);
        c[0] = 7;
        x.a = a;
        x.b = b;
        x.c = c;
        hone__fail_allocation(0);
        cr_assert_eq(hone__gemm(&x), -1);
        cr_assert_eq(c[0], 7);
        hone__fail_allocation(-1);
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert_eq(c[0], 0);
        free(a);
        free(b);
        free(c);
    }
}

Test(gemm, block_sizes_fit_the_tiles)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        for (int dtype = 0; dtype < 2; dtype++) {
            const hone__gemm_kernel *kernel = &hone__isa_available(i)->gemm.of[dtype];
            cr_expect(kernel->blocks.mc % kernel->mr == 0, "%s", kernel->name);
            cr_expect(kernel->nr % kernel->vl == 0, "%s", kernel->name);
            cr_expect(kernel->rows[kernel->nr / kernel->vl] == kernel->mr, "%s", kernel->name);
            cr_expect(kernel->wide % kernel->vl == 0 && kernel->rows[kernel->wide / kernel->vl] > 0,
                      "%s", kernel->name);
            cr_expect(kernel->wide == kernel->nr || kernel->direct_tails, "%s", kernel->name);
        }
    }
}

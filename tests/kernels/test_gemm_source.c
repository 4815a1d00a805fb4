/* The matrix product: an A that comes from a source gives the bits of one that lies in memory. */
#include "gemm_cases.h"

typedef struct {
    hone__gemm_source source;
    int64_t size, rs, cs; /* of the matrix it reads */
} reader;

enum { APART = 3 };

static void read_panel(const hone__gemm_source *source, const void *base, int64_t i, int valid,
                       int64_t p, int64_t k, int width, void *panel)
{
    const reader *r = (const reader *)source;
    for (int64_t q = 0; q < k; q++)
        for (int j = 0; j < width; j++) {
            char *to = (char *)panel + (q * width + j) * r->size;
            memset(to, 0, (size_t)r->size);
            if (j < valid)
                memcpy(to, (const char *)base + ((i + j) * r->rs + (p + q) * r->cs) * r->size,
                       (size_t)r->size);
        }
}

/* A's elements, apart from each other: what reads them as the arguments say gets others. */
static guard spread(const guard *a, int64_t n, int64_t size)
{
    guard apart = guard_new((size_t)(APART * n * size));
    memset(apart.data, 0xee, apart.bytes);
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)apart.data + APART * i * size, (const char *)a->data + i * size,
               (size_t)size);
    return apart;
}

/* C by rows and by columns, so that the source is A and B; two products of a batch. */
static void compare(hone__gemm_dtype dtype, int64_t m, int64_t n, int64_t k, bool columns,
                    bool accumulate)
{
    hone__gemm_args x = shaped(dtype, m, n, k, true, false);
    const int64_t size = (int64_t)size_of(&x);
    guard a = random_guard(&x, 0, 2 * m * k), b = random_guard(&x, 0, k * n);
    guard apart = spread(&a, 2 * m * k, size);
    guard want = random_guard(&x, 0, 2 * m * n - 1), got = guard_new(want.bytes);
    memcpy(got.data, want.data, want.bytes);
    x.accumulate = !accumulate ? HONE__GEMM_OVERWRITE
                   : below(2)  ? HONE__GEMM_AFTER
                               : HONE__GEMM_BEGIN;
    x.chain = 1; /* as a source's product is */
    x.a = a.data;
    x.b = b.data;
    x.n_batch_dims = 1;
    x.batch[0] = 2;
    x.a_batch[0] = m * k;
    x.b_batch[0] = 0;
    x.c_batch[0] = m * n;
    x.c_rs = columns ? 1 : n;
    x.c_cs = columns ? m : 1;
    x.c = want.data;
    cr_assert_eq(hone__gemm(&x), 0);
    const reader r = { { read_panel }, size, APART * x.a_rs, APART * x.a_cs };
    x.a = apart.data;
    x.a_batch[0] *= APART;
    x.c = got.data;
    cr_assert_eq(hone__gemm_from(&x, &r.source), 0);
    cr_assert(memcmp(want.data, got.data, want.bytes) == 0, "%d x %d x %d", (int)m, (int)n, (int)k);
    check_free(&a);
    check_free(&apart);
    check_free(&b);
    check_free(&want);
    check_free(&got);
}

static void compare_all(int threads)
{
    static const int64_t shapes[][3] = { { 9, 11, 13 },   { 64, 40, 576 }, { 130, 17, 300 },
                                         { 50, 33, 1 },   { 33, 100, 0 },  { 150, 130, 700 },
                                         { 12, 9, 3000 }, { 1, 40, 200 } };
    start(threads);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        for (int s = 0; s < (int)(sizeof shapes / sizeof *shapes); s++)
            for (int kind = 0; kind < 8; kind++)
                compare(kind & 1 ? HONE__GEMM_F64 : HONE__GEMM_F32, shapes[s][0], shapes[s][1],
                        shapes[s][2], kind & 2, kind & 4);
    }
}

Test(gemm_source, on_1_thread)
{
    compare_all(1);
}
Test(gemm_source, on_2_threads)
{
    compare_all(2);
}
Test(gemm_source, on_3_threads)
{
    compare_all(3);
}
Test(gemm_source, on_5_threads)
{
    compare_all(5);
}

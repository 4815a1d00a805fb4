/* Softmax and its relatives along the rows: every ISA, and results written past the caches, against
 * the first ISA's ordinary ones, bit by bit; nothing between the rows is touched. */
#include "guard.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROWS = 150, BLOCKS = 2, MAX_COLS = 1100 };

/* Rows of whole cache lines and others; a few columns, groups of vectors, and rests of them. */
static const struct {
    int64_t cols, stride;
} shapes[] = {
    { 1, 1 },     { 5, 16 },    { 16, 16 },   { 37, 48 },   { 64, 64 },   { 64, 67 },
    { 100, 112 }, { 129, 131 }, { 200, 208 }, { 256, 256 }, { 272, 272 }, { 1050, 1056 }
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static guard filled(int dtype, int64_t elements, uint64_t seed)
{
    const size_t size = test_size(dtype);
    guard g = guard_new((size_t)elements * size);
    for (int64_t i = 0; i < elements; i++) {
        const double x = 8 * (test_uniform(seed + (uint64_t)i) - 0.5);
        const float single = (float)x;
        memcpy(g.data + (size_t)i * size, dtype == HONE__F32 ? (const void *)&single : &x, size);
    }
    return g;
}

static void at_block(hone__softmax_cols *m, int64_t block, unsigned char *a, unsigned char *b,
                     unsigned char *out, int64_t row_bytes)
{
    const int64_t at = block * HONE__COLS_BLOCK * row_bytes;
    m->a = a + at;
    m->b = b + at;
    m->out = m->kind == HONE__LOGSUMEXP ? out : out + at;
}

static guard run(const hone__isa *isa, int dtype, hone__softmax_kind kind, int shape, bool past)
{
    static _Alignas(64) double stats[2 * BLOCKS * MAX_COLS];
    const int64_t stride = shapes[shape].stride;
    const bool one_row = kind == HONE__LOGSUMEXP;
    guard a = filled(dtype, ROWS * stride, 1), b = filled(dtype, ROWS * stride, 77777),
          out = guard_new((size_t)((one_row ? 1 : ROWS) * stride) * test_size(dtype));
    memset(out.data, 0x5a, out.bytes);
    hone__softmax_cols m = { .kind = kind,
                             .rows = ROWS,
                             .cols = shapes[shape].cols,
                             .so = stride,
                             .sa = stride,
                             .sb = stride,
                             .stats = stats,
                             .past = past };
    for (int64_t block = 0; block < BLOCKS; block++) {
        at_block(&m, block, a.data, b.data, out.data, stride * (int64_t)test_size(dtype));
        isa->softmax_cols_begin[dtype](&m, block);
    }
    m.out = out.data;
    isa->softmax_cols_combine[dtype](&m);
    for (int64_t block = 0; block < BLOCKS && !one_row; block++) {
        at_block(&m, block, a.data, b.data, out.data, stride * (int64_t)test_size(dtype));
        isa->softmax_cols_end[dtype](&m, block);
    }
    cr_assert(guard_intact(&out));
    guard_free(&a);
    guard_free(&b);
    return out;
}

static void expect_gaps(const guard *out, int dtype, int shape)
{
    const int64_t size = (int64_t)test_size(dtype), cols = shapes[shape].cols * size,
                  stride = shapes[shape].stride * size;
    for (int64_t i = 0; i < (int64_t)out->bytes; i++)
        cr_assert(i % stride < cols || out->data[i] == 0x5a, "byte %d of rows of %d", (int)i,
                  (int)shapes[shape].stride);
}

Test(kernels_softmax_cols, same_bits_on_every_isa_and_past_the_caches)
{
    for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++) {
        for (int kind = HONE__SOFTMAX; kind <= HONE__LOG_SOFTMAX_BACKWARD; kind++) {
            for (int s = 0; s < N_SHAPES; s++) {
                const hone__isa *isa;
                guard first =
                    run(hone__isa_available(0), dtype, (hone__softmax_kind)kind, s, false);
                expect_gaps(&first, dtype, s);
                for (int i = 0; (isa = hone__isa_available(i / 2)); i++) {
                    guard g = run(isa, dtype, (hone__softmax_kind)kind, s, i % 2);
                    cr_assert_eq(memcmp(g.data, first.data, g.bytes), 0,
                                 "%s, kind %d, %d columns, %s", isa->name, kind,
                                 (int)shapes[s].cols, i % 2 ? "past" : "ordinary");
                    guard_free(&g);
                }
                guard_free(&first);
            }
        }
    }
}

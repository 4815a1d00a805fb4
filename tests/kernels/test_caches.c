/* Sizes of caches change the way through products and convolutions (blocks, what is packed, pieces of
 * weights), never a bit: every machine takes the ways of all. */
#include "gemm/blocks.h"
#include "support.h"

#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/conv.h>
#include <hone/random.h>

SUITE(caches);

/* L1, L2, L3: one's own L3 near by, one's own L2 large and L3 far, a board's, unknown. */
static const size_t machines[][3] = {
    { 32 << 10, 1 << 20, 32 << 20 },
    { 48 << 10, 2 << 20, 96 << 20 },
    { 32 << 10, 512 << 10, 0 },
    { 0, 0, 0 },
};
enum { MACHINES = sizeof machines / sizeof *machines };

static hone_tensor *random_of(hone_dtype dtype, int64_t rows, int64_t cols)
{
    return hone_to(hone_randn(HONE_F32, rows, cols), dtype);
}

static bool on(int machine)
{
    hone__gemm_set_caches(machines[machine][0], machines[machine][1], machines[machine][2]);
    return hone__gemm_l3_is_far() == (machine == 1);
}

/* A and B as they are and turned. */
static void check_products(hone_dtype dtype, int64_t m, int64_t n, int64_t k)
{
    hone_tensor *a[] = { random_of(dtype, m, k), hone_transpose(random_of(dtype, k, m), 0, 1) };
    hone_tensor *b[] = { random_of(dtype, k, n), hone_transpose(random_of(dtype, n, k), 0, 1) };
    for (int layout = 0; layout < 4; layout++) {
        hone_tensor *want = NULL;
        for (int i = 0; i < MACHINES; i++) {
            cr_assert(on(i));
            hone_tensor *c = hone_matmul(a[layout & 1], b[layout >> 1]);
            cr_assert(c, "%s", hone_error_message());
            want = want ? want : c;
            cr_assert(test_same_bits(want, c), "%d x %d x %d, layout %d, machine %d", (int)m,
                      (int)n, (int)k, layout, i);
        }
    }
}

Test(caches, products)
{
    check_products(HONE_F32, 64, 520, 1024);
    check_products(HONE_F32, 70, 1024, 640);
    check_products(HONE_F32, 1024, 96, 700);
    check_products(HONE_F32, 3, 1024, 1024);
    check_products(HONE_F64, 64, 256, 1024);
}

Test(caches, products_of_16_bits)
{
    for (int order = 0; order < 2; order++) {
        HONE_BF16_ORDER((hone_order)order);
        check_products(HONE_BF16, 70, 1024, 640);
        check_products(HONE_BF16, 256, 96, 2048);
    }
}

/* Forward and both gradients. */
static void check_convolution(int64_t samples, int64_t in, int64_t out, int64_t size, int taps,
                              int stride)
{
    const hone_conv2d_options o = { .stride = { stride, stride },
                                    .padding = { taps / 2, taps / 2 } };
    hone_tensor *x = hone_randn(HONE_F32, samples, in, size, size);
    hone_tensor *w = hone_randn(HONE_F32, out, in, taps, taps);
    hone_tensor *want[3] = { NULL };
    for (int i = 0; i < MACHINES; i++) {
        cr_assert(on(i));
        hone_tensor *leaf_x = hone_requires_grad_(hone_clone(x), true);
        hone_tensor *leaf_w = hone_requires_grad_(hone_clone(w), true);
        hone_tensor *y = hone_conv2d(leaf_x, leaf_w, HONE_NONE, &o);
        CHECK_OK(hone_backward(hone_sum(hone_mul(y, y))));
        hone_tensor *got[] = { y, hone_grad(leaf_x), hone_grad(leaf_w) };
        for (int part = 0; part < 3; part++) {
            want[part] = want[part] ? want[part] : got[part];
            cr_assert(test_same_bits(want[part], got[part]),
                      "%d to %d, %d taps, part %d, machine %d", (int)in, (int)out, taps, part, i);
        }
    }
}

Test(caches, convolutions)
{
    check_convolution(4, 256, 256, 4, 3, 1); /* few tiles for so many weights */
    check_convolution(9, 64, 64, 8, 3, 1);
    check_convolution(2, 512, 1024, 7, 1, 1); /* weights beyond L2 */
    check_convolution(3, 96, 128, 14, 3, 2);
    check_convolution(3, 64, 160, 14, 1, 2);
}

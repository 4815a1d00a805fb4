/* test_elementwise.c: the driver of src/ops/elementwise.c: every geometry against plain indexing,
 * overlapping operands, threads. */
#include "core/core.h"
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

SUITE(elementwise);

/* Everything is divided over hone_set_threads(n) threads. */
static void force_threads(void)
{
    setenv("HONE_FORCE_THREADS", "3", 1);
    test_begin();
}

static uint64_t state = 42;

static uint64_t next(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

/* A view with the given shape on fresh memory: dims in random order, random gaps, some expanded,
 * some of extent 1 (which then broadcast). Values 0, 1, 2 ... in memory order. */
static hone_tensor *random_view(const hone__shape *shape, bool may_broadcast)
{
    int order[HONE_MAX_DIMS] = { 0 };
    int64_t extent[HONE_MAX_DIMS], stride[HONE_MAX_DIMS], size = 1;
    const int ndim = shape->ndim;
    for (int d = 0; d < ndim; d++) {
        const int at = (int)next((uint64_t)d + 1);
        order[d] = order[at];
        order[at] = d;
    }
    for (int k = 0; k < ndim; k++) {
        const int d = order[k];
        extent[d] = may_broadcast && next(4) == 0 ? 1 : shape->shape[d];
        stride[d] = size * (next(4) == 0 ? 2 : 1);
        size = stride[d] * extent[d];
        if (may_broadcast && next(6) == 0)
            stride[d] = 0;
    }
    const int64_t room = size + 5;
    hone_tensor *base = hone_arange(HONE_F64, 0, (double)room, 1);
    const int first = may_broadcast && ndim > 0 && next(4) == 0; /* missing leading dim */
    return hone__own(
        hone__alias(base, ndim - first, extent + first, stride + first, (int64_t)next(5)));
}

static double value_at(const hone_tensor *t, const hone__shape *shape, int64_t flat)
{
    int64_t stride[HONE_MAX_DIMS], at = 0;
    hone__broadcast_strides(t, shape, stride);
    for (int d = shape->ndim - 1; d >= 0; d--) {
        at += flat % shape->shape[d] * stride[d];
        flat /= shape->shape[d];
    }
    return ((const double *)hone__data(t))[at];
}

static void check_random_geometry(void)
{
    HONE_SCOPE();
    hone__shape shape = { .ndim = (int)next(6) };
    int64_t numel = 1;
    for (int d = 0; d < shape.ndim; d++) {
        shape.shape[d] = (int64_t)next(8) + (next(9) != 0);
        shape.shape[d] *= d == 0 && next(3) == 0 ? 40 : 1;
        numel *= shape.shape[d];
    }
    hone_tensor *out = random_view(&shape, false), *a = random_view(&shape, true);
    hone_tensor *b = random_view(&shape, true);
    const hone__elementwise_kernel kernel = hone__binary_kernel(HONE__K_SUB, HONE_F64);
    cr_assert(hone__elementwise(&kernel, out, (hone__operand[]){ { .t = a }, { .t = b } }));
    for (int64_t i = 0; i < numel; i++)
        cr_assert_eq(value_at(out, &shape, i), value_at(a, &shape, i) - value_at(b, &shape, i),
                     "%s: %s - %s at %lld", hone__tensor_text(out).s, hone__tensor_text(a).s,
                     hone__tensor_text(b).s, (long long)i);
    cr_assert(hone__copy_elements(out, b));
    for (int64_t i = 0; i < numel; i++)
        cr_assert_eq(value_at(out, &shape, i), value_at(b, &shape, i));
}

Test(elementwise, any_geometry, .init = force_threads)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        hone_set_threads(threads);
        for (int i = 0; i < 800; i++)
            check_random_geometry();
    }
}

/* What lies between the elements of a strided result stays as it was. */
Test(elementwise, gaps_are_not_written)
{
    hone_tensor *base = hone_full(HONE_F32, 7, 40);
    hone_tensor *odd =
        hone__own(hone__alias(base, 1, (const int64_t[]){ 19 }, (const int64_t[]){ 2 }, 1));
    hone_neg_(odd);
    hone_fill_(hone__own(hone__alias(base, 1, (const int64_t[]){ 3 }, (const int64_t[]){ 4 }, 1)),
               9);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(hone_at(base, i), i % 2 == 0 || i > 37 ? 7 : i < 12 && i % 4 == 1 ? 9 : -7);
}

/* Copies that turn the contiguous direction, in sizes around the tile, with outer dims. */
Test(elementwise, transposing_copies, .init = force_threads)
{
    static const int64_t sizes[] = { 1, 2, 15, 16, 17, 127, 129, 300 };
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            HONE_SCOPE();
            const int64_t n = sizes[i], m = sizes[k];
            hone_tensor *x = hone_arange(HONE_I32, 0, (double)(3 * n * m), 1);
            hone_tensor *t = hone__own(hone__alias(x, 3, (const int64_t[]){ 3, m, n },
                                                   (const int64_t[]){ n * m, 1, m }, 0));
            const int32_t *y = hone_data(hone_contiguous(t));
            for (int64_t p = 0; p < 3 * n * m; p++)
                cr_assert_eq(y[p], p / (n * m) * n * m + p % n * m + p / n % m);
        }
}

/* Operands that are contiguous along other dims than the result, alone, broadcast and cast, in
 * sizes around the blocks: the values of plain indexing. A result lies as the first operand does. */
static void check_across(int64_t n, int64_t m)
{
    HONE_SCOPE();
    enum { PLANES = 18 };
    const int64_t size = n * m, shape[] = { PLANES, n, m };
    hone_tensor *numbers = hone_arange(HONE_F32, 0, (double)(PLANES * size), 1);
    hone_tensor *wide = hone_arange(HONE_F64, 0, (double)(PLANES * size), 1);
    hone_tensor *thirds = hone_full(HONE_BOOL, 0, PLANES * size);
    uint8_t *third = hone_data(thirds);
    for (int64_t k = 0; k < PLANES * size; k++)
        third[k] = k % 3 == 1;
    hone_tensor *rows = hone_reshape(thirds, PLANES, n, m);
    const int64_t turned[] = { size, 1, n }, planes[] = { 1, m * PLANES, PLANES },
                  repeated[] = { 0, 1, n };
    hone_tensor *a = hone__own(hone__alias(numbers, 3, shape, turned, 0));
    hone_tensor *b = hone__own(hone__alias(wide, 3, shape, planes, 0));
    hone_tensor *c = hone__own(hone__alias(thirds, 3, shape, turned, 0));
    hone_tensor *r = hone__own(hone__alias(wide, 3, shape, repeated, 0));
    const double *mixed = hone_data(hone_where(rows, a, b));
    const double *kept = hone_data(hone_contiguous(hone_where(c, a, b)));
    const double *shown = hone_data(hone_where(rows, a, r));
    const double *sum = hone_data(hone_contiguous(hone_add(r, a)));
    const float *twice = hone_data(hone_contiguous(hone_add(a, a)));
    for (int64_t k = 0; k < PLANES * size; k++) {
        const int64_t p = k / size, i = k / m % n, j = k % m, from = p * size + j * n + i;
        const int64_t other = p + (i * m + j) * PLANES;
        cr_assert_eq(mixed[k], (double)(k % 3 == 1 ? from : other), "%lld x %lld at %lld",
                     (long long)n, (long long)m, (long long)k);
        cr_assert_eq(kept[k], (double)(from % 3 == 1 ? from : other));
        cr_assert_eq(shown[k], (double)(k % 3 == 1 ? from : j * n + i));
        cr_assert_eq(sum[k], (double)(from + j * n + i));
        cr_assert_eq(twice[k], (float)(2 * from));
    }
}

Test(elementwise, operands_that_lie_across, .init = force_threads)
{
    static const int64_t sizes[] = { 2, 16, 65, 131, 257 };
    for (int threads = 1; threads <= 3; threads += 2) {
        hone_set_threads(threads);
        for (size_t i = 0; i < 5; i++)
            for (size_t k = 0; k < 5; k++)
                check_across(sizes[i], sizes[k]);
    }
}

/* Rows of a few elements that are walked together, on any number of threads: the values of plain
 * indexing. */
Test(elementwise, rows_of_slices, .init = force_threads)
{
    enum { A = 5, B = 7, C = 9, D = 11 };
    hone_tensor *numbers = hone_arange(HONE_F32, 0, A * B * C * D, 1);
    hone_tensor *x = hone_permute(hone_reshape(numbers, A, B, C, D), 0, 2, 1, 3);
    hone_tensor *part = hone_slice(x, 3, 2, 9, 1), *every = hone_slice(x, 3, 0, D, 3);
    for (int threads = 1; threads <= 5; threads++) {
        hone_set_threads(threads);
        const float *copy = hone_data(hone_clone(part));
        const double *wide = hone_data(hone_contiguous(hone_to(every, HONE_F64)));
        for (int k = 0; k < A * C * B; k++) {
            const int from = ((k / B / C * B + k % B) * C + k / B % C) * D;
            for (int d = 0; d < 7; d++)
                cr_assert_eq(copy[k * 7 + d], (float)(from + 2 + d), "%d threads", threads);
            for (int d = 0; d < 4; d++)
                cr_assert_eq(wide[k * 4 + d], from + 3 * d, "%d threads", threads);
        }
    }
}

/* In place with an operand that shares memory at other places: as if it had been copied first. */
Test(elementwise, overlapping_operands)
{
    hone_tensor *base = hone_arange(HONE_F32, 0, 10, 1);
    hone_tensor *low =
        hone__own(hone__alias(base, 1, (const int64_t[]){ 9 }, (const int64_t[]){ 1 }, 0));
    hone_tensor *high =
        hone__own(hone__alias(base, 1, (const int64_t[]){ 9 }, (const int64_t[]){ 1 }, 1));
    hone_add_(high, low);
    CHECK_VALUES(base, HONE_F32, (10), 0, 1, 3, 5, 7, 9, 11, 13, 15, 17);
    hone_copy_(low, high);
    CHECK_VALUES(base, HONE_F32, (10), 1, 3, 5, 7, 9, 11, 13, 15, 17, 17);
    hone_tensor *first = hone__own(hone__alias(base, 0, NULL, NULL, 3));
    hone_sub_(base, first); /* every element loses the 7 that stood at 3 */
    CHECK_VALUES(base, HONE_F32, (10), -6, -4, -2, 0, 2, 4, 6, 8, 10, 10);
    hone_add_(base, base);
    CHECK_VALUES(base, HONE_F32, (10), -12, -8, -4, 0, 4, 8, 12, 16, 20, 20);

    hone_tensor *square = T(HONE_F64, (2, 2), 1, 2, 3, 4);
    hone_add_(square, test_transposed(square, 0, 1));
    CHECK_VALUES(square, HONE_F64, (2, 2), 2, 5, 5, 8);
}

/* Rows longer than the stretch that is cast at a time. */
Test(elementwise, casts_in_stretches, .init = force_threads)
{
    hone_tensor *x = hone_arange(HONE_I64, 0, 3000, 1);
    hone_tensor *y = hone_add(x, hone_full(HONE_F64, 0.5, 3, 3000));
    hone_tensor *z = hone_mul(hone_full(HONE_I32, 2, 3000), T0(HONE_F32, 1.5));
    for (int i = 0; i < 9000; i++)
        cr_assert_eq(hone_at(y, i / 3000, i % 3000), i % 3000 + 0.5);
    for (int i = 0; i < 3000; i++)
        cr_assert_eq(hone_at(z, i), 3);
}

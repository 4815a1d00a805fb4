/* grid_sample: what torch 2.13 gives at its corners, its gradients, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(grid_sample);

enum { LINEAR = HONE_GRID_BILINEAR, NEAREST = HONE_GRID_NEAREST, CUBIC = HONE_GRID_BICUBIC };
enum { ZEROS = HONE_GRID_ZEROS, BORDER = HONE_GRID_BORDER, MIRROR = HONE_GRID_REFLECTION };

/* The row 1, 2, 3, 4 at these x. */
static hone_tensor *grid_at(const double *x, int64_t n)
{
    hone_tensor *at = hone_from_data(HONE_F64, x, n), *zero = hone_zeros(HONE_F64, n);
    return hone_reshape(hone_cat(hone_list(hone_unsqueeze(at, 1), hone_unsqueeze(zero, 1)), 1), 1,
                        1, n, 2);
}

static hone_tensor *row(hone_dtype dtype)
{
    return hone_reshape(hone_arange(dtype, 1, 5, 1), 1, 1, 1, 4);
}

static void gives(int mode, int padding, bool corners, const double *x, const double *want, int n)
{
    for (int dtype = HONE_F32; dtype <= (int)HONE_F64; dtype++) {
        HONE_SCOPE();
        hone_tensor *grid = hone_to(grid_at(x, n), (hone_dtype)dtype);
        hone_tensor *y = hone_grid_sample(row((hone_dtype)dtype), grid, (hone_grid_mode)mode,
                                          (hone_grid_padding)padding, corners);
        cr_assert(y, "%s", hone_error_message());
        for (int i = 0; i < n; i++) {
            const double got = hone_at(y, 0, 0, 0, i);
            cr_expect(got == want[i] || (isnan(got) && isnan(want[i])),
                      "mode %d padding %d at %g: %g, not %g", mode, padding, x[i], got, want[i]);
        }
    }
}
#define GIVES(mode, padding, corners, n, ...)                                                      \
    do {                                                                                           \
        const double all[2][n] = __VA_ARGS__;                                                      \
        gives(mode, padding, corners, all[0], all[1], n);                                          \
    } while (0)

Test(grid_sample, pytorchs_corners)
{
    GIVES(LINEAR, ZEROS, false, 7,
          { { -1, -.75, -.5, 0, .75, 1, 1.5 }, { .5, 1, 1.5, 2.5, 4, 2, 0 } });
    GIVES(LINEAR, ZEROS, true, 7,
          { { -1, -.75, -.5, 0, .75, 1, 1.5 }, { 1, 1.375, 1.75, 2.5, 3.625, 4, 1 } });
    GIVES(LINEAR, BORDER, false, 7,
          { { -1, -.75, -.5, 0, .75, 1, 1.5 }, { 1, 1, 1.5, 2.5, 4, 4, 4 } });
    GIVES(LINEAR, MIRROR, false, 6, { { -1.25, -1, 1, 1.5, 2, 5 }, { 1, 1, 4, 3.5, 2.5, 4 } });
    GIVES(LINEAR, MIRROR, true, 6, { { -1.25, -1, 1, 1.5, 2, 5 }, { 1.375, 1, 4, 3.25, 2.5, 4 } });
    GIVES(NEAREST, ZEROS, false, 5, { { -1, -.5, 0, .5, 1 }, { 1, 1, 3, 3, 0 } });
    GIVES(CUBIC, ZEROS, false, 5,
          { { -1, -.5, 0, .5, 1 }, { .40625, 1.5, 2.5, 3.96875, 2.09375 } });
}

Test(grid_sample, places_that_are_no_numbers)
{
    GIVES(LINEAR, ZEROS, false, 4, { { NAN, INFINITY, -INFINITY, 1e9 }, { NAN, NAN, NAN, 0 } });
    GIVES(LINEAR, BORDER, false, 4, { { NAN, INFINITY, -INFINITY, 1e30 }, { 1, 4, 1, 4 } });
    GIVES(LINEAR, MIRROR, false, 3, { { NAN, INFINITY, -INFINITY }, { 1, 1, 1 } });
    GIVES(NEAREST, ZEROS, false, 4, { { NAN, INFINITY, -INFINITY, -1e30 }, { 0, 0, 0, 0 } });
    GIVES(NEAREST, BORDER, false, 3, { { NAN, INFINITY, -INFINITY }, { 1, 4, 1 } });
    GIVES(CUBIC, ZEROS, false, 3, { { NAN, INFINITY, 1e9 }, { NAN, NAN, 0 } });
    GIVES(CUBIC, BORDER, false, 3, { { NAN, -INFINITY, -1e9 }, { NAN, NAN, 1 } });
    GIVES(CUBIC, MIRROR, true, 2, { { NAN, INFINITY }, { NAN, NAN } });
}

static void slopes(int padding, bool corners, const double *want)
{
    static const double at[] = { -1, 1, -.75, .75, 1.5, -1.25 };
    hone_tensor *grid = hone_requires_grad_(grid_at(at, 6), true);
    hone_tensor *y = hone_grid_sample(row(HONE_F64), grid, HONE_GRID_BILINEAR,
                                      (hone_grid_padding)padding, corners);
    CHECK_OK(hone_backward(hone_sum(y)));
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(hone_at(hone_grad(grid), 0, 0, i, 0), want[i], "%d", i);
    }
}

/* Where a place was put on the edge the slope is 0, at the edge too. */
Test(grid_sample, slopes)
{
    slopes(ZEROS, false, (double[]){ 2, -8, 2, -8, 0, 2 });
    slopes(ZEROS, true, (double[]){ 1.5, -6, 1.5, 1.5, -6, 1.5 });
    slopes(BORDER, false, (double[]){ 0, 0, 0, 0, 0, 0 });
    slopes(BORDER, true, (double[]){ 0, 0, 1.5, 1.5, 0, 0 });
    slopes(MIRROR, false, (double[]){ 0, 0, 0, 0, -2, 0 });
    slopes(MIRROR, true, (double[]){ 0, 0, 1.5, 1.5, -1.5, -1.5 });
}

/* The nearest element has no slope, whatever is there. */
Test(grid_sample, nearest_has_no_slope)
{
    hone_tensor *grid = hone_requires_grad_(hone_randn(HONE_F32, 2, 3, 4, 2), true);
    hone_tensor *x = hone_full(HONE_F32, INFINITY, 2, 3, 5, 5);
    CHECK_OK(hone_backward(
        hone_sum(hone_grid_sample(x, grid, HONE_GRID_NEAREST, HONE_GRID_BORDER, false))));
    cr_expect(test_same_bits(hone_grad(grid), hone_zeros(HONE_F32, 2, 3, 4, 2)));
}

/* A sample alone and among others, forward and back; any strides. */
Test(grid_sample, bits)
{
    hone_tensor *x = hone_randn(HONE_F32, 4, 5, 9, 8), *grid = hone_randn(HONE_F32, 4, 13, 7, 2);
    hone_tensor *last = hone_contiguous(hone_permute(x, 0, 2, 3, 1)), *got[2][3];
    for (int one = 0; one < 2; one++) {
        hone_tensor *in = one ? hone_slice(hone_permute(last, 0, 3, 1, 2), 0, 2, 3, 1) : x;
        hone_tensor *at = one ? hone_slice(grid, 0, 2, 3, 1) : grid;
        in = hone_requires_grad_(hone_detach(in), true);
        at = hone_requires_grad_(hone_detach(at), true);
        got[one][0] = hone_grid_sample(in, at, HONE_GRID_BICUBIC, HONE_GRID_REFLECTION, false);
        const hone_backward_options from = { .gradient = hone_detach(got[one][0]) };
        CHECK_OK(hone_backward_with(got[one][0], &from));
        got[one][1] = hone_grad(in);
        got[one][2] = hone_grad(at);
    }
    for (int i = 0; i < 3; i++)
        cr_expect(test_same_bits(got[1][i], hone_slice(got[0][i], 0, 2, 3, 1)), "%d", i);
}

Test(grid_sample, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 1, 4, 4), *grid = hone_ones(HONE_F32, 2, 3, 3, 2);
#define SAMPLE(x, grid) hone_grid_sample(x, grid, HONE_GRID_BILINEAR, HONE_GRID_ZEROS, false)
    CHECK_FAILS(SAMPLE(x, hone_ones(HONE_F32, 1, 3, 3, 2)), HONE_E_SHAPE,
                "x f32 [2, 1, 4, 4] and grid f32 [1, 3, 3, 2], but");
    CHECK_FAILS(SAMPLE(x, hone_ones(HONE_F32, 2, 3, 3, 3)), HONE_E_SHAPE, "[N, OH, OW, 2]");
    CHECK_FAILS(SAMPLE(x, hone_ones(HONE_F32, 2, 3, 2)), HONE_E_SHAPE, "grid");
    CHECK_FAILS(SAMPLE(hone_ones(HONE_F32, 2, 1, 0, 4), grid), HONE_E_SHAPE, "not 0");
    CHECK_FAILS(SAMPLE(hone_ones(HONE_F32, 2, 4, 4), grid), HONE_E_SHAPE, "[N, C, H, W]");
    CHECK_FAILS(SAMPLE(x, hone_to(grid, HONE_F64)), HONE_E_DTYPE, "x and grid must both");
    CHECK_FAILS(SAMPLE(hone_ones(HONE_I64, 2, 1, 4, 4), hone_ones(HONE_I64, 2, 3, 3, 2)),
                HONE_E_DTYPE, "f32 or both f64");
    CHECK_FAILS(hone_grid_sample(hone_ones(HONE_F32, 1, 1, 2, 2, 2),
                                 hone_ones(HONE_F32, 1, 1, 1, 1, 3), HONE_GRID_BICUBIC,
                                 HONE_GRID_ZEROS, false),
                HONE_E_VALUE, "bicubic is of images [N, C, H, W] alone");
    CHECK_FAILS(hone_grid_sample(x, grid, (hone_grid_mode)7, HONE_GRID_ZEROS, false), HONE_E_VALUE,
                "mode 7");
    CHECK_FAILS(hone_call("grid_sample", hone_list(x, grid), "mode=linear").at, HONE_E_VALUE,
                "mode is \"linear\", but bilinear, nearest or bicubic is wanted");
}

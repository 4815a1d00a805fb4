/* What is wanted here is what PyTorch 2.13 prints, with our names of dtypes. */
#include "support.h"

#include "core/core.h"

#include <hone/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(print);

static void check_print(hone_tensor *t, const char *want, int line)
{
    char text[8000];
    const int64_t n = hone_sprint(text, sizeof text, t);
    cr_assert(n == (int64_t)strlen(want) && strcmp(text, want) == 0, "line %d:\n%s\nis not\n%s",
              line, text, want);
}
#define CHECK_PRINT(t, want) check_print(t, want, __LINE__)

static hone_tensor *counted(hone_tensor *t, double step)
{
    for (int64_t i = 0; i < t->numel; i++) {
        if (t->dtype == HONE_F32)
            ((float *)hone_data(t))[i] = (float)((double)i * step);
        else
            ((int64_t *)hone_data(t))[i] = i;
    }
    return t;
}

Test(print, floats)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    CHECK_PRINT(T(HONE_F32, (3), 1, 2, 3), "tensor([1., 2., 3.])");
    CHECK_PRINT(T(HONE_F32, (2, 2), 1, 2.5, -3, 4), "tensor([[ 1.0000,  2.5000],\n"
                                                    "        [-3.0000,  4.0000]])");
    CHECK_PRINT(T0(HONE_F32, 2.5), "tensor(2.5000)");
    CHECK_PRINT(T(HONE_F32, (4), 1, nan, inf, -inf), "tensor([1., nan, inf, -inf])");
    CHECK_PRINT(T(HONE_F32, (3), 0.5, nan, -inf), "tensor([0.5000,    nan,   -inf])");
    CHECK_PRINT(T(HONE_F32, (1), -nan), "tensor([nan])");
    CHECK_PRINT(T(HONE_F32, (3), 0, -0.0, 0), "tensor([0., -0., 0.])");
    CHECK_PRINT(T(HONE_F32, (2), 1000, 1), "tensor([1000.,    1.])");
}

Test(print, scientific)
{
    CHECK_PRINT(T(HONE_F32, (3), 1e-05, 1, 2), "tensor([1.0000e-05, 1.0000e+00, 2.0000e+00])");
    CHECK_PRINT(T(HONE_F32, (2), 1e9, 1), "tensor([1.0000e+09, 1.0000e+00])");
    CHECK_PRINT(T(HONE_F32, (2), 1001, 1), "tensor([1.0010e+03, 1.0000e+00])");
    CHECK_PRINT(T(HONE_F64, (2), 1e+300, -1e-300),
                "tensor([ 1.0000e+300, -1.0000e-300], dtype=torch.float64)");
}

Test(print, other_dtypes)
{
    CHECK_PRINT(T(HONE_F64, (2), 1.5, 2), "tensor([1.5000, 2.0000], dtype=torch.float64)");
    CHECK_PRINT(T0(HONE_I64, 7), "tensor(7)");
    CHECK_PRINT(T(HONE_BOOL, (2), 1, 0), "tensor([ True, False])");
    CHECK_PRINT(T(HONE_U8, (2, 2), 1, 2, 30, 255), "tensor([[  1,   2],\n"
                                                   "        [ 30, 255]], dtype=torch.uint8)");
    CHECK_PRINT(T(HONE_I32, (3), -1, 10, 100), "tensor([ -1,  10, 100], dtype=torch.int32)");
    hone_tensor *big = T_EMPTY(HONE_I64, 1);
    *(int64_t *)hone_data(big) = INT64_MIN;
    CHECK_PRINT(big, "tensor([-9223372036854775808])");
}

Test(print, empty)
{
    CHECK_PRINT(T_EMPTY(HONE_F32, 0), "tensor([])");
    CHECK_PRINT(T_EMPTY(HONE_F32, 0, 3), "tensor([], size=(0, 3))");
    CHECK_PRINT(T_EMPTY(HONE_I64, 0), "tensor([], dtype=torch.int64)");
    CHECK_PRINT(T_EMPTY(HONE_BOOL, 2, 0), "tensor([], size=(2, 0), dtype=torch.bool)");
}

Test(print, blocks_and_views)
{
    hone_tensor *t = T(HONE_F32, (2, 1, 2), 1, 2, 3, 4);
    CHECK_PRINT(t, "tensor([[[1., 2.]],\n"
                   "\n"
                   "        [[3., 4.]]])");
    CHECK_PRINT(test_transposed(t, 0, 2), "tensor([[[1., 3.]],\n"
                                          "\n"
                                          "        [[2., 4.]]])");
}

Test(print, long_lines_are_broken)
{
    CHECK_PRINT(counted(T_EMPTY(HONE_F32, 30), 1.5),
                "tensor([ 0.0000,  1.5000,  3.0000,  4.5000,  6.0000,  7.5000,  9.0000, 10.5000,\n"
                "        12.0000, 13.5000, 15.0000, 16.5000, 18.0000, 19.5000, 21.0000, 22.5000,\n"
                "        24.0000, 25.5000, 27.0000, 28.5000, 30.0000, 31.5000, 33.0000, 34.5000,\n"
                "        36.0000, 37.5000, 39.0000, 40.5000, 42.0000, 43.5000])");
}

Test(print, many_elements_are_summarised)
{
    CHECK_PRINT(counted(T_EMPTY(HONE_I64, 1001), 1),
                "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
    CHECK_PRINT(counted(T_EMPTY(HONE_I64, 20, 100), 1),
                "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
                "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
                "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
                "        ...,\n"
                "        [1700, 1701, 1702,  ..., 1797, 1798, 1799],\n"
                "        [1800, 1801, 1802,  ..., 1897, 1898, 1899],\n"
                "        [1900, 1901, 1902,  ..., 1997, 1998, 1999]])");
    CHECK_PRINT(counted(T_EMPTY(HONE_F32, 7, 1, 300), 1),
                "tensor([[[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 2.9700e+02,\n"
                "          2.9800e+02, 2.9900e+02]],\n"
                "\n"
                "        [[3.0000e+02, 3.0100e+02, 3.0200e+02,  ..., 5.9700e+02,\n"
                "          5.9800e+02, 5.9900e+02]],\n"
                "\n"
                "        [[6.0000e+02, 6.0100e+02, 6.0200e+02,  ..., 8.9700e+02,\n"
                "          8.9800e+02, 8.9900e+02]],\n"
                "\n"
                "        ...,\n"
                "\n"
                "        [[1.2000e+03, 1.2010e+03, 1.2020e+03,  ..., 1.4970e+03,\n"
                "          1.4980e+03, 1.4990e+03]],\n"
                "\n"
                "        [[1.5000e+03, 1.5010e+03, 1.5020e+03,  ..., 1.7970e+03,\n"
                "          1.7980e+03, 1.7990e+03]],\n"
                "\n"
                "        [[1.8000e+03, 1.8010e+03, 1.8020e+03,  ..., 2.0970e+03,\n"
                "          2.0980e+03, 2.0990e+03]]])");
}

Test(print, few_columns_are_all_shown)
{
    hone_tensor *t = counted(T_EMPTY(HONE_I64, 400, 6), 1);
    CHECK_PRINT(t, "tensor([[   0,    1,    2,    3,    4,    5],\n"
                   "        [   6,    7,    8,    9,   10,   11],\n"
                   "        [  12,   13,   14,   15,   16,   17],\n"
                   "        ...,\n"
                   "        [2382, 2383, 2384, 2385, 2386, 2387],\n"
                   "        [2388, 2389, 2390, 2391, 2392, 2393],\n"
                   "        [2394, 2395, 2396, 2397, 2398, 2399]])");
}

static const char *node_name(const hone_context *node)
{
    (void)node;
    return "AddBackward";
}

Test(print, says_where_a_gradient_comes_from)
{
    hone_tensor *leaf = counted(T_EMPTY(HONE_F32, 11), 1);
    leaf->requires_grad = true;
    CHECK_PRINT(leaf, "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10.],\n"
                      "       requires_grad=True)");
    hone_tensor *two_lines = counted(T_EMPTY(HONE_F32, 2, 7), 1000);
    two_lines->requires_grad = true;
    CHECK_PRINT(two_lines, "tensor([[    0.,  1000.,  2000.,  3000.,  4000.,  5000.,  6000.],\n"
                           "        [ 7000.,  8000.,  9000., 10000., 11000., 12000., 13000.]],\n"
                           "       requires_grad=True)");
    hone_tensor *fits = hone_add_scalar(counted(T_EMPTY(HONE_F32, 2, 7), 1), 1000);
    fits->requires_grad = true; /* to the last place of the line */
    CHECK_PRINT(fits, "tensor([[1000., 1001., 1002., 1003., 1004., 1005., 1006.],\n"
                      "        [1007., 1008., 1009., 1010., 1011., 1012., 1013.]], "
                      "requires_grad=True)");
    hone_tensor *result = T(HONE_F64, (2), 1.125, 1.125);
    const char *(*const before)(const hone_context *) = hone__node_name;
    hone__node_name = node_name;
    result->node = (hone_context *)&hone_none; /* only handed to node_name */
    CHECK_PRINT(result, "tensor([1.1250, 1.1250], dtype=torch.float64, grad_fn=<AddBackward>)");
    result->node = NULL;
    hone__node_name = before;
}

Test(print, into_a_buffer_like_snprintf)
{
    hone_tensor *t = T(HONE_F32, (3), 1, 2, 3);
    char text[8] = "unused";
    cr_assert(hone_sprint(NULL, 0, t) == 20);
    cr_assert(hone_sprint(text, 8, t) == 20);
    cr_assert_str_eq(text, "tensor(");
    cr_assert(hone_sprint(text, 1, t) == 20);
    cr_assert_str_eq(text, "");
    cr_assert(hone_sprint(text, 8, NULL) == -1);
    CHECK_ERROR(HONE_E_NULL, "print");
    cr_assert(hone_sprint(NULL, 8, t) == -1);
    CHECK_ERROR(HONE_E_NULL, "buffer");
}

Test(print, to_a_stream)
{
    char *text = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&text, &n);
    CHECK_OK(hone_fprint(stream, T(HONE_I64, (2), 1, 2)));
    fclose(stream);
    cr_assert_str_eq(text, "tensor([1, 2])\n");
    free(text);
    CHECK_FAILS(hone_fprint(NULL, T0(HONE_F32, 1)), HONE_E_NULL, "stream");
    FILE *full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    CHECK_FAILS(hone_fprint(full, T0(HONE_F32, 1)), HONE_E_IO, "stream");
    fclose(full);
}

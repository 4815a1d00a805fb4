/* Sizes near 2^63: what can't be had is refused by a sentence, and no product wraps around to a
 * small block that is written past its end. (An expanded tensor has as many elements as it likes
 * and one in memory.) */
#include "files.h"
#include "runtime/memory.h"
#include "support.h"

#include <hone/hone.h>

#include <limits.h>
#include <string.h>

SUITE_WITH_FILES(sizes);

#define TWO_TO(n) (INT64_C(1) << (n))

static const int64_t edges[] = { TWO_TO(60) - 1, TWO_TO(60),     TWO_TO(60) + 1, TWO_TO(61) - 1,
                                 TWO_TO(61),     TWO_TO(61) + 1, TWO_TO(62) - 1, TWO_TO(62),
                                 TWO_TO(62) + 1, INT64_MAX - 1,  INT64_MAX };
enum { EDGES = sizeof edges / sizeof *edges };

Test(sizes, products_are_right_or_refused)
{
    int64_t product;
    cr_assert(hone__times(INT64_MAX, 1, &product) && product == INT64_MAX);
    cr_assert(hone__times(TWO_TO(31), TWO_TO(31), &product) && product == TWO_TO(62));
    cr_assert(!hone__times(TWO_TO(32), TWO_TO(31), &product));
    cr_assert(!hone__times(INT64_MAX, 2, &product));
    cr_assert(hone__bytes(3, 8) == 24 && hone__bytes(0, 8) == 0);
    cr_assert(hone__bytes(TWO_TO(59) - 1, 8) == TWO_TO(62) - 8);
    for (int i = 0; i < EDGES; i++)
        cr_assert(hone__bytes(edges[i], 8) == TWO_TO(62));
    cr_assert(hone__bytes(-1, 1) == TWO_TO(62) && hone__bytes(INT64_MIN, 8) == TWO_TO(62));
    cr_assert(hone__bytes(2, hone__bytes(INT64_MAX, 8)) == TWO_TO(62));
    cr_assert(hone__bytes(0, hone__bytes(INT64_MAX, 8)) == 0);
}

Test(sizes, allocators_refuse_what_is_too_much)
{
    const size_t most = hone__bytes(INT64_MAX, 8);
    const size_t wanted[] = { most, most + 100, 2 * most, 3 * most, SIZE_MAX };
    for (int i = 0; i < 5; i++) {
        CHECK_FAILS(hone__malloc(wanted[i]), HONE_E_NOMEM, "");
        CHECK_FAILS(hone__calloc(wanted[i]), HONE_E_NOMEM, "");
        CHECK_FAILS(hone__realloc(NULL, wanted[i]), HONE_E_NOMEM, "");
        CHECK_FAILS(hone__pool_alloc(wanted[i]), HONE_E_NOMEM, "");
        CHECK_FAILS(hone__book_realloc(NULL, 0, wanted[i]), HONE_E_NOMEM, "");
    }
}

/* Fails as too many or as too much; nothing else is a right answer. */
static void check_too_much(const void *got, const char *what, int64_t n)
{
    const hone_status code = hone_error_code();
    cr_expect(!got && (code == HONE_E_SHAPE || code == HONE_E_NOMEM || code == HONE_E_VALUE),
              "%s of %lld: %s", what, (long long)n, hone_error_message());
    hone_error_clear();
}

Test(sizes, tensors)
{
    hone_tensor *small = T(HONE_F64, (2), 1, 2);
    for (int i = 0; i < EDGES; i++) {
        const int64_t n = edges[i];
        for (int d = 0; d < HONE_DTYPES; d++) {
            const hone_dtype dtype = (hone_dtype)d;
            check_too_much(hone_zeros(dtype, n), "zeros", n);
            check_too_much(hone_empty(dtype, n / 2, 2), "empty", n);
            check_too_much(hone_ones(dtype, n, 2), "ones", n);
            check_too_much(hone_full(dtype, 1, 2, n), "full", n);
            check_too_much(hone_randint(dtype, 0, 1, n), "randint", n);
            check_too_much(hone_eye(dtype, n, 4), "eye", n);
        }
        check_too_much(hone_rand(HONE_F32, n), "rand", n);
        check_too_much(hone_randn(HONE_F64, n), "randn", n);
        check_too_much(hone_randperm(n), "randperm", n);
        check_too_much(hone_from_data(HONE_F64, small, n), "from_data", n);
        check_too_much(hone_slice_backward_v(small, HONE_DIM_ARGS(n), 0, 0, 2, 1), "slice_backward",
                       n);
        hone_tensor *const at[] = { T(HONE_I64, (2), 0, 1), HONE_END_TENSOR };
        check_too_much(hone_index_backward_v(small, HONE_DIM_ARGS(n), at), "index_backward", n);
        hone_dataset set;
        check_too_much(hone_digits(HONE_TRAIN, n, 0, &set) == HONE_OK ? &set : NULL, "digits", n);
        check_too_much(hone_nn_linear(n, 8), "nn_linear", n);
        check_too_much(hone_nn_layer_norm(n), "nn_layer_norm", n);
    }
}

/* ---- elements that all lie in one place */

static hone_tensor *repeated(hone_dtype dtype, int64_t n)
{
    hone_tensor *t = hone_expand(hone_ones(dtype, 1), n);
    cr_assert(t && hone_numel(t) == n, "%s", hone_error_message());
    return t;
}

Test(sizes, expanded_tensors)
{
    char byte = 7;
    for (int i = 0; i < EDGES; i++) {
        HONE_SCOPE();
        const int64_t n = edges[i];
        hone_tensor *t = repeated(HONE_F64, n);
        check_too_much(hone_contiguous(t), "contiguous", n);
        check_too_much(hone_neg(t), "neg", n);
        check_too_much(hone_add(t, t), "add", n);
        check_too_much(hone_softmax(t, 0), "softmax", n);
        check_too_much(hone_cat(hone_list(t, t), 0), "cat", n);
        check_too_much(hone_cat(hone_list(t, t, t, t), 0), "cat", n);
        check_too_much(hone_split(t, 1, 0).at, "split", n);
        check_too_much(hone_expand(t, 2, n) ? hone_contiguous(hone_expand(t, 2, n)) : NULL,
                       "expand", n);
        check_too_much(hone_matmul(hone_unsqueeze(t, 1), T(HONE_F64, (1, 2), 1, 2)), "matmul", n);
        /* times 8 some of these are 0, 8 or -8 */
        const size_t bytes = (size_t)n * sizeof(double);
        if (n > INT64_MAX / 8) {
            CHECK_FAILS(hone_copy_out(t, &byte, bytes), HONE_E_SHAPE, "more bytes than an int64");
            CHECK_FAILS(hone_copy_in(t, &byte, bytes), HONE_E_STATE, "is expanded");
        }
        hone_named named = { "x", t };
        check_too_much(
            hone_safetensors_save(test_path("f"), (hone_named_list){ &named, 1 }, NULL) == HONE_OK
                ? t
                : NULL,
            "safetensors_save", n);
        hone_dataset set;
        hone_tensor *row = hone_expand(T(HONE_F64, (1), 1), 1, n);
        if (row && hone_dataset_from(row, hone_ones(HONE_I64, 1), &set) == HONE_OK) {
            const hone_loader_options o = { .batch_size = 1, .shuffle = true };
            check_too_much(hone_loader_new(&set, &o), "a loader", n);
            hone_dataset_free(&set);
        }
        cr_assert(byte == 7 && test_dir_count() == 0);
    }
}

static hone_tensor *repeats(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in;
    return hone_expand(in[0], *(int64_t *)user);
}

Test(sizes, gradient_checks)
{
    for (int i = 0; i < EDGES; i++) {
        HONE_SCOPE();
        int64_t n = edges[i];
        hone_tensor *x = hone_ones(HONE_F64, 1);
        hone_requires_grad_(x, true);
        check_too_much(hone_gradcheck("repeats", repeats, &n, hone_list(x), NULL) == HONE_OK ? x
                                                                                             : NULL,
                       "gradcheck", n);
    }
}

/* ---- data sets that claim many samples */

static int64_t claimed_size(const hone_dataset *set)
{
    return *(int64_t *)set->state;
}

static int64_t last_asked;

static hone_status one_sample(const hone_dataset *set, int64_t index, hone_tensor **x,
                              hone_tensor **y)
{
    (void)set;
    last_asked = index;
    *x = *y = hone_scalar(HONE_F32, 1);
    return HONE_OK;
}

static const hone_dataset_class claiming = { "claiming", claimed_size, one_sample, NULL };

Test(sizes, data_sets)
{
    for (int i = 0; i < EDGES; i++) {
        HONE_SCOPE();
        int64_t n = edges[i];
        hone_batch b;
        const hone_dataset set = { .type = &claiming, .state = &n };
        hone_loader_options o = { .batch_size = 3, .shuffle = true };
        check_too_much(hone_loader_new(&set, &o), "a shuffling loader", n);
        o = (hone_loader_options){ .batch_size = n - 1 };
        hone_loader *loader = hone_loader_new(&set, &o);
        cr_assert(loader && hone_loader_batches(loader) == 2, "%s", hone_error_message());
        check_too_much(hone_loader_next(loader, &b) ? b.x : NULL, "a batch", n);
        hone_loader_free(loader);
        o = (hone_loader_options){ .batch_size = 2 };
        loader = hone_loader_new(&set, &o);
        cr_assert(hone_loader_batches(loader) == n / 2 + n % 2);
        cr_assert(hone_loader_next(loader, &b) && b.size == 2 && last_asked == 1);
        hone_loader_free(loader);
    }
}

/* ---- files whose headers claim much */

Test(sizes, files)
{
    static const char *const shapes[] = { "2305843009213693952", "4611686018427387904,4",
                                          "9223372036854775807", "4294967296,4294967296" };
    for (int i = 0; i < 4; i++) {
        char text[200], file[300];
        const int length = snprintf(
            text, sizeof text, "{\"x\":{\"dtype\":\"F64\",\"shape\":[%s],\"data_offsets\":[0,0]}}",
            shapes[i]);
        memcpy(file, &(uint64_t){ (uint64_t)length }, 8);
        memcpy(file + 8, text, (size_t)length);
        CHECK_FAILS(hone_safetensors_load(test_write("x", file, 8 + (size_t)length), NULL).at,
                    HONE_E_FORMAT, "shape");
    }
}

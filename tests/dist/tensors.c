/* tensors.c: what ranks do with tensors (hone/dist.h), by any number of them: sums in the tree's order
 * for every length, NaN, broadcasts, gathers, what is refused. Prints "ok" on rank 0. */
#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d, line %d: %s: %s\n", hone_dist_rank(), __LINE__, #condition,  \
                    hone_error_message());                                                         \
            hone_dist_abort(3);                                                                    \
            exit(3);                                                                               \
        }                                                                                          \
    } while (0)

/* What rank r has. */
static hone_tensor *numbers(int rank, int64_t n, hone_dtype dtype)
{
    hone_seed((uint64_t)rank + 1);
    hone_tensor *t = hone_randn(dtype, n);
    if (n > 5 && rank == hone_dist_size() - 1)
        ((char *)hone_data(t))[0] ^= 1;
    return t;
}

static hone_tensor *tree(int lo, int hi, int64_t n, hone_dtype dtype)
{
    int half = 1;
    if (hi - lo == 1)
        return numbers(lo, n, dtype);
    while (2 * half < hi - lo)
        half *= 2;
    return hone_add(tree(lo, lo + half, n, dtype), tree(lo + half, hi, n, dtype));
}

static bool same_bits(hone_tensor *a, hone_tensor *b)
{
    return memcmp(hone_data(a), hone_data(b),
                  (size_t)hone_numel(a) * hone_dtype_size(hone_dtype_of(a))) == 0;
}

static void sums(void)
{
    static const int64_t lengths[] = { 1, 2, 3, 7, 64, 1000, 5000, 20000, 1 << 17 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int k = 0; k < 2; k++) {
            HONE_SCOPE();
            const hone_dtype dtype = k ? HONE_F64 : HONE_F32;
            hone_tensor *t = numbers(hone_dist_rank(), lengths[i], dtype);
            CHECK(hone_dist_all_reduce(t) == HONE_OK);
            CHECK(same_bits(t, tree(0, hone_dist_size(), lengths[i], dtype)));
        }
    HONE_SCOPE();
    hone_tensor *t = hone_ones(HONE_F32, 9), *empty = hone_ones(HONE_F32, 0);
    if (hone_dist_rank() == 0)
        ((float *)hone_data(t))[4] = NAN; /* in one rank: all have it, there alone */
    CHECK(hone_dist_all_reduce(t) == HONE_OK && hone_dist_all_reduce(empty) == HONE_OK);
    for (int i = 0; i < 9; i++) {
        const float is = ((const float *)hone_data(t))[i];
        CHECK(i == 4 ? isnan(is) : is == (float)hone_dist_size());
    }
}

static void copies(void)
{
    HONE_SCOPE();
    const int rank = hone_dist_rank(), size = hone_dist_size();
    for (int root = 0; root < size; root++) {
        hone_tensor *t = hone_full(HONE_I64, rank, 2, 3);
        CHECK(hone_dist_broadcast(t, root) == HONE_OK);
        CHECK(((const int64_t *)hone_data(t))[5] == root);
    }
    hone_tensor *all = hone_dist_gather(hone_full(HONE_U8, rank, 4));
    CHECK(all && hone_dim(all) == 2 && hone_size(all, 0) == size && hone_size(all, 1) == 4);
    for (int r = 0; r < size; r++)
        CHECK(((const unsigned char *)hone_data(all))[4 * r + 3] == r);
    CHECK(hone_dist_barrier() == HONE_OK);
}

/* All ranks get the same error, and go on. */
static void refused(void)
{
    HONE_SCOPE();
    const int rank = hone_dist_rank(), last = hone_dist_size() - 1;
    hone_tensor *t = hone_ones(HONE_F32, rank == last ? 3 : 2);
    CHECK(last == 0 || hone_dist_all_reduce(t) == HONE_E_STATE);
    CHECK(last == 0 || strstr(hone_error_message(), "the tensor's shape or dtype of rank"));
    hone_error_clear();
    CHECK(hone_dist_all_reduce(hone_ones(HONE_I64, 2)) == HONE_E_DTYPE);
    hone_error_clear();
    CHECK(hone_dist_all_reduce(hone_transpose(hone_ones(HONE_F32, 2, 3), 0, 1)) == HONE_E_SHAPE);
    hone_error_clear();
    CHECK(hone_dist_broadcast(t, last + 1) == HONE_E_VALUE);
    hone_error_clear();
    CHECK(hone_dist_same("it", "ab", 2) == HONE_OK);
    CHECK(last == 0 || hone_dist_same("it", rank == last ? "ab" : "ac", 2) == HONE_E_STATE);
    hone_error_clear();
}

/* The gradient of a batch of 8 for the weight; spoiled: an error comes before the batch's end. */
static hone_tensor *batch(hone_module *model, hone_tensor *x, hone_tensor *y, bool spoiled)
{
    int64_t first, n;
    hone_tensor *weight = hone_parameters(model).at[0];
    hone_dist_share(8, &first, &n);
    CHECK(hone_accumulate_begin(8) == HONE_OK && hone_accumulate_part(n) == HONE_OK);
    hone_tensor *out = hone_forward(model, hone_slice(x, 0, first, first + n, 1));
    CHECK(hone_backward(hone_cross_entropy(out, hone_slice(y, 0, first, first + n, 1))) == HONE_OK);
    if (spoiled)
        CHECK(!hone_transpose(x, 5, 6));
    CHECK(!hone_accumulate_end() == spoiled);
    hone_error_clear();
    return hone_grad(weight);
}

static hone_tensor *fresh_batch(hone_module *model, hone_tensor *x, hone_tensor *y, bool spoiled)
{
    CHECK(hone_set_grad(hone_parameters(model).at[0], HONE_NONE) == HONE_OK);
    return batch(model, x, y, spoiled);
}

/* What a batch that came to nothing has left to send is none of the next one's. */
static void spoiled_batch(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *model = hone_nn_linear(4, 3);
    hone_tensor *x = hone_randn(HONE_F32, 8, 4), *y = hone_randint(HONE_I64, 0, 3, 8);
    for (int handed_on = 0; handed_on < (hone_dist_size() > 1 ? 2 : 1); handed_on++) {
        hone_dist_options o = { .handed_on = handed_on };
        if (!handed_on)
            o.shards = hone_dist_size() > 8 ? hone_dist_size() : 8;
        CHECK(hone_dist_model(model, &o) == HONE_OK);
        hone_tensor *good = hone_clone(fresh_batch(model, x, y, false));
        for (int i = 0; i < 3; i++) {
            fresh_batch(model, x, y, true);
            CHECK(hone_dist_barrier() == HONE_OK &&
                  same_bits(good, fresh_batch(model, x, y, false)));
        }
        hone_dist_stop();
    }
    hone_module_free(model);
}

/* Chains that go from rank to rank have the bits of one process without shards: of a matrix that goes
 * in tiles, and of gradients that have begun before. */
static void handed_on(int64_t inputs, int64_t outputs)
{
    HONE_SCOPE();
    hone_seed(2);
    hone_module *model = hone_nn_linear(inputs, outputs);
    hone_tensor *x = hone_randn(HONE_F32, 8, inputs), *y = hone_randint(HONE_I64, 0, outputs, 8);
    hone_tensor *bias = hone_parameters(model).at[1];
    hone_tensor *once = hone_clone(fresh_batch(model, x, y, false));
    hone_tensor *twice = hone_clone(batch(model, x, y, false)),
                *of_bias = hone_clone(hone_grad(bias));
    CHECK(hone_set_grad(bias, HONE_NONE) == HONE_OK);
    CHECK(hone_dist_model(model, &(hone_dist_options){ .handed_on = true }) == HONE_OK);
    CHECK(hone_dist_shards() == 0);
    CHECK(same_bits(once, fresh_batch(model, x, y, false)));
    CHECK(same_bits(twice, batch(model, x, y, false)) && same_bits(of_bias, hone_grad(bias)));
    hone_dist_stop();
    CHECK(hone_dist_model(model, &(hone_dist_options){ .handed_on = true, .shards = 3 }) ==
          HONE_E_VALUE);
    hone_error_clear();
    hone_module_free(model);
}

int main(void)
{
    HONE_SCOPE();
    CHECK(hone_dist_init() == HONE_OK && hone_dist_init() == HONE_OK);
    sums();
    copies();
    refused();
    spoiled_batch();
    handed_on(6, 3);
    handed_on(640, 1300);
    if (hone_dist_rank() == 0)
        puts("ok");
    CHECK(hone_dist_finish() == HONE_OK && hone_dist_finish() == HONE_OK);
    return 0;
}

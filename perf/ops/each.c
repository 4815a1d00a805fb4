/* each: nanoseconds of each elementwise, reducing and indexing op as a program calls it, allocation and checks
 * included, nothing recorded: on 1e3 and 1e6 elements of f32, laid out in a row of rows (32 x 32, 1000 x 1000) or as
 * its transpose. A line a measurement: name, elements, layout, the median. perf/compare/ops.py puts PyTorch beside it. */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* x, y in (0.5, 2), z about 0; m, n of bool; i, j of i64 in 0 .. 9; index in 0 .. side - 1 of x's shape, line of one dim,
 * row [side]. */
static hone_tensor *x, *y, *z, *m, *n, *i, *j, *at, *line, *row;

#define EACH(X)                                                                                    \
    X(neg, hone_neg(x))                                                                            \
    X(abs, hone_abs(z))                                                                            \
    X(sign, hone_sign(z))                                                                          \
    X(exp, hone_exp(z))                                                                            \
    X(log, hone_log(x))                                                                            \
    X(sqrt, hone_sqrt(x))                                                                          \
    X(rsqrt, hone_rsqrt(x))                                                                        \
    X(square, hone_square(x))                                                                      \
    X(reciprocal, hone_reciprocal(x))                                                              \
    X(relu, hone_relu(z))                                                                          \
    X(sigmoid, hone_sigmoid(z))                                                                    \
    X(tanh, hone_tanh(z))                                                                          \
    X(log1p, hone_log1p(x))                                                                        \
    X(expm1, hone_expm1(z))                                                                        \
    X(sin, hone_sin(z))                                                                            \
    X(cos, hone_cos(z))                                                                            \
    X(tan, hone_tan(z))                                                                            \
    X(asin, hone_asin(hone_tanh(z)))                                                               \
    X(acos, hone_acos(hone_tanh(z)))                                                               \
    X(atan, hone_atan(z))                                                                          \
    X(sinh, hone_sinh(z))                                                                          \
    X(cosh, hone_cosh(z))                                                                          \
    X(asinh, hone_asinh(z))                                                                        \
    X(acosh, hone_acosh(hone_add_scalar(x, 1)))                                                    \
    X(erf, hone_erf(z))                                                                            \
    X(erfinv, hone_erfinv(hone_tanh(z)))                                                           \
    X(lgamma, hone_lgamma(x))                                                                      \
    X(digamma, hone_digamma(x))                                                                    \
    X(log2, hone_log2(x))                                                                          \
    X(log10, hone_log10(x))                                                                        \
    X(exp2, hone_exp2(z))                                                                          \
    X(gelu, hone_gelu(z))                                                                          \
    X(gelu_tanh, hone_gelu_tanh(z))                                                                \
    X(silu, hone_silu(z))                                                                          \
    X(softplus, hone_softplus(z))                                                                  \
    X(floor, hone_floor(z))                                                                        \
    X(ceil, hone_ceil(z))                                                                          \
    X(trunc, hone_trunc(z))                                                                        \
    X(round, hone_round(z))                                                                        \
    X(frac, hone_frac(z))                                                                          \
    X(isnan, hone_isnan(z))                                                                        \
    X(isinf, hone_isinf(z))                                                                        \
    X(isfinite, hone_isfinite(z))                                                                  \
    X(nan_to_num, hone_nan_to_num(z, 0, 0, 0))                                                     \
    X(logical_not, hone_logical_not(m))                                                            \
    X(bitwise_not, hone_bitwise_not(i))                                                            \
    X(leaky_relu, hone_leaky_relu(z, 0.01))                                                        \
    X(elu, hone_elu(z, 1))                                                                         \
    X(selu, hone_selu(z))                                                                          \
    X(hardtanh, hone_hardtanh(z, -1, 1))                                                           \
    X(relu6, hone_relu6(z))                                                                        \
    X(hardsigmoid, hone_hardsigmoid(z))                                                            \
    X(hardswish, hone_hardswish(z))                                                                \
    X(mish, hone_mish(z))                                                                          \
    X(softsign, hone_softsign(z))                                                                  \
    X(logsigmoid, hone_logsigmoid(z))                                                              \
    X(clamp, hone_clamp(z, -1, 1))                                                                 \
    X(to_f64, hone_to(x, HONE_F64))                                                                \
    X(to_i64, hone_to(x, HONE_I64))                                                                \
    X(clone, hone_clone(x))                                                                        \
    X(add, hone_add(x, y))                                                                         \
    X(sub, hone_sub(x, y))                                                                         \
    X(mul, hone_mul(x, y))                                                                         \
    X(div, hone_div(x, y))                                                                         \
    X(pow, hone_pow(x, y))                                                                         \
    X(maximum, hone_maximum(x, y))                                                                 \
    X(minimum, hone_minimum(x, y))                                                                 \
    X(atan2, hone_atan2(z, y))                                                                     \
    X(hypot, hone_hypot(x, y))                                                                     \
    X(copysign, hone_copysign(x, z))                                                               \
    X(fmod, hone_fmod(x, y))                                                                       \
    X(remainder, hone_remainder(z, y))                                                             \
    X(floor_divide, hone_floor_divide(z, y))                                                       \
    X(logaddexp, hone_logaddexp(x, y))                                                             \
    X(xlogy, hone_xlogy(x, y))                                                                     \
    X(heaviside, hone_heaviside(z, y))                                                             \
    X(eq, hone_eq(x, y))                                                                           \
    X(lt, hone_lt(x, y))                                                                           \
    X(ge, hone_ge(x, y))                                                                           \
    X(logical_and, hone_logical_and(m, n))                                                         \
    X(bitwise_and, hone_bitwise_and(i, j))                                                         \
    X(add_i64, hone_add(i, j))                                                                     \
    X(add_scalar, hone_add_scalar(x, 1.5))                                                         \
    X(mul_scalar, hone_mul_scalar(x, 1.5))                                                         \
    X(div_scalar, hone_div_scalar(x, 1.5))                                                         \
    X(pow_scalar, hone_pow_scalar(x, 1.5))                                                         \
    X(gt_scalar, hone_gt_scalar(x, 1))                                                             \
    X(add_row, hone_add(x, row))                                                                   \
    X(where, hone_where(m, x, y))                                                                  \
    X(lerp, hone_lerp_scalar(x, y, 0.25))                                                          \
    X(addcmul, hone_addcmul(x, y, z, 0.5))                                                         \
    X(addcdiv, hone_addcdiv(x, z, y, 0.5))                                                         \
    X(masked_fill, hone_masked_fill_scalar(x, m, 0))                                               \
    X(sum, hone_sum(x))                                                                            \
    X(sum_dim0, hone_sum_dim(x, 0, false))                                                         \
    X(sum_dim1, hone_sum_dim(x, 1, false))                                                         \
    X(mean, hone_mean(x))                                                                          \
    X(mean_dim1, hone_mean_dim(x, 1, false))                                                       \
    X(var, hone_var(x, 1))                                                                         \
    X(var_dim1, hone_var_dim(x, 1, 1, false))                                                      \
    X(std_dim0, hone_std_dim(x, 0, 1, false))                                                      \
    X(max, hone_max(x))                                                                            \
    X(max_dim1, hone_max_dim(x, 1, false))                                                         \
    X(min_dim0, hone_min_dim(x, 0, false))                                                         \
    X(argmax_dim1, hone_argmax(x, 1, false))                                                       \
    X(argmin_dim0, hone_argmin(x, 0, false))                                                       \
    X(amax_all, hone_max_dims(x, false, 0, 1))                                                     \
    X(logsumexp_dim1, hone_logsumexp(x, 1, false))                                                 \
    X(softmax_dim1, hone_softmax(x, 1))                                                            \
    X(log_softmax_dim0, hone_log_softmax(x, 0))                                                    \
    X(prod, hone_prod(x))                                                                          \
    X(prod_dim1, hone_prod_dim(x, 1, false))                                                       \
    X(norm, hone_norm(x, 2))                                                                       \
    X(norm_dim1, hone_norm_dim(x, 1, 2, false))                                                    \
    X(any, hone_any(m))                                                                            \
    X(all_dim1, hone_all_dim(m, 1, false))                                                         \
    X(count_nonzero, hone_count_nonzero(z))                                                        \
    X(nansum, hone_nansum(z))                                                                      \
    X(median_dim1, hone_median_dim(x, 1, false).values)                                            \
    X(cumsum_dim0, hone_cumsum(x, 0))                                                              \
    X(cumsum_dim1, hone_cumsum(x, 1))                                                              \
    X(cumsum_long, hone_cumsum(line, 0))                                                           \
    X(cumprod_dim1, hone_cumprod(x, 1))                                                            \
    X(cummax_dim1, hone_cummax(x, 1).values)                                                       \
    X(sort_dim0, hone_sort(x, 0, false).values)                                                    \
    X(sort_dim1, hone_sort(x, 1, false).values)                                                    \
    X(sort_long, hone_sort(line, 0, false).values)                                                 \
    X(argsort_dim1, hone_argsort(x, 1, false))                                                     \
    X(topk_dim1, hone_topk(x, 5, 1, true, true).values)                                            \
    X(topk_long, hone_topk(line, 5, 0, true, true).values)                                         \
    X(unique_i64, hone_unique(i).values)                                                           \
    X(unique_f32, hone_unique(x).values)                                                           \
    X(gather_dim0, hone_gather(x, 0, at))                                                          \
    X(gather_dim1, hone_gather(x, 1, at))                                                          \
    X(scatter_dim1, hone_scatter(x, 1, at, y))                                                     \
    X(scatter_add_dim0, hone_scatter_add(x, 0, at, y))                                             \
    X(scatter_add_dim1, hone_scatter_add(x, 1, at, y))                                             \
    X(index_select_dim0, hone_index_select(x, 0, hone_select(at, 0, 0)))                           \
    X(index_select_dim1, hone_index_select(x, 1, hone_select(at, 0, 0)))                           \
    X(index_rows, hone_index(x, hone_select(at, 0, 0)))                                            \
    X(index_add_dim0, hone_index_add(x, 0, hone_select(at, 0, 0), y, 1))                           \
    X(take, hone_take(x, at))                                                                      \
    X(masked_select, hone_masked_select(x, m))                                                     \
    X(nonzero, hone_nonzero(m))                                                                    \
    X(flip_dim0, hone_flip(x, 0))                                                                  \
    X(flip_dim1, hone_flip(x, 1))                                                                  \
    X(roll_dim1, hone_roll(x, 3, 1))                                                               \
    X(cat_dim0, hone_cat(hone_list(x, y), 0))                                                      \
    X(cat_dim1, hone_cat(hone_list(x, y), 1))                                                      \
    X(stack, hone_stack(hone_list(x, y), 0))                                                       \
    X(repeat, hone_repeat(x, 2, 2))                                                                \
    X(tril, hone_tril(x, 0))                                                                       \
    X(triu, hone_triu(x, 0))                                                                       \
    X(pad, hone_pad(x, HONE_PAD_CONSTANT, 0, 1, 2, 1, 2))                                          \
    X(searchsorted, hone_searchsorted(hone_arange(HONE_F32, 0, 2, 0.01), x, false))                \
    X(bucketize, hone_bucketize(x, hone_arange(HONE_F32, 0, 2, 0.01), false))

#define FUNCTION(name, call)                                                                       \
    static hone_tensor *do_##name(void)                                                            \
    {                                                                                              \
        return call;                                                                               \
    }
EACH(FUNCTION)
#define ENTRY(name, call) { #name, do_##name },
static const struct {
    const char *name;
    hone_tensor *(*call)(void);
} entries[] = { EACH(ENTRY) };

/* True if a part of `only`, which are separated by commas, is in the name; none are in all of them. */
static bool is_wanted(const char *name, const char *only)
{
    if (!*only)
        return true;
    for (size_t length; *only; only += length + (only[length] == ',')) {
        length = strcspn(only, ",");
        for (const char *from = name; length > 0 && *from; from++)
            if (strncmp(from, only, length) == 0)
                return true;
    }
    return false;
}

static bool run(hone_tensor *(*call)(void), int calls)
{
    for (int k = 0; k < calls; k++) {
        HONE_SCOPE();
        if (!call())
            return false;
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* The median of runs that take at least a fifth of a millisecond each; negative: the call failed. */
static double nanoseconds(hone_tensor *(*call)(void), double seconds)
{
    double took[99];
    int calls = 1, runs = 0;
    if (!run(call, 2))
        return -1;
    for (double begin = thread_ns(); run(call, calls) && thread_ns() - begin < 2e5;
         begin = thread_ns())
        calls *= 2;
    for (double begin = thread_ns(); runs < 99 && (runs < 3 || thread_ns() - begin < seconds * 1e9);
         runs++) {
        const double from = thread_ns();
        run(call, calls);
        took[runs] = (thread_ns() - from) / calls;
    }
    qsort(took, (size_t)runs, sizeof *took, by_size);
    return took[runs / 2];
}

static hone_tensor *laid_out(hone_tensor *t, bool transposed)
{
    return transposed ? hone_transpose(t, 0, 1) : t;
}

static void make(int64_t side, bool transposed)
{
    hone_tensor *u = hone_rand(HONE_F32, side, side), *v = hone_rand(HONE_F32, side, side);
    hone_tensor *w = hone_rand(HONE_F32, side, side);
    x = laid_out(hone_add_scalar(hone_mul_scalar(u, 1.5), 0.5), transposed);
    y = laid_out(hone_add_scalar(hone_mul_scalar(v, 1.5), 0.5), transposed);
    z = laid_out(hone_sub_scalar(hone_mul_scalar(w, 6), 3), transposed);
    m = laid_out(hone_gt_scalar(u, 0.5), transposed);
    n = laid_out(hone_gt_scalar(v, 0.5), transposed);
    i = laid_out(hone_to(hone_mul_scalar(u, 10), HONE_I64), transposed);
    j = laid_out(hone_to(hone_mul_scalar(v, 10), HONE_I64), transposed);
    at = laid_out(hone_to(hone_mul_scalar(w, (double)side * 0.999), HONE_I64), transposed);
    line = hone_reshape(u, -1);
    row = hone_rand(HONE_F32, side);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 0.02;
    const char *only = argc > 2 ? argv[2] : "";
    static const int64_t sides[] = { 32, 1000 };
    HONE_NO_GRAD();
    hone_set_threads(1);
    hone_seed(0);
    for (int s = 0; s < 2; s++)
        for (int transposed = 0; transposed < 2; transposed++) {
            HONE_SCOPE();
            make(sides[s], transposed);
            for (size_t e = 0; e < sizeof entries / sizeof *entries; e++) {
                if (!is_wanted(entries[e].name, only))
                    continue;
                const double ns = nanoseconds(entries[e].call, seconds);
                if (ns < 0) {
                    fprintf(stderr, "%s: %s\n", entries[e].name, hone_error_message());
                    return 1;
                }
                printf("%s %s %s %.1f\n", entries[e].name, s ? "1e6" : "1e3",
                       transposed ? "transposed" : "contiguous", ns);
                fflush(stdout);
            }
        }
    return 0;
}

/* Softmax, layer norm, cross entropy and their gradients where operands don't lie as the kernels
 * want them: the bits of contiguous operands, on any number of threads, and no copy of an
 * operand. */
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>

/* Everything is divided over hone_set_threads(n) threads. */
static void divide_all(void)
{
    setenv("HONE_FORCE_THREADS", "5", 1);
    test_begin();
}
TestSuite(row_groups, .init = divide_all, .fini = test_end);

/* What the ops take: a and b of one shape and layout (b: y or dy), a weight like the last dim. */
typedef struct {
    hone_tensor *a, *b, *weight, *target;
    int dim;
} operands;
typedef hone_tensor *(*maker)(const operands *o);

static hone_tensor *softmax(const operands *o)
{
    return hone_softmax(o->a, o->dim);
}
static hone_tensor *log_softmax(const operands *o)
{
    return hone_log_softmax(o->a, o->dim);
}
static hone_tensor *logsumexp(const operands *o)
{
    return hone_logsumexp(o->a, o->dim, false);
}
static hone_tensor *softmax_backward(const operands *o)
{
    return hone_softmax_backward(o->a, o->b, o->dim);
}
static hone_tensor *softmax_backward_of_one(const operands *o) /* only y is strided */
{
    return hone_softmax_backward(hone_contiguous(o->a), o->b, o->dim);
}
static hone_tensor *log_softmax_backward(const operands *o)
{
    return hone_log_softmax_backward(o->a, o->b, o->dim);
}
static hone_tensor *norm(const operands *o)
{
    return hone_layer_norm(o->a, o->weight, o->weight, 1, 1e-5);
}
static hone_tensor *norm_backward(const operands *o)
{
    return hone_layer_norm_backward(o->b, o->a, o->weight, 1, 1e-5);
}
static hone_tensor *norm_backward_of_one(const operands *o) /* only x is strided */
{
    return hone_layer_norm_backward(hone_contiguous(o->b), o->a, o->weight, 1, 1e-5);
}
static hone_tensor *norm_weight(const operands *o)
{
    return hone_layer_norm_weight_backward(o->b, o->a, 1, 1e-5);
}

/* The gradients' ops get what the forward kept. */
static hone_tensor *norm_walk(const operands *o)
{
    hone_tensor *weight = hone_requires_grad_(hone_clone(o->weight), true);
    hone_tensor *x = hone_requires_grad_(hone_detach(o->a), true);
    hone_tensor *y = hone_layer_norm(x, weight, HONE_NONE, 1, 1e-5);
    const hone_autograd_options options = { .grad_outputs = hone_list(o->b) };
    hone_tensor_list grad = hone_autograd_grad(hone_list(y), hone_list(x, weight), &options);
    return grad.at ? hone_add(grad.at[0], grad.at[1]) : NULL;
}

static hone_tensor *cross_entropy(const operands *o)
{
    return hone_dim(o->a) == 2 ? hone_cross_entropy(o->a, o->target) : o->a;
}
static hone_tensor *cross_entropy_backward(const operands *o)
{
    return hone_dim(o->a) == 2
               ? hone_cross_entropy_backward(hone_scalar(hone_dtype_of(o->a), 3), o->a, o->target)
               : o->a;
}

/* Those with the smallest results first. */
static const maker makers[] = { cross_entropy,
                                logsumexp,
                                norm_weight,
                                softmax,
                                log_softmax,
                                softmax_backward,
                                log_softmax_backward,
                                norm,
                                norm_backward,
                                cross_entropy_backward,
                                softmax_backward_of_one,
                                norm_backward_of_one,
                                norm_walk };
enum { N_MAKERS = sizeof makers / sizeof *makers, NO_COPIES = 10 };

/* [n, m] (or [2, n, m]) in the memory of another shape. */
static hone_tensor *laid_out(int layout, hone_dtype dtype, int64_t n, int64_t m)
{
    switch (layout) {
    case 0:
        return hone_transpose(hone_randn(dtype, m, n), 0, 1);
    case 1:
        return hone_slice(hone_randn(dtype, n, 2 * m), 1, 1, 2 * m, 2);
    case 2:
        return hone_slice(hone_transpose(hone_randn(dtype, m, 3 * n), 0, 1), 0, 0, 3 * n, 3);
    case 3: /* one row for all */
        return hone_expand(hone_randn(dtype, 1, m), n, m);
    case 4: /* one column for all */
        return hone_expand(hone_randn(dtype, n, 1), n, m);
    case 5: /* rows that lie side by side, but not all one stride apart */
        return hone_transpose(hone_randn(dtype, n, 2, m), 0, 1);
    case 6:
        return hone_permute(hone_randn(dtype, m, 2, n), 1, 2, 0);
    case 7: /* no row after the other */
        return hone_permute(hone_randn(dtype, n, m, 2), 2, 0, 1);
    default: /* a dim of stride 0 between others */
        return hone_expand(hone_randn(dtype, 2, 1, m), 2, n, m);
    }
}
enum { N_LAYOUTS = 9 };

/* Every op once a dim, the number of threads another one each time. */
static void check_layout(int layout, hone_dtype dtype, int64_t n, int64_t m)
{
    HONE_SCOPE();
    operands o = { laid_out(layout, dtype, n, m), laid_out(layout, dtype, n, m),
                   hone_randn(dtype, m), hone_randint(HONE_I64, 0, m, n), 0 };
    cr_assert(o.a && o.b && o.weight && o.target, "%s", hone_error_message());
    operands plain = o;
    plain.a = hone_contiguous(o.a);
    plain.b = hone_contiguous(o.b);
    for (int dim = 0; dim < hone_dim(o.a); dim++)
        for (int i = 0; i < N_MAKERS; i++) {
            const int threads = 1 + (layout + dim + i + (int)n) % 5;
            o.dim = plain.dim = dim;
            CHECK_OK(hone_set_threads(1));
            hone_tensor *want = makers[i](&plain);
            CHECK_OK(hone_set_threads(threads));
            hone_tensor *got = makers[i](&o);
            cr_assert(want && got && hone_equal(got, want),
                      "op %d, layout %d, [%d, %d] of %s, dim %d, %d threads: %s", i, layout, (int)n,
                      (int)m, hone_dtype_name(dtype), dim, threads, hone_error_message());
        }
}

Test(row_groups, layout_changes_no_bit)
{
    static const int64_t shapes[][2] = {
        { 1, 7 }, { 37, 5 }, { 19, 300 }, { 300, 70 }, { 2, 4100 }
    };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int layout = 0; layout < N_LAYOUTS; layout++)
            check_layout(layout, (s + (size_t)layout) % 2 ? HONE_F64 : HONE_F32, shapes[s][0],
                         shapes[s][1]);
}

/* Groups as small as a thread's share, and rows of which a group has few. */
Test(row_groups, long_rows)
{
    check_layout(0, HONE_F32, 20, 20000);
    check_layout(1, HONE_F32, 1, 300000);
}

/* An operand of 16 MiB; what is taken beside the result stays below 3. */
Test(row_groups, no_operand_is_copied)
{
    enum { SIDE = 2048, BYTES = SIDE * SIDE * 4, MOST = 3 << 20 };
    CHECK_OK(hone_set_threads(1));
    for (int i = 0; i < 2 * NO_COPIES; i++) {
        HONE_SCOPE();
        const maker make = makers[i / 2];
        hone_tensor *x = laid_out(0, HONE_F32, SIDE, SIDE), *row = hone_randn(HONE_F32, SIDE);
        const operands o = { x, x, row, hone_randint(HONE_I64, 0, SIDE, SIDE), i % 2 };
        hone_memory before, after;
        hone_memory_stats(&before);
        hone_tensor *result = make(&o);
        cr_assert(result, "%s", hone_error_message());
        hone_memory_stats(&after);
        cr_assert(after.peak_bytes <= before.in_use_bytes + 4 * hone_numel(result) + MOST,
                  "op %d, dim %d: %lld bytes", i / 2, i % 2,
                  (long long)(after.peak_bytes - before.in_use_bytes));
    }
}

static bool step(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_zeros(HONE_F32, 150, 200), *y = hone_zeros(HONE_I64, 200);
    hone_tensor *t = x ? hone_transpose(x, 0, 1) : NULL;
    return t && y && hone_logsumexp(t, 1, false) && hone_softmax_backward(t, t, 1) &&
           hone_layer_norm_weight_backward(t, t, 1, 1e-5) && hone_cross_entropy(t, y) &&
           hone_softmax(t, 0) && hone_layer_norm_backward(t, t, HONE_NONE, 1, 1e-5);
}

Test(row_groups, out_of_memory)
{
    test_each_allocation_fails(step);
}

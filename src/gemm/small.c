/* small.c: products that take less time than the decisions of plan.c, or little more. One thread,
 * one range of k, A read where it lies, B too or packed on the stack. */
#include "gemm/plan.h"

#include "isa/isa.h"
#include "runtime/fpmode.h"
#include "runtime/parallel.h"

#include <stdalign.h>

enum { SMALL_PRODUCTS = 1 << 20, PACKED_BYTES = 32 << 10, PACK_SLACK_BYTES = 128 };

static bool plain(const hone__gemm_args *x)
{
    return x->alpha == 1.0 && !x->accumulate && x->act != HONE__GEMM_RELU && !x->bias;
}

/* Columns from `col` on, all rows; `b` is the panel's first element. */
static void run_panel(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                      const hone__gemm_epilogue *finish, const char *b, int64_t b_rs, int64_t col,
                      int width)
{
    const int64_t size = x->dtype == HONE__GEMM_F32 ? 4 : 8;
    const hone__gemm_share rows =
        hone__gemm_share_of(x->m, hone__gemm_tile_rows(kernel, width, x->k, x->a_cs));
    hone__gemm_tile t = {
        .k = x->k,
        .a = x->a,
        .a_rs = x->a_rs,
        .a_cs = x->a_cs,
        .b = b,
        .b_rs = b_rs,
        .c = (char *)x->c + col * size,
        .c_rs = x->c_rs,
        .nr = width,
        .finish = finish,
        .bias = x->bias ? (const char *)x->bias + col * x->bias_cs * size : NULL,
    };
    for (int64_t i = 0; i < rows.parts; i++) {
        t.mr = rows.length + (i < rows.longer);
        kernel->tile(&t);
        t.a = (const char *)t.a + t.mr * x->a_rs * size;
        t.c = (char *)t.c + t.mr * x->c_rs * size;
        if (x->bias) {
            t.bias = (const char *)t.bias + t.mr * x->bias_rs * size;
        }
    }
}

/* The first n columns. */
static void run_panels(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_epilogue *finish, int n, bool in_place)
{
    const int64_t size = x->dtype == HONE__GEMM_F32 ? 4 : 8;
    const hone__gemm_share widths = hone__gemm_share_of(
        hone__gemm_vectors(kernel, n), (int)hone__gemm_vectors(kernel, kernel->wide));
    alignas(64) char packed[PACKED_BYTES + PACK_SLACK_BYTES];
    int col = 0;
    for (int64_t i = 0; i < widths.parts; i++) {
        int width = (widths.length + (i < widths.longer)) * kernel->vl;
        width = width < n - col ? width : n - col;
        const char *b = (const char *)x->b + col * x->b_cs * size;
        if (in_place) {
            run_panel(kernel, x, finish, b, x->b_rs, col, width);
        } else {
            kernel->pack(x->k, kernel->wide, width, packed, b, x->b_cs, x->b_rs);
            run_panel(kernel, x, finish, packed, kernel->wide, col, width);
        }
        col += width;
    }
}

static void run(const hone__gemm_kernel *kernel, const hone__gemm_args *x, bool in_place)
{
    const hone__gemm_epilogue epilogue = { .alpha = x->alpha,
                                           .accumulate = x->accumulate,
                                           .relu = x->act == HONE__GEMM_RELU,
                                           .bias_rs = x->bias_rs,
                                           .bias_cs = x->bias_cs };
    const hone__gemm_epilogue *finish = plain(x) ? NULL : &epilogue;
    const int64_t upright = hone__gemm_upright_columns(kernel, x, x->m, x->n);
    if (upright < x->n) {
        run_panels(kernel, x, finish, (int)(x->n - upright), in_place);
    }
    if (upright > 0) {
        const hone__gemm_region last = { .a = x->a,
                                         .b = x->b,
                                         .c = x->c,
                                         .c_rs = x->c_rs,
                                         .k = x->k,
                                         .m1 = x->m,
                                         .n0 = x->n - upright,
                                         .n1 = x->n,
                                         .epilogue = finish,
                                         .bias = x->bias };
        hone__gemm_upright(kernel, x, &last);
    }
}

static void activate(const hone__gemm_args *x)
{
    const hone__unary_fn activation = hone__gemm_activation(x);
    if (!activation) {
        return;
    }
    const int64_t row_bytes = x->c_rs * (x->dtype == HONE__GEMM_F32 ? 4 : 8);
    const char *c = x->c;
    char *to = x->activated ? x->activated : x->c;
    const bool rows_meet = x->c_rs == x->n;
    for (int64_t i = 0; i < (rows_meet ? 1 : x->m); i++, c += row_bytes, to += row_bytes) {
        activation(rows_meet ? x->m * x->n : x->n, to, 1, c, 1);
    }
}

bool hone__gemm_small(const hone__gemm_args *x)
{
    if (x->n_batch_dims > 0 || x->m < 2 || x->n < 2 || x->k < 1 || x->c_cs != 1 ||
        x->m > SMALL_PRODUCTS || x->n > SMALL_PRODUCTS || x->k > SMALL_PRODUCTS ||
        x->m * x->n > SMALL_PRODUCTS || x->m * x->n * x->k > SMALL_PRODUCTS ||
        (x->bias && x->bias_rs != 0 && x->bias_cs != 0) ||
        hone__gemm_order_of(x) != HONE__GEMM_CHAIN) {
        return false;
    }
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[x->dtype];
    const int64_t size = x->dtype == HONE__GEMM_F32 ? 4 : 8;
    const bool in_place =
        !hone__gemm_packs_b(kernel, x, size) && (kernel->direct_tails || x->n % kernel->vl == 0);
    const double ns = 2 * (double)(x->m * x->n * x->k) / kernel->flops_per_ns;
    if ((!in_place && kernel->wide * x->k * size > PACKED_BYTES) ||
        hone__team_for(ns, x->m * x->n) > 1) {
        return false;
    }
    const hone__fpmode before = hone__fpmode_enter();
    run(kernel, x, in_place);
    activate(x);
    hone__fpmode_leave(before);
    return true;
}

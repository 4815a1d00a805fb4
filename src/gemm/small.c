/* small.c: products that take less time than the decisions of plan.c, or little more. One thread,
 * one range of k, A read where it lies, B too or packed on the stack. */
#include "gemm/plan.h"

#include "isa/isa.h"
#include "runtime/fpmode.h"
#include "runtime/parallel.h"

#include <stdalign.h>

enum { SMALL_PRODUCTS = 1 << 20, PACKED_BYTES = 32 << 10, PACK_SLACK_BYTES = 128 };

/* `total` in `parts` as even as can be: the first `longer` have one more than `length`. */
typedef struct {
    int parts, length, longer;
} share;

static share share_of(int total, int most)
{
    const int parts = (total + most - 1) / most, length = total / parts;
    return (share){ parts, length, total - parts * length };
}

static bool plain(const hone__gemm_args *x)
{
    return x->alpha == 1.0 && !x->accumulate && x->act == HONE__GEMM_NO_ACT && !x->bias;
}

/* Columns from `col` on, all rows; `b` is the panel's first element. */
static void run_panel(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int size,
                      const char *b, int64_t b_rs, int64_t col, int width)
{
    const share rows = share_of((int)x->m, kernel->rows[(width + kernel->vl - 1) / kernel->vl]);
    const hone__gemm_epilogue epilogue = { .alpha = x->alpha,
                                           .accumulate = x->accumulate,
                                           .relu = x->act == HONE__GEMM_RELU,
                                           .bias_rs = x->bias_rs,
                                           .bias_cs = x->bias_cs };
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
        .finish = plain(x) ? NULL : &epilogue,
        .bias = x->bias ? (const char *)x->bias + col * x->bias_cs * size : NULL,
    };
    for (int i = 0; i < rows.parts; i++) {
        t.mr = rows.length + (i < rows.longer);
        kernel->tile(&t);
        t.a = (const char *)t.a + t.mr * x->a_rs * size;
        t.c = (char *)t.c + t.mr * x->c_rs * size;
        if (x->bias) {
            t.bias = (const char *)t.bias + t.mr * x->bias_rs * size;
        }
    }
}

static void run(const hone__gemm_kernel *kernel, const hone__gemm_args *x, bool in_place)
{
    const int size = x->dtype == HONE__GEMM_F32 ? 4 : 8;
    const share widths =
        share_of(((int)x->n + kernel->vl - 1) / kernel->vl, kernel->wide / kernel->vl);
    alignas(64) char packed[PACKED_BYTES + PACK_SLACK_BYTES];
    int col = 0;
    for (int i = 0; i < widths.parts; i++) {
        int width = (widths.length + (i < widths.longer)) * kernel->vl;
        width = width < x->n - col ? width : (int)x->n - col;
        const char *b = (const char *)x->b + col * x->b_cs * size;
        if (in_place) {
            run_panel(kernel, x, size, b, x->b_rs, col, width);
        } else {
            kernel->pack(x->k, kernel->wide, width, packed, b, x->b_cs, x->b_rs);
            run_panel(kernel, x, size, packed, kernel->wide, col, width);
        }
        col += width;
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
    hone__fpmode_leave(before);
    return true;
}

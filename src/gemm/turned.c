/* turned.c: columns of C whose vectors run along m although A is contiguous along k: few columns
 * would fill a part of each vector along n, and the kernel can turn A on the way. */
#include "gemm/turned.h"

#include <stdalign.h>
#include <string.h>

/* What so many columns take, in columns: turning hides behind the multiplications of four, and half
 * a vector along n takes more than half the time, as A's elements are loaded all the same. */
static double along_m(int64_t columns)
{
    return columns < 4 ? 4 : (double)columns;
}

static double along_n(const hone__gemm_kernel *kernel, int64_t columns)
{
    const bool half = kernel->half_tails && 2 * columns <= kernel->vl;
    return half ? 0.8 * kernel->vl : kernel->vl;
}

enum { SHORTEST_K = 16 };

int64_t hone__gemm_turned_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                  int64_t m, int64_t n)
{
    const int64_t tail = n & (kernel->vl - 1);
    const bool can = tail > 0 && tail <= kernel->turning_columns && x->a_cs == 1 && x->b_cs == 1 &&
                     x->c_cs == 1 && m >= kernel->vl && x->k >= SHORTEST_K &&
                     x->accumulate != HONE__GEMM_BEGIN;
    return can && along_m(tail) < along_n(kernel, tail) ? tail : 0;
}

/* The last `rows` of a tile's rows, the others being done already: they are left alone. */
static void run_last(const hone__gemm_kernel *kernel, hone__gemm_tile t, int rows, int64_t size)
{
    enum { MAX_BYTES = 1024 };
    alignas(64) char c[MAX_BYTES];
    const size_t row = (size_t)(t.nr * size);
    char *to = (char *)t.c;
    if (t.finish && t.finish->accumulate) {
        for (int i = 0; i < kernel->vl; i++) {
            memcpy(c + (size_t)i * row, to + i * t.c_rs * size, row);
        }
    }
    const int64_t c_rs = t.c_rs * size;
    t.c = c;
    t.c_rs = t.nr;
    kernel->turning_tile(&t);
    for (int i = kernel->vl - rows; i < kernel->vl; i++) {
        memcpy(to + i * c_rs, c + (size_t)i * row, row);
    }
}

static void move_down(hone__gemm_tile *t, const hone__gemm_args *x, int64_t rows, int64_t size)
{
    t->a = (const char *)t->a + rows * x->a_rs * size;
    t->c = (char *)t->c + rows * t->c_rs * size;
    if (t->bias) {
        t->bias = (const char *)t->bias + rows * x->bias_rs * size;
    }
}

void hone__gemm_turned(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_region *region)
{
    const int64_t size = hone__gemm_size(x->dtype);
    const int64_t row = region->m0, col = region->n0;
    hone__gemm_tile t = {
        .k = region->k,
        .a = region->a + row * x->a_rs * size,
        .a_rs = x->a_rs,
        .a_cs = 1,
        .b = region->b + col * size,
        .b_rs = x->b_rs,
        .c = region->c + (row * region->c_rs + col) * size,
        .c_rs = region->c_rs,
        .mr = kernel->vl,
        .nr = (int)(region->n1 - col),
        .finish = region->epilogue,
        .bias = region->bias ? region->bias + (row * x->bias_rs + col * x->bias_cs) * size : NULL,
    };
    int64_t left = region->m1 - row;
    for (; left >= kernel->vl; left -= kernel->vl) {
        kernel->turning_tile(&t);
        move_down(&t, x, kernel->vl, size);
    }
    if (left == 0) {
        return;
    }
    if (kernel->direct_tails && (double)left * along_n(kernel, t.nr) < along_m(t.nr) * kernel->vl) {
        t.mr = (int)left;
        kernel->tile(&t);
        return;
    }
    move_down(&t, x, left - kernel->vl, size);
    run_last(kernel, t, (int)left, size);
}

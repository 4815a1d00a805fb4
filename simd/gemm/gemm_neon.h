/* gemm_neon.h: the matrix product's kernels for NEON, for simd/isa/neon.c (after vec/vec_neon.h).
 */
#ifndef HONE_GEMM_GEMM_NEON_H
#define HONE_GEMM_GEMM_NEON_H

#include "gemm/gemm_kernels.h"

/* Four columns at a time, by 4 x 4 transposes. */
static int hone__f32_gemm_pack_columns_neon(int64_t k, int64_t width, int valid, float *panel,
                                            const float *x, int64_t ps)
{
    int j = 0;
    for (; j + 4 <= valid; j += 4) {
        const float *from = x + j * ps;
        float *to = panel + j;
        int64_t p = 0;
        for (; p + 4 <= k; p += 4) {
            const float32x4_t c0 = vld1q_f32(from + p), c1 = vld1q_f32(from + p + ps);
            const float32x4_t c2 = vld1q_f32(from + p + 2 * ps), c3 = vld1q_f32(from + p + 3 * ps);
            const float32x4x2_t lo = vzipq_f32(c0, c2), hi = vzipq_f32(c1, c3);
            const float32x4x2_t first = vzipq_f32(lo.val[0], hi.val[0]);
            const float32x4x2_t last = vzipq_f32(lo.val[1], hi.val[1]);
            vst1q_f32(to + p * width, first.val[0]);
            vst1q_f32(to + (p + 1) * width, first.val[1]);
            vst1q_f32(to + (p + 2) * width, last.val[0]);
            vst1q_f32(to + (p + 3) * width, last.val[1]);
        }
        for (; p < k; p++) {
            for (int c = 0; c < 4; c++) {
                to[p * width + c] = from[c * ps + p];
            }
        }
    }
    return j;
}

/* Two columns at a time. */
static int hone__f64_gemm_pack_columns_neon(int64_t k, int64_t width, int valid, double *panel,
                                            const double *x, int64_t ps)
{
    int j = 0;
    for (; j + 2 <= valid; j += 2) {
        const double *from = x + j * ps;
        double *to = panel + j;
        int64_t p = 0;
        for (; p + 2 <= k; p += 2) {
            const float64x2_t c0 = vld1q_f64(from + p), c1 = vld1q_f64(from + p + ps);
            vst1q_f64(to + p * width, vzip1q_f64(c0, c1));
            vst1q_f64(to + (p + 1) * width, vzip2q_f64(c0, c1));
        }
        if (p < k) {
            to[p * width] = from[p];
            to[p * width + 1] = from[ps + p];
        }
    }
    return j;
}

static HONE__GEMM_INLINE int64_t hone__gemm_column(int column, int there)
{
    return column < there ? column : there - 1;
}

/* Four k of four columns, each a vector. */
static HONE__GEMM_INLINE void hone__f32_gemm_turn_neon(const float *x, int64_t bs, const int there,
                                                       float32x4_t *v)
{
    const float32x4_t c0 = vld1q_f32(x), c1 = vld1q_f32(x + hone__gemm_column(1, there) * bs);
    const float32x4_t c2 = vld1q_f32(x + hone__gemm_column(2, there) * bs);
    const float32x4_t c3 = vld1q_f32(x + hone__gemm_column(3, there) * bs);
    const float32x4x2_t lo = vzipq_f32(c0, c2), hi = vzipq_f32(c1, c3);
    const float32x4x2_t first = vzipq_f32(lo.val[0], hi.val[0]);
    const float32x4x2_t last = vzipq_f32(lo.val[1], hi.val[1]);
    v[0] = first.val[0];
    v[1] = first.val[1];
    v[2] = last.val[0];
    v[3] = last.val[1];
}

/* Two k of two columns. */
static HONE__GEMM_INLINE void hone__f64_gemm_turn_neon(const double *x, int64_t bs, const int there,
                                                       float64x2_t *v)
{
    const float64x2_t c0 = vld1q_f64(x), c1 = vld1q_f64(x + hone__gemm_column(1, there) * bs);
    v[0] = vzip1q_f64(c0, c1);
    v[1] = vzip2q_f64(c0, c1);
}

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS hone__f32_gemm_pack_columns_neon
#include "gemm/f32_gemm_neon_8x12.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 4
#define FEW_TURN hone__f32_gemm_turn_neon
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS hone__f64_gemm_pack_columns_neon
#include "gemm/f64_gemm_neon_8x6.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 2
#define FEW_TURN hone__f64_gemm_turn_neon
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__GEMM_KERNELS                                                                         \
    {                                                                                              \
        .of = {                                                                                    \
            HONE__GEMM_KERNEL(f32, neon_8x12, .vl = 4, .mr = 8, .nr = 12, .wide = 12,              \
                              .rows = { 0, 8, 8, 8 }, .flops_per_ns = 30, .few_rows = 3,           \
                              .dot_tree = 16, .blocks = { 128, 256 }),                             \
            HONE__GEMM_KERNEL(f64, neon_8x6, .vl = 2, .mr = 8, .nr = 6, .wide = 6,                 \
                              .rows = { 0, 8, 8, 8 }, .flops_per_ns = 15, .few_rows = 3,           \
                              .dot_tree = 16, .blocks = { 128, 192 }),                             \
        }                                                                                          \
    }

#endif

/* gemm_scalar.h: the matrix product's kernels in plain C, for simd/isa/scalar.c (after
 * vec/vec_scalar.h). */
#ifndef HONE_GEMM_GEMM_SCALAR_H
#define HONE_GEMM_GEMM_SCALAR_H

#include "gemm/gemm_kernels.h"

#define PACK_NOTHING(k, width, valid, panel, x, ps) 0

#define TURN_NOTHING(x, bs, there, v) (v)[0] = (x)[0]

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS PACK_NOTHING
#include "gemm/f32_gemm_scalar_4x4.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 1
#define FEW_TURN TURN_NOTHING
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS PACK_NOTHING
#include "gemm/f64_gemm_scalar_4x4.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 1
#define FEW_TURN TURN_NOTHING
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__GEMM_KERNELS                                                                         \
    {                                                                                              \
        .of = {                                                                                    \
            HONE__GEMM_KERNEL(f32, scalar_4x4, .vl = 1, .mr = 4, .nr = 4, .wide = 4,               \
                              .rows = { 0, 4, 4, 4, 4 }, .direct_tails = 1, .flops_per_ns = 0.5,   \
                              .few_rows = 3, .dot_tree = 64, .blocks = { 64, 256 }),               \
            HONE__GEMM_KERNEL(f64, scalar_4x4, .vl = 1, .mr = 4, .nr = 4, .wide = 4,               \
                              .rows = { 0, 4, 4, 4, 4 }, .direct_tails = 1, .flops_per_ns = 0.5,   \
                              .few_rows = 3, .dot_tree = 64, .blocks = { 64, 256 }),               \
        }                                                                                          \
    }

#endif

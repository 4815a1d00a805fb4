/* bf16_avx2.c: products of bf16 on AVX2 and FMA; compiled as avx2.c. */
#include "isa/bf16.h"
#include "isa/tables.h"

#include "vec/vec_avx2.h"

static inline const hone__gemm_kernel *f32_kernel(void)
{
    return &hone__isa_avx2.gemm.of[0];
}

enum { TILES_MR = 6, TILES_NV = 2 };

#include "gemm/bf16_widened.h"
#include "gemm/bf16_fma.h"
#include "gemm/bf16_few_avx2.h"
#include "gemm/bf16_few_run.h"
#include "gemm/bf16_narrow.h"

const hone__bf16_kernel hone__bf16_avx2 = {
    .name = "avx2",
    .isa = "avx2",
    .shape = { .name = "bf16_gemm_avx2_6x16", .mr = 6, .nr = 16, .vl = 16, .flops_per_ns = 80 },
    .pack = pack,
    .tile = tile,
    .rows = rows,
    .few = few,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .narrow = narrow,
    .follow = follow,
};

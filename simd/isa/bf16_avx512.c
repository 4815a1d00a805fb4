/* bf16_avx512.c: products of bf16 on AVX-512's FMAs; compiled as avx512.c. */
#include "isa/bf16.h"
#include "isa/tables.h"

#include "vec/vec_avx512.h"

static inline const hone__gemm_kernel *f32_kernel(void)
{
    return &hone__isa_avx512.gemm.of[0];
}

enum { TILES_MR = 8, TILES_NV = 3 };

#include "gemm/bf16_widened.h"
#include "gemm/bf16_fma.h"
#include "gemm/bf16_narrow.h"

const hone__bf16_kernel hone__bf16_avx512 = {
    .name = "avx512",
    .isa = "avx512",
    .shape = { .name = "bf16_gemm_avx512_8x48", .mr = 8, .nr = 48, .vl = 48, .flops_per_ns = 100 },
    .pack = pack,
    .tile = tile,
    .rows = rows,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .narrow = narrow,
    .follow = follow,
};

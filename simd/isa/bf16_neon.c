/* bf16_neon.c: products of bf16 on Advanced SIMD's FMAs; compiled as neon.c. */
#include "isa/bf16.h"
#include "isa/tables.h"

#include "vec/vec_neon.h"

static inline const hone__gemm_kernel *f32_kernel(void)
{
    return &hone__isa_neon.gemm.of[0];
}

enum { TILES_MR = 8, TILES_NV = 3 };

#include "gemm/bf16_widened.h"
#include "gemm/bf16_fma.h"
#include "gemm/bf16_narrow.h"

const hone__bf16_kernel hone__bf16_neon = {
    .name = "neon",
    .isa = "neon",
    .shape = { .name = "bf16_gemm_neon_8x12", .mr = 8, .nr = 12, .vl = 12, .flops_per_ns = 30 },
    .pack = pack,
    .tile = tile,
    .rows = rows,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .narrow = narrow,
    .follow = follow,
};

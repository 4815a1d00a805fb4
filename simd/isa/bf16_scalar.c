/* bf16_scalar.c: products of bf16 step by step, in plain C. */
#include "isa/bf16.h"
#include "isa/tables.h"

static inline const hone__gemm_kernel *f32_kernel(void)
{
    return &hone__isa_scalar.gemm.of[0];
}

#include "gemm/bf16_exact.h"
#include "gemm/bf16_narrow.h"
#include "gemm/bf16_widened.h"

const hone__bf16_kernel hone__bf16_scalar = {
    .name = "scalar",
    .isa = "scalar",
    .shape = { .name = "bf16_gemm_scalar_4x4", .mr = 4, .nr = 4, .vl = 4, .flops_per_ns = 0.5 },
    .pack = pack,
    .tile = exact_tile,
    .rows = exact_rows,
    .tiles = exact_tiles,
    .tiles_rows = exact_tiles_rows,
    .narrow = narrow,
    .follow = follow,
};

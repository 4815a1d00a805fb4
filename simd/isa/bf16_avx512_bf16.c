/* bf16_avx512_bf16.c: products of bf16 on AVX512-BF16's vdpbf16ps; compiled as avx512.c, with
 * -mavx512bf16. */
#include "isa/bf16.h"

#include <immintrin.h>
#include <stdbool.h>

#include "vec/vec_avx512.h"

#include "gemm/bf16_mode.h"
#include "gemm/bf16_narrow.h"
#include "gemm/bf16_pack_avx512.h"
#include "gemm/bf16_gemm_avx512_bf16_8x32.h"
#include "gemm/bf16_few_avx512.h"
#include "gemm/bf16_tiles_avx512_bf16.h"

const hone__bf16_kernel hone__bf16_avx512_bf16 = {
    .name = "avx512_bf16",
    .isa = "avx512",
    .paired = true,
    .shape = { .name = "bf16_gemm_avx512_bf16_8x32",
               .mr = TILE_MR,
               .nr = TILE_NR,
               .vl = TILE_NR,
               .flops_per_ns = 200 },
    .pack = pack,
    .tile = tile,
    .tile_narrow = tile_narrow,
    .rows = rows,
    .few = few_all,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .regroup = regroup,
    .narrow = narrow,
    .follow = follow,
};

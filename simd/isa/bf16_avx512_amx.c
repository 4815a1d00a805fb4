/* bf16_avx512_amx.c: products of bf16 in the order `tiles` on AMX's TDPBF16PS; compiled as avx512.c, with
 * -mamx-tile and -mamx-bf16. What isn't a product of tiles is bf16_avx512.c's. */
#include "isa/bf16.h"

#include <immintrin.h>
#include <stdbool.h>

#include "gemm/bf16_pack_amx.h"
#include "gemm/bf16_lay_amx.h"
#include "gemm/bf16_gemm_avx512_amx_32x32.h"
#include "gemm/bf16_few_amx.h"

static void tiles_rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                       bool resume)
{
    hone__bf16_avx512.tiles_rows(k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs, resume);
}

static void narrow(int64_t rows, int64_t n, uint16_t *to, int64_t to_rs, const float *from,
                   int64_t from_rs)
{
    hone__bf16_avx512.narrow(rows, n, to, to_rs, from, from_rs);
}

static void follow(int64_t rows, int64_t n, float *v, int64_t v_rs, const float *bias,
                   int64_t bias_rs, int64_t bias_cs, bool relu)
{
    hone__bf16_avx512.follow(rows, n, v, v_rs, bias, bias_rs, bias_cs, relu);
}

const hone__bf16_kernel hone__bf16_avx512_amx = {
    .name = "avx512_amx",
    .isa = "avx512",
    .tiled = true,
    .shape = { .name = "bf16_gemm_avx512_amx_32x32",
               .mr = AMX_MR,
               .nr = AMX_NR,
               .vl = AMX_NR,
               .flops_per_ns = 1000 },
    .pack = pack,
    .tile_narrow = tile_narrow,
    .few = few,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .lay = lay,
    .begin = begin,
    .end = end,
    .narrow = narrow,
    .follow = follow,
};

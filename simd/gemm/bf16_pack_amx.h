/* bf16_pack_amx.h: `pack` into panels of TDPBF16PS (bf16_kernels.h). (fragment of
 * simd/isa/bf16_avx512_amx.c) */
#include "gemm/bf16_kernels.h"
#include "gemm/bf16_turn_avx512.h"

enum { AMX_WIDTH = 32, AMX_ROWS = 16, AMX_K = HONE__BF16_TILE_K };
_Static_assert(AMX_K * sizeof(uint16_t) == 64, "a row of a tile is a line");

static HONE__GEMM_INLINE __mmask32 first_of(int64_t n)
{
    return n < 32 ? (__mmask32)((1u << n) - 1) : ~(__mmask32)0;
}

/* 16 rows of 16 words, `from_rs` words apart, turned. */
static HONE__GEMM_INLINE void turn_16(const uint32_t *from, int64_t from_rs, uint32_t *to,
                                      int64_t to_rs)
{
    HONE__GEMM_UNROLL
    for (int g = 0; g < 4; g++) { /* words 4 g .. 4 g + 3: lane l of c[i] is row 4 l + i */
        __m512i c[4], t[4];
        HONE__GEMM_UNROLL
        for (int i = 0; i < 4; i++) {
            const uint32_t *at = from + i * from_rs + 4 * g;
            c[i] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)at));
            HONE__GEMM_UNROLL
            for (int l = 1; l < 4; l++) {
                const __m128i *lane = (const __m128i *)(const void *)(at + 4 * l * from_rs);
                c[i] = _mm512_mask_broadcast_i32x4(c[i], (__mmask16)(0xF << 4 * l),
                                                   _mm_loadu_si128(lane));
            }
        }
        turn_words(c[0], c[1], c[2], c[3], t);
        HONE__GEMM_UNROLL
        for (int q = 0; q < 4; q++) {
            _mm512_storeu_si512(to + (4 * g + q) * to_rs, t[q]);
        }
    }
}

/* 32 neighbours of two k, or as many as `mask` says: 16 pairs each in to[0] and to[16]. */
static HONE__GEMM_INLINE void pair_up(__m512i first, __m512i second, uint32_t *to)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const __m512i l = _mm512_unpacklo_epi16(first, second);
    const __m512i h = _mm512_unpackhi_epi16(first, second);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(l, low, h));
    _mm512_storeu_si512(to + AMX_ROWS, _mm512_permutex2var_epi64(l, high, h));
}

/* A block of B from neighbours: rows of `some` k, ks apart. */
static HONE__GEMM_INLINE void pair_rows(int64_t some, __mmask32 mask, const uint16_t *x, int64_t ks,
                                        uint16_t pad, uint32_t *to)
{
    const __m512i missing = _mm512_set1_epi16((short)pad);
    for (int64_t p = 0; p < AMX_K; p += 2, to += AMX_WIDTH) {
        __m512i two[2] = { missing, missing };
        HONE__GEMM_UNROLL
        for (int i = 0; i < 2; i++) {
            if (p + i < some) {
                two[i] = _mm512_maskz_loadu_epi16(mask, x + (p + i) * ks);
            }
        }
        pair_up(two[0], two[1], to);
    }
}

/* Columns of any strides, and fewer than a block has, side by side. */
static HONE__GEMM_NOINLINE void gather_block(int64_t some, int valid, const uint16_t *x, int64_t ps,
                                             int64_t ks, uint16_t pad, uint16_t *to)
{
    for (int j = 0; j < AMX_WIDTH; j++, to += AMX_K) {
        for (int64_t p = 0; p < AMX_K; p++) {
            to[p] = j >= valid ? 0 : p < some ? x[j * ps + p * ks] : pad;
        }
    }
}

static HONE__GEMM_INLINE void turn_both(const void *from, int64_t from_rs, int64_t from_next,
                                        uint32_t *to, int64_t to_rs, int64_t to_next)
{
    const uint32_t *x = from;
    turn_16(x, from_rs, to, to_rs);
    turn_16(x + from_next, from_rs, to + to_next, to_rs);
}

/* Block of A from neighbours: as one of B, turned. */
static HONE__GEMM_NOINLINE void turn_rows(int64_t some, __mmask32 mask, const uint16_t *x,
                                          int64_t ks, uint16_t pad, uint32_t *to)
{
    uint32_t pairs[AMX_K / 2 * AMX_WIDTH];
    pair_rows(some, mask, x, ks, pad, pairs);
    turn_both(pairs, AMX_WIDTH, AMX_ROWS, to, AMX_K / 2, AMX_ROWS * AMX_K / 2);
}

/* Block of A that lies along k. */
static HONE__GEMM_INLINE void copy_rows(int64_t some, int valid, const uint16_t *x, int64_t ps,
                                        uint16_t pad, uint16_t *to)
{
    const __m512i missing = _mm512_set1_epi16((short)pad);
    for (int j = 0; j < valid; j++, to += AMX_K) {
        _mm512_storeu_si512(to, _mm512_mask_loadu_epi16(missing, first_of(some), x + j * ps));
    }
    memset(to, 0, (size_t)(AMX_WIDTH - valid) * AMX_K * sizeof *to);
}

static void pack(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x, int64_t ps,
                 int64_t ks, uint16_t pad)
{
    const bool of_a = pad == HONE__BF16_PAD_A;
    for (int64_t p = 0; p < k; p += AMX_K, panel += AMX_K / 2 * width, x += AMX_K * ks) {
        const int64_t some = k - p < AMX_K ? k - p : AMX_K;
        uint16_t block[AMX_WIDTH * AMX_K];
        if (of_a && ks == 1) {
            copy_rows(some, valid, x, ps, pad, (uint16_t *)panel);
        } else if (of_a && ps == 1) {
            turn_rows(some, first_of(valid), x, ks, pad, panel);
        } else if (of_a) {
            gather_block(some, valid, x, ps, ks, pad, (uint16_t *)panel);
        } else if (ps == 1) {
            pair_rows(some, first_of(valid), x, ks, pad, panel);
        } else if (ks == 1 && ps % 2 == 0 && some == AMX_K && valid == AMX_WIDTH) {
            turn_both(x, ps / 2, AMX_ROWS * ps / 2, panel, AMX_WIDTH, AMX_ROWS);
        } else {
            gather_block(some, valid, x, ps, ks, pad, block);
            turn_both(block, AMX_K / 2, AMX_ROWS * AMX_K / 2, panel, AMX_WIDTH, AMX_ROWS);
        }
    }
}

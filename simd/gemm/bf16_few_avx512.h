/* bf16_few_avx512.h: `few` (bf16_kernels.h): a B that lies along k is turned in registers, 16 k of 16
 * columns at a time. step_two(acc, a, b), what 16 lanes of pairs come to, was defined before, by
 * vdpbf16ps or by FMAs. (fragment of simd/isa/bf16_avx512.c and bf16_avx512_bf16.c) */
#include "gemm/bf16_turn_avx512.h"

enum { FEW_COLUMNS = 32, FEW_LANES = 16, FEW_GROUPS = FEW_COLUMNS / FEW_LANES, FEW_K = 1024 };

/* 16 k of columns i and i + 8. */
static HONE__GEMM_INLINE __m512i two_columns(const uint16_t *const *columns, int i, int64_t p)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(columns[i] + p));
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(columns[i + 8] + p));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* t[q]: by lanes of 128 bits, pairs q and 4 + q of columns i .. i + 3, then of i + 8 ... */
static HONE__GEMM_INLINE void turn_lanes(const uint16_t *const *columns, int i, int64_t p,
                                         __m512i *t)
{
    const __m512i c0 = two_columns(columns, i, p), c1 = two_columns(columns, i + 1, p);
    const __m512i c2 = two_columns(columns, i + 2, p), c3 = two_columns(columns, i + 3, p);
    turn_words(c0, c1, c2, c3, t);
}

/* out[q]: pair q of eight of 16 columns, the earlier k in the upper half. */
static HONE__GEMM_INLINE void turn_16(const uint16_t *const *columns, int64_t p, __m512i *out)
{
    /* words 1 0 3 2 ... of lanes 0 and 2 of both; lanes 1 and 3 are 8 words further on */
    const __m512i low =
        _mm512_set_epi16(54, 55, 52, 53, 50, 51, 48, 49, 22, 23, 20, 21, 18, 19, 16, 17, 38, 39, 36,
                         37, 34, 35, 32, 33, 6, 7, 4, 5, 2, 3, 0, 1);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(8));
    __m512i t[4], u[4];
    turn_lanes(columns, 0, p, t);
    turn_lanes(columns, 4, p, u);
    HONE__GEMM_UNROLL
    for (int q = 0; q < 4; q++) {
        out[q] = _mm512_permutex2var_epi16(t[q], low, u[q]);
        out[4 + q] = _mm512_permutex2var_epi16(t[q], high, u[q]);
    }
}

/* 16 k of a group of columns, of A at x. */
static HONE__GEMM_INLINE void few_step(const int rows, const uint16_t *const *columns, int64_t p,
                                       int x[HONE__BF16_ROWS][FEW_K / 2], int64_t at, const int g,
                                       __m512 acc[HONE__BF16_ROWS][FEW_GROUPS])
{
    __m512i w[8];
    turn_16(columns + g * FEW_LANES, p, w);
    HONE__GEMM_UNROLL
    for (int q = 0; q < 8; q++) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            acc[i][g] = step_two(acc[i][g], _mm512_set1_epi32(x[i][at + q]), w[q]);
        }
    }
}

/* 32 k: a line of each column of a group, that isn't asked for twice. */
static HONE__GEMM_INLINE void few_line(const int rows, const uint16_t *const *columns, int64_t p,
                                       int x[HONE__BF16_ROWS][FEW_K / 2], int64_t at,
                                       __m512 acc[HONE__BF16_ROWS][FEW_GROUPS])
{
    HONE__GEMM_UNROLL
    for (int g = 0; g < FEW_GROUPS; g++) {
        for (int half = 0; half < 2; half++) {
            few_step(rows, columns, p + 16 * half, x, at + 8 * half, g, acc);
        }
    }
}

typedef uint16_t few_lines[FEW_COLUMNS][32];

/* The last k of the columns, fewer than 32, filled up. */
static HONE__GEMM_NOINLINE void few_rest(const uint16_t *const *columns, int64_t p, int64_t k,
                                         uint16_t (*lines)[32], const uint16_t **at)
{
    memset(lines, 0, sizeof(few_lines));
    for (int j = 0; j < FEW_COLUMNS; j++) {
        memcpy(lines[j], columns[j] + p, (size_t)(k - p) * sizeof(uint16_t));
        at[j] = lines[j];
    }
}

/* Lines of the next columns. */
static HONE__GEMM_INLINE void ask_for_next(const uint16_t *next, int64_t b_cs, int64_t p)
{
    for (int j = 0; j < FEW_COLUMNS; j++) {
        __builtin_prefetch(next + j * b_cs + p, 0, 2);
    }
}

/* k <= FEW_K. */
static HONE__GEMM_INLINE void few_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                     int64_t a_rs, int64_t a_cs, const uint16_t *b, int64_t b_cs,
                                     float *c, int64_t c_rs, bool resume)
{
    int x[HONE__BF16_ROWS][FEW_K / 2];
    for (int i = 0; i < rows; i++) {
        for (int64_t p = 0; p < (k + 31) / 32 * 32; p += 2) {
            const uint16_t *from = a + i * a_rs + p * a_cs;
            const uint32_t first = p < k ? from[0] : HONE__BF16_PAD_A;
            x[i][p / 2] = (int)(first << 16 | (p + 1 < k ? from[a_cs] : HONE__BF16_PAD_A));
        }
    }
    for (int64_t j = 0; j < n; j += FEW_COLUMNS) {
        const int64_t some = n - j < FEW_COLUMNS ? n - j : FEW_COLUMNS;
        const __mmask32 mask = (__mmask32)(((uint64_t)1 << some) - 1);
        const uint16_t *columns[FEW_COLUMNS];
        for (int q = 0; q < FEW_COLUMNS; q++) { /* what isn't there is the last that is */
            columns[q] = b + (j + (q < some ? q : some - 1)) * b_cs;
        }
        __m512 acc[HONE__BF16_ROWS][FEW_GROUPS];
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            HONE__GEMM_UNROLL
            for (int g = 0; g < FEW_GROUPS; g++) {
                const __mmask16 half = resume ? (__mmask16)(mask >> 16 * g) : 0;
                acc[i][g] = _mm512_maskz_loadu_ps(half, c + i * c_rs + j + 16 * g);
            }
        }
        few_lines lines;
        const uint16_t *filled[FEW_COLUMNS];
        for (int64_t p = 0; p < k; p += 32) {
            const bool whole = p + 32 <= k;
            if (whole) {
                ask_for_next(b + (j + FEW_COLUMNS) * b_cs, b_cs, p);
            } else {
                few_rest(columns, p, k, lines, filled);
            }
            few_line(rows, whole ? columns : filled, whole ? p : 0, x, p / 2, acc);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            HONE__GEMM_UNROLL
            for (int g = 0; g < FEW_GROUPS; g++) {
                _mm512_mask_storeu_ps(c + i * c_rs + j + 16 * g, (__mmask16)(mask >> 16 * g),
                                      acc[i][g]);
            }
        }
    }
}

static void few_all(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                    const uint16_t *b, int64_t b_cs, float *c, int64_t c_rs, bool resume)
{
    for (int64_t p = 0; p == 0 || p < k; p += FEW_K) {
        const int64_t some = k - p < FEW_K ? k - p : FEW_K;
        HONE__BF16_BY_ROWS(rows, few_of, some, n, a + p * a_cs, a_rs, a_cs, b + p, b_cs, c, c_rs,
                           resume || p > 0);
    }
}

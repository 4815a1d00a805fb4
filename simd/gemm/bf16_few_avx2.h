/* bf16_few_avx2.h: `few` (bf16_kernels.h) by FMAs: a B that lies along k is turned in registers by words
 * of two k, of which FMAs take one and then the other. few_fast is to be called where the CPU flushes
 * denormals. (fragment of simd/isa/bf16_avx2.c) */

enum { FEW_LANES = 8 };
typedef __m256 few_vector;

static HONE__GEMM_INLINE few_vector few_fma(float a, few_vector b, few_vector acc)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(a), b, acc);
}

/* Of a word of two k the earlier one, then the later. */
static HONE__GEMM_INLINE few_vector few_earlier(few_vector words)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words), 16));
}

static HONE__GEMM_INLINE few_vector few_later(few_vector words)
{
    const __m256i upper = _mm256_set1_epi32((int)0xFFFF0000);
    return _mm256_and_ps(words, _mm256_castsi256_ps(upper));
}

/* Eight k of columns i and i + 4. */
static HONE__GEMM_INLINE few_vector few_two(const uint16_t *const *columns, int i, int64_t p)
{
    const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(columns[i] + p));
    const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(columns[i + 4] + p));
    return _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
}

/* words[q]: k 2 q and 2 q + 1 of a vector of columns. */
static HONE__GEMM_INLINE void few_turn(const uint16_t *const *columns, int64_t p, few_vector *words)
{
    const few_vector c0 = few_two(columns, 0, p), c1 = few_two(columns, 1, p);
    const few_vector c2 = few_two(columns, 2, p), c3 = few_two(columns, 3, p);
    const few_vector lo01 = _mm256_unpacklo_ps(c0, c1), hi01 = _mm256_unpackhi_ps(c0, c1);
    const few_vector lo23 = _mm256_unpacklo_ps(c2, c3), hi23 = _mm256_unpackhi_ps(c2, c3);
    words[0] = _mm256_shuffle_ps(lo01, lo23, 0x44);
    words[1] = _mm256_shuffle_ps(lo01, lo23, 0xee);
    words[2] = _mm256_shuffle_ps(hi01, hi23, 0x44);
    words[3] = _mm256_shuffle_ps(hi01, hi23, 0xee);
}
/* Vectors of columns that take turns, since each waits for its chain; k of a line, and of which A is
 * widened at a time. */
enum { FEW_GROUPS = 2, FEW_COLUMNS = FEW_GROUPS * FEW_LANES, FEW_LINE = 32, FEW_K = 1024 };

/* A line of each column, that isn't asked for twice; of A at x. */
static HONE__GEMM_INLINE void few_line(const int rows, const uint16_t *const *columns, int64_t p,
                                       float (*x)[FEW_K], int64_t at,
                                       few_vector acc[HONE__BF16_ROWS][FEW_GROUPS])
{
    for (int64_t q = 0; q < FEW_LINE; q += 8) {
        HONE__GEMM_UNROLL
        for (int g = 0; g < FEW_GROUPS; g++) {
            few_vector words[4];
            few_turn(columns + g * FEW_LANES, p + q, words);
            HONE__GEMM_UNROLL
            for (int w = 0; w < 4; w++) {
                const few_vector earlier = few_earlier(words[w]), later = few_later(words[w]);
                HONE__GEMM_UNROLL
                for (int i = 0; i < rows; i++) {
                    const float *a = x[i] + at + q + 2 * w;
                    acc[i][g] = few_fma(a[1], later, few_fma(a[0], earlier, acc[i][g]));
                }
            }
        }
    }
}

typedef uint16_t few_lines[FEW_COLUMNS][FEW_LINE];

/* The last k of the columns, fewer than a line, filled up. Of A they are -0, which adds nothing. */
static HONE__GEMM_NOINLINE void few_rest(const uint16_t *const *columns, int64_t p, int64_t k,
                                         uint16_t (*lines)[FEW_LINE], const uint16_t **at)
{
    memset(lines, 0, sizeof(few_lines));
    for (int j = 0; j < FEW_COLUMNS; j++) {
        memcpy(lines[j], columns[j] + p, (size_t)(k - p) * sizeof(uint16_t));
        at[j] = lines[j];
    }
}

/* k <= FEW_K. */
static HONE__GEMM_INLINE void few_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                     int64_t a_rs, int64_t a_cs, const uint16_t *b, int64_t b_cs,
                                     float *c, int64_t c_rs)
{
    float x[HONE__BF16_ROWS][FEW_K];
    for (int i = 0; i < rows; i++) {
        for (int64_t p = 0; p < (k + FEW_LINE - 1) / FEW_LINE * FEW_LINE; p++) {
            x[i][p] = p < k ? hone__bf16_widen(a[i * a_rs + p * a_cs]) : -0.0f;
        }
    }
    for (int64_t j = 0; j < n; j += FEW_COLUMNS) {
        const int64_t some = n - j < FEW_COLUMNS ? n - j : FEW_COLUMNS;
        const uint16_t *columns[FEW_COLUMNS], *filled[FEW_COLUMNS];
        for (int q = 0; q < FEW_COLUMNS; q++) { /* what isn't there is the last that is */
            columns[q] = b + (j + (q < some ? q : some - 1)) * b_cs;
        }
        float sums[HONE__BF16_ROWS][FEW_COLUMNS] = { { 0 } };
        few_vector acc[HONE__BF16_ROWS][FEW_GROUPS];
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            memcpy(sums[i], c + i * c_rs + j, (size_t)some * sizeof *c);
            memcpy(acc[i], sums[i], sizeof acc[i]);
        }
        few_lines lines;
        for (int64_t p = 0; p < k; p += FEW_LINE) {
            const bool whole = p + FEW_LINE <= k;
            if (whole) {
                for (int q = 0; q < FEW_COLUMNS; q++) {
                    __builtin_prefetch(b + (j + FEW_COLUMNS + q) * b_cs + p, 0,
                                       2); /* what is next */
                }
            } else {
                few_rest(columns, p, k, lines, filled);
            }
            few_line(rows, whole ? columns : filled, whole ? p : 0, x, p, acc);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            memcpy(sums[i], acc[i], sizeof acc[i]);
            memcpy(c + i * c_rs + j, sums[i], (size_t)some * sizeof *c);
        }
    }
}

/* Onto C. */
static HONE__GEMM_NOINLINE void few_fast(int64_t k, int rows, int64_t n, const uint16_t *a,
                                         int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                         int64_t b_cs, float *c, int64_t c_rs)
{
    for (int64_t p = 0; p < k; p += FEW_K) {
        const int64_t some = k - p < FEW_K ? k - p : FEW_K;
        HONE__BF16_BY_ROWS(rows, few_of, some, n, a + p * a_cs, a_rs, a_cs, b + p, b_cs, c, c_rs);
    }
}

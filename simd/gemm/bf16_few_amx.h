/* bf16_few_amx.h: `few` (bf16_kernels.h) by TDPBF16PS: C turned, C^T = B^T A^T, so that a B that lies along
 * k is read where it is. (fragment of simd/isa/bf16_avx512_amx.c) */

/* Columns at a time; k of which A is kept, turned. */
enum { FEW_COLUMNS = 2 * AMX_ROWS, FEW_K = 1024 };

/* Element [p, i] of A^T as an operand of pairs, 16 wide. */
static HONE__GEMM_INLINE void turn_few(int64_t k, int rows, const uint16_t *a, int64_t a_rs,
                                       int64_t a_cs, uint16_t *to)
{
    memset(to, 0, FEW_K * AMX_ROWS * sizeof *to);
    for (int64_t p = 0; p < k; p++) {
        for (int i = 0; i < rows; i++) {
            to[p / 2 * 2 * AMX_ROWS + 2 * i + p % 2] = a[i * a_rs + p * a_cs];
        }
    }
}

/* Lines of the columns that come next are asked for in the order in which they lie in memory. */
typedef struct {
    const uint16_t *at;
    int64_t line, lines, to_next; /* of a column; elements from its last one on */
} few_next;

static HONE__GEMM_INLINE void ask_for(few_next *next, int lines)
{
    for (int q = 0; q < lines; q++) {
        __builtin_prefetch(next->at, 0, 2);
        next->at += AMX_K;
        if (++next->line == next->lines) {
            next->line = 0;
            next->at += next->to_next;
        }
    }
}

/* Onto `sums`, which is [FEW_COLUMNS][AMX_ROWS]; k <= FEW_K. */
static HONE__GEMM_INLINE void few_product(int64_t k, int valid, const uint16_t *turned,
                                          const uint16_t *b, int64_t b_cs, float *sums)
{
    uint16_t block[AMX_WIDTH * AMX_K] __attribute__((aligned(64)));
    few_next next = { b + FEW_COLUMNS * b_cs, 0, (k + AMX_K - 1) / AMX_K, 0 };
    next.to_next = b_cs - next.lines * AMX_K;
    __asm__ volatile("" ::: "memory");
    _tile_loadd(0, sums, AMX_ROWS * 4);
    _tile_loadd(1, sums + AMX_ROWS * AMX_ROWS, AMX_ROWS * 4);
    for (int64_t p = 0; p < k; p += AMX_K, turned += AMX_ROWS * AMX_K) {
        const uint16_t *from = b + p;
        int64_t row = b_cs;
        ask_for(&next, FEW_COLUMNS);
        if (valid < FEW_COLUMNS || k - p < AMX_K) {
            copy_rows(k - p < AMX_K ? k - p : AMX_K, valid, from, b_cs, HONE__BF16_PAD_A, block);
            from = block;
            row = AMX_K;
            __asm__ volatile("" ::: "memory");
        }
        _tile_loadd(6, turned, 64);
        _tile_loadd(4, from, row * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, from + AMX_ROWS * row, row * 2);
        _tile_dpbf16ps(1, 5, 6);
    }
    _tile_stored(0, sums, AMX_ROWS * 4);
    _tile_stored(1, sums + AMX_ROWS * AMX_ROWS, AMX_ROWS * 4);
}

static void few(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                const uint16_t *b, int64_t b_cs, float *c, int64_t c_rs, bool resume)
{
    uint16_t turned[FEW_K * AMX_ROWS] __attribute__((aligned(64)));
    float sums[FEW_COLUMNS * AMX_ROWS] __attribute__((aligned(64))) = { 0 };
    for (int i = 0; i < rows && !resume; i++) {
        memset(c + i * c_rs, 0, (size_t)n * sizeof *c);
    }
    begin();
    for (int64_t p = 0; p < k; p += FEW_K) {
        const int64_t some = k - p < FEW_K ? k - p : FEW_K;
        turn_few(some, rows, a + p * a_cs, a_rs, a_cs, turned);
        for (int64_t j = 0; j < n; j += FEW_COLUMNS) {
            const int valid = (int)(n - j < FEW_COLUMNS ? n - j : FEW_COLUMNS);
            for (int q = 0; q < valid; q++) {
                for (int i = 0; i < rows; i++) {
                    sums[q * AMX_ROWS + i] = c[i * c_rs + j + q];
                }
            }
            few_product(some, valid, turned, b + j * b_cs + p, b_cs, sums);
            for (int q = 0; q < valid; q++) {
                for (int i = 0; i < rows; i++) {
                    c[i * c_rs + j + q] = sums[q * AMX_ROWS + i];
                }
            }
        }
    }
    end();
}

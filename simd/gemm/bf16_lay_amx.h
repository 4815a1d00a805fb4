/* bf16_lay_amx.h: `lay` (bf16_kernels.h): panels of B for TDPBF16PS from pairs that lie apart. (fragment
 * of simd/isa/bf16_avx512_amx.c) */

/* Runs of one length, which the compiler knows, that fill a row. */
static HONE__GEMM_INLINE void lay_alike(const int len, const uint32_t *from, int64_t step,
                                        int64_t rows, const hone__bf16_run *runs, uint32_t *to)
{
    const uint32_t *at[AMX_WIDTH];
    HONE__GEMM_UNROLL
    for (int r = 0; r < AMX_WIDTH / len; r++) {
        at[r] = from + runs[r].from;
    }
    for (int64_t i = 0; i < rows; i++, to += AMX_WIDTH) {
        HONE__GEMM_UNROLL
        for (int r = 0; r < AMX_WIDTH / len; r++) {
            memcpy(to + r * len, at[r] + i * step, (size_t)len * sizeof *to);
        }
    }
}

static HONE__GEMM_INLINE __mmask16 first_words(int64_t n)
{
    return n < 16 ? (__mmask16)((1u << n) - 1) : (__mmask16)0xFFFF;
}

static HONE__GEMM_INLINE void lay_any(const uint32_t *from, int64_t step, int64_t rows, int n_runs,
                                      const hone__bf16_run *runs, uint32_t *to)
{
    const __m512i none = _mm512_setzero_si512();
    for (int64_t i = 0; i < rows; i++, from += step, to += AMX_WIDTH) {
        _mm512_storeu_si512(to, none);
        _mm512_storeu_si512(to + 16, none);
        uint32_t *at = to;
        for (int r = 0; r < n_runs; at += runs[r++].n) {
            for (int64_t p = 0; p < runs[r].n; p += 16) {
                const __mmask16 mask = first_words(runs[r].n - p);
                _mm512_mask_storeu_epi32(at + p, mask,
                                         _mm512_maskz_loadu_epi32(mask, from + runs[r].from + p));
            }
        }
    }
}

static void lay(const uint32_t *from, int64_t step, int64_t rows, int n_runs,
                const hone__bf16_run *runs, uint32_t *to)
{
    int64_t len = runs[0].n;
    for (int r = 1; r < n_runs; r++) {
        len = runs[r].n == len ? len : 0;
    }
    const bool full = len * n_runs == AMX_WIDTH;
    if (full && len == 32) {
        lay_alike(32, from, step, rows, runs, to);
    } else if (full && len == 16) {
        lay_alike(16, from, step, rows, runs, to);
    } else if (full && len == 8) {
        lay_alike(8, from, step, rows, runs, to);
    } else if (full && len == 4) {
        lay_alike(4, from, step, rows, runs, to);
    } else {
        lay_any(from, step, rows, n_runs, runs, to);
    }
}

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

enum { LAY_PIECES = AMX_WIDTH + 1 };

/* Lanes of a vector, which are a run's or a part of one; where lane 0 would be. */
typedef struct {
    const uint32_t *at;
    __mmask16 lanes;
} piece;

/* Those of the vector that begins at word `first` of a row. */
static int pieces_of(const uint32_t *from, int n_runs, const hone__bf16_run *runs, int64_t first,
                     piece *to)
{
    int n = 0;
    int64_t at = -first;
    for (int r = 0; r < n_runs; at += runs[r++].n) {
        const int64_t begin = at > 0 ? at : 0, end = at + runs[r].n < 16 ? at + runs[r].n : 16;
        if (begin < end) {
            const uint32_t lanes = ((1u << end) - 1) & ~((1u << begin) - 1);
            to[n++] = (piece){ from + runs[r].from - at, (__mmask16)lanes };
        }
    }
    return n;
}

static HONE__GEMM_INLINE __m512i gather_pieces(int n, const piece *of, int64_t at)
{
    __m512i v = _mm512_setzero_si512();
    for (int i = 0; i < n; i++) {
        v = _mm512_mask_loadu_epi32(v, of[i].lanes, of[i].at + at);
    }
    return v;
}

static void lay_any(const uint32_t *from, int64_t step, int64_t rows, int n_runs,
                    const hone__bf16_run *runs, uint32_t *to)
{
    piece low[LAY_PIECES], high[LAY_PIECES];
    const int n_low = pieces_of(from, n_runs, runs, 0, low);
    const int n_high = pieces_of(from, n_runs, runs, 16, high);
    for (int64_t i = 0; i < rows; i++, to += AMX_WIDTH) {
        _mm512_storeu_si512(to, gather_pieces(n_low, low, i * step));
        _mm512_storeu_si512(to + 16, gather_pieces(n_high, high, i * step));
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

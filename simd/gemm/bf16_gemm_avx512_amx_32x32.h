/* bf16_gemm_avx512_amx_32x32.h: the micro-kernel (bf16_kernels.h) of TDPBF16PS: four tiles of C stay in
 * registers, tmm0 .. tmm3, while two of A and two of B pass. (fragment of simd/isa/bf16_avx512_amx.c) */
enum { AMX_MR = AMX_WIDTH, AMX_NR = AMX_WIDTH };

/* A thread has no tiles unless it says of which shape, which takes as long as ten products of tiles. */
static _Thread_local int begun;

static void begin(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shapes = { .palette = 1,
                 .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                 .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };
    if (begun++ == 0) {
        _tile_loadconfig(&shapes);
    }
}

static void end(void)
{
    if (--begun == 0) {
        _tile_release();
    }
}

/* Of a tile's row and column of tiles, those in use. The compiler doesn't know what tiles read. */
static HONE__GEMM_INLINE void product_of(const bool low, const bool wide, const hone__gemm_tile *t,
                                         float *c, int64_t c_rs)
{
    const int64_t row = c_rs * (int64_t)sizeof *c;
    float *const below = c + AMX_ROWS * c_rs;
    __asm__ volatile("" ::: "memory");
    if (t->resume) {
        _tile_loadd(0, c, row);
        if (wide) {
            _tile_loadd(1, c + AMX_ROWS, row);
        }
        if (!low) {
            _tile_loadd(2, below, row);
        }
        if (!low && wide) {
            _tile_loadd(3, below + AMX_ROWS, row);
        }
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    const bool packed = t->a_cs != 1;
    const int64_t a_row = packed ? AMX_K : t->a_rs, a_bytes = a_row * (int64_t)sizeof(uint16_t);
    const int64_t a_step = packed ? AMX_MR * AMX_K : AMX_K;
    const uint16_t *a = t->a, *b = t->b;
    for (int64_t p = t->k; p > 0; p -= AMX_K, a += a_step, b += AMX_NR * AMX_K) {
        _tile_loadd(6, b, AMX_NR * 4);
        _tile_loadd(4, a, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        if (wide) {
            _tile_loadd(7, b + 2 * AMX_ROWS, AMX_NR * 4);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (!low) {
            _tile_loadd(5, a + AMX_ROWS * a_row, a_bytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (!low && wide) {
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, c, row);
    if (wide) {
        _tile_stored(1, c + AMX_ROWS, row);
    }
    if (!low) {
        _tile_stored(2, below, row);
    }
    if (!low && wide) {
        _tile_stored(3, below + AMX_ROWS, row);
    }
}

static HONE__GEMM_NOINLINE void product(const hone__gemm_tile *t, float *c, int64_t c_rs)
{
    if (t->mr > AMX_ROWS) {
        if (t->nr > AMX_ROWS) {
            product_of(false, true, t, c, c_rs);
        } else {
            product_of(false, false, t, c, c_rs);
        }
    } else if (t->nr > AMX_ROWS) {
        product_of(true, true, t, c, c_rs);
    } else {
        product_of(true, false, t, c, c_rs);
    }
}

typedef float tile_sums[AMX_MR * AMX_NR];

static void sum_apart(const hone__gemm_tile *t, float *s)
{
    for (int i = 0; i < t->mr && t->resume; i++) {
        memcpy(s + i * AMX_NR, (const float *)t->c + i * t->c_rs, (size_t)t->nr * sizeof *s);
    }
    product(t, s, AMX_NR);
}

static void tiles(const hone__gemm_tile *t)
{
    begin();
    float *c = t->c;
    /* Compilers load both at once where each is asked, which waits for the caller's two stores. */
    const unsigned rows = (unsigned)t->mr, cols = (unsigned)t->nr;
    if ((rows | cols) % AMX_ROWS == 0) {
        product(t, c, t->c_rs);
    } else {
        tile_sums s __attribute__((aligned(64)));
        sum_apart(t, s);
        for (int i = 0; i < t->mr; i++) {
            memcpy(c + i * t->c_rs, s + i * AMX_NR, (size_t)t->nr * sizeof *c);
        }
    }
    end();
}

/* What `follow` does to a row. */
static HONE__GEMM_INLINE void follow_row(const hone__gemm_tile *t, int i, __m512 v[2])
{
    const hone__gemm_epilogue *e = t->finish;
    const float *bias = t->bias;
    const __m512 zero = _mm512_setzero_ps();
    HONE__GEMM_UNROLL
    for (int q = 0; q < 2; q++) {
        if (bias && e->bias_cs == 0) {
            v[q] = _mm512_add_ps(v[q], _mm512_set1_ps(bias[i * e->bias_rs]));
        } else if (bias) {
            const __mmask16 mask = (__mmask16)(first_of(t->nr) >> AMX_ROWS * q);
            v[q] = _mm512_add_ps(v[q], _mm512_maskz_loadu_ps(mask, bias + AMX_ROWS * q));
        }
        if (e->relu) {
            v[q] = _mm512_mask_mov_ps(v[q], _mm512_cmp_ps_mask(v[q], zero, _CMP_LE_OQ), zero);
        }
    }
}

/* The instruction that rounds flushes denormals, which no sum is after a step, but which what follows may
 * come to. */
static void tile_narrow(const hone__gemm_tile *t, uint16_t *to, int64_t to_rs)
{
    tile_sums s __attribute__((aligned(64)));
    begin();
    sum_apart(t, s);
    end();
    const __mmask32 mask = first_of(t->nr);
    for (int i = 0; i < t->mr; i++) {
        enum { DENORMAL = 0x20 };
        float *row = s + i * AMX_NR;
        __m512 v[2] = { _mm512_maskz_load_ps((__mmask16)mask, row),
                        _mm512_maskz_load_ps((__mmask16)(mask >> AMX_ROWS), row + AMX_ROWS) };
        if (t->finish) {
            follow_row(t, i, v);
            if (_mm512_fpclass_ps_mask(v[0], DENORMAL) | _mm512_fpclass_ps_mask(v[1], DENORMAL)) {
                _mm512_store_ps(row, v[0]);
                _mm512_store_ps(row + AMX_ROWS, v[1]);
                hone__bf16_avx512.narrow(1, t->nr, to + i * to_rs, 0, row, 0);
                continue;
            }
        }
        _mm512_mask_storeu_epi16(to + i * to_rs, mask, (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]));
    }
}

/* bf16_gemm_avx512_amx_32x32.h: the micro-kernel (bf16_kernels.h) of TDPBF16PS: four tiles of C stay in
 * registers, tmm0 .. tmm3, while two of A and two of B pass. (fragment of simd/isa/bf16_avx512_amx.c) */
enum { AMX_MR = AMX_WIDTH, AMX_NR = AMX_WIDTH };

/* A thread has no tiles unless it says of which shape, which takes as long as ten products of tiles. The
 * first product behind that takes as long as 45, of zeros, too: it had better be while B is packed. */
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
        _tile_loadconfig(&shapes); /* and they are zero */
        _tile_dpbf16ps(0, 4, 6);
    }
}

static void end(void)
{
    if (--begun == 0) {
        _tile_release();
    }
}

/* What is done between the products of a tile: rows of the one before it are rounded, and lines of A's
 * next panel asked for. */
typedef struct {
    const hone__gemm_tile *tile; /* the one before it; NULL: there is none */
    const float *sums;
    uint16_t *to;
    int64_t to_rs;
    int row, rows; /* the next one, and how many at a time */
    const uint16_t *ahead;
    int64_t ahead_rs;
    int ahead_rows; /* of which a line is asked for each time */
} errands;

static void narrow_rows(const errands *e, int end);

static HONE__GEMM_NOINLINE void narrow_some(errands *e)
{
    const int end = e->row + e->rows < e->tile->mr ? e->row + e->rows : e->tile->mr;
    narrow_rows(e, end);
    e->row = end;
}

static HONE__GEMM_INLINE void ask_for_some(errands *e)
{
    const uint16_t *at = e->ahead;
    if (e->ahead_rows == 0) {
        return;
    }
    for (int i = 0; i < e->ahead_rows; i++, at += e->ahead_rs) {
        _mm_prefetch((const char *)at, _MM_HINT_T1);
    }
    e->ahead += AMX_K;
}

/* Of a tile's row and column of tiles, those in use: s = what is at `from`, if it resumes, + product. The
 * compiler doesn't know what tiles read. Where B passes by, it mustn't throw A out of L1. */
static HONE__GEMM_INLINE void product_of(const bool low, const bool wide, const hone__gemm_tile *t,
                                         const float *from, int64_t from_rs, float *s, int64_t s_rs,
                                         const bool passes, errands *e)
{
    const int64_t from_row = from_rs * (int64_t)sizeof *s, row = s_rs * (int64_t)sizeof *s;
    __asm__ volatile("" ::: "memory");
    if (t->resume) {
        const float *const below = from + AMX_ROWS * from_rs;
        _tile_loadd(0, from, from_row);
        if (wide) {
            _tile_loadd(1, from + AMX_ROWS, from_row);
        }
        if (!low) {
            _tile_loadd(2, below, from_row);
        }
        if (!low && wide) {
            _tile_loadd(3, below + AMX_ROWS, from_row);
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
        if (passes) {
            _tile_stream_loadd(6, b, AMX_NR * 4);
        } else {
            _tile_loadd(6, b, AMX_NR * 4);
        }
        _tile_loadd(4, a, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        if (wide && passes) {
            _tile_stream_loadd(7, b + 2 * AMX_ROWS, AMX_NR * 4);
        } else if (wide) {
            _tile_loadd(7, b + 2 * AMX_ROWS, AMX_NR * 4);
        }
        if (wide) {
            _tile_dpbf16ps(1, 4, 7);
        }
        if (passes) {
            ask_for_some(e);
        }
        if (!low) {
            _tile_loadd(5, a + AMX_ROWS * a_row, a_bytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (passes && e->tile && e->row < e->tile->mr) {
            narrow_some(e);
        }
        if (!low && wide) {
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    float *const below = s + AMX_ROWS * s_rs;
    _tile_stored(0, s, row);
    if (wide) {
        _tile_stored(1, s + AMX_ROWS, row);
    }
    if (!low) {
        _tile_stored(2, below, row);
    }
    if (!low && wide) {
        _tile_stored(3, below + AMX_ROWS, row);
    }
}

/* `e`, of a tile among others of its panel of A, or NULL. */
static HONE__GEMM_NOINLINE void product(const hone__gemm_tile *t, const float *from,
                                        int64_t from_rs, float *s, int64_t s_rs, errands *e)
{
    if (t->mr > AMX_ROWS && t->nr > AMX_ROWS) {
        if (e) {
            product_of(false, true, t, from, from_rs, s, s_rs, true, e);
        } else {
            product_of(false, true, t, from, from_rs, s, s_rs, false, NULL);
        }
    } else if (t->mr > AMX_ROWS) {
        product_of(false, false, t, from, from_rs, s, s_rs, false, NULL);
    } else if (t->nr > AMX_ROWS) {
        product_of(true, true, t, from, from_rs, s, s_rs, false, NULL);
    } else {
        product_of(true, false, t, from, from_rs, s, s_rs, false, NULL);
    }
}

typedef float tile_sums[AMX_MR * AMX_NR];

/* A tile's sums, of at most one panel of B, in `s`. Compilers load both extents at once where each is
 * asked, which waits for the caller's two stores. */
static void sum_apart(const hone__gemm_tile *t, float *s, errands *e)
{
    const unsigned rows = (unsigned)t->mr, cols = (unsigned)t->nr;
    if ((rows | cols) % AMX_ROWS == 0) {
        product(t, t->c, t->c_rs, s, AMX_NR, e);
        return;
    }
    for (int i = 0; i < t->mr && t->resume; i++) {
        memcpy(s + i * AMX_NR, (const float *)t->c + i * t->c_rs, (size_t)t->nr * sizeof *s);
    }
    product(t, s, AMX_NR, s, AMX_NR, e);
}

/* The part of a tile over B's panel of column `col`, one of several, and what is done meanwhile. */
static void panel_of(const hone__gemm_tile *t, int col, hone__gemm_tile *of, errands *e)
{
    const int64_t steps = t->k > 0 ? (t->k + AMX_K - 1) / AMX_K : 1;
    const int64_t panels = (t->nr + AMX_NR - 1) / AMX_NR;
    *of = *t;
    of->nr = t->nr - col < AMX_NR ? t->nr - col : AMX_NR;
    of->b = (const uint16_t *)t->b + col * steps * AMX_K;
    of->c = (float *)t->c + col;
    of->bias = t->bias && t->finish && t->finish->bias_cs ? (const float *)t->bias + col : t->bias;
    const int64_t share = (t->errand.rows + panels - 1) / panels, first = col / AMX_NR * share;
    const int64_t left = t->errand.rows - first;
    e->ahead_rows = (int)(left < 0 ? 0 : left < share ? left : share);
    e->ahead_rs = t->errand.rs;
    e->ahead = left > 0 ? (const uint16_t *)t->errand.from + first * t->errand.rs : NULL;
    e->rows = (int)((AMX_MR + steps - 1) / steps);
}

static void tile_of_panel(const hone__gemm_tile *t, errands *e)
{
    float *const c = t->c;
    const unsigned rows = (unsigned)t->mr, cols = (unsigned)t->nr;
    if ((rows | cols) % AMX_ROWS == 0) {
        product(t, c, t->c_rs, c, t->c_rs, e);
        return;
    }
    tile_sums s __attribute__((aligned(64)));
    sum_apart(t, s, e);
    for (int i = 0; i < t->mr; i++) {
        memcpy(c + i * t->c_rs, s + i * AMX_NR, (size_t)t->nr * sizeof *c);
    }
}

/* A tile of one panel is what it is: a copy costs as much as eight products of tiles. */
static void tiles(const hone__gemm_tile *t)
{
    begin();
    if (t->nr <= AMX_NR) {
        tile_of_panel(t, NULL);
    }
    for (int col = 0; t->nr > AMX_NR && col < t->nr; col += AMX_NR) {
        errands e = { .tile = NULL };
        hone__gemm_tile of;
        panel_of(t, col, &of, &e);
        tile_of_panel(&of, &e);
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
static void narrow_rows(const errands *e, int end)
{
    enum { DENORMAL = 0x20 };
    const hone__gemm_tile *t = e->tile;
    const __mmask32 mask = first_of(t->nr);
    const float *row = e->sums + e->row * AMX_NR;
    const int64_t to_rs = e->to_rs;
    const bool follows = t->finish != NULL;
    uint16_t *to = e->to + e->row * to_rs;
    for (int i = e->row; i < end; i++, row += AMX_NR, to += to_rs) {
        __m512 v[2] = { _mm512_maskz_load_ps((__mmask16)mask, row),
                        _mm512_maskz_load_ps((__mmask16)(mask >> AMX_ROWS), row + AMX_ROWS) };
        if (follows) {
            follow_row(t, i, v);
            if (_mm512_fpclass_ps_mask(v[0], DENORMAL) | _mm512_fpclass_ps_mask(v[1], DENORMAL)) {
                float followed[AMX_NR];
                _mm512_storeu_ps(followed, v[0]);
                _mm512_storeu_ps(followed + AMX_ROWS, v[1]);
                hone__bf16_avx512.narrow(1, t->nr, to, 0, followed, 0);
                continue;
            }
        }
        _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]));
    }
}

/* Of two panels' sums one is being written while the other is rounded. */
static HONE__GEMM_NOINLINE void narrow_side_by_side(const hone__gemm_tile *t, uint16_t *to,
                                                    int64_t to_rs)
{
    tile_sums sums[2] __attribute__((aligned(64)));
    hone__gemm_tile of[2];
    errands e = { .tile = NULL };
    begin();
    for (int col = 0, w = 0; col < t->nr; col += AMX_NR, w ^= 1) {
        panel_of(t, col, &of[w], &e);
        sum_apart(&of[w], sums[w], &e);
        if (e.tile) {
            narrow_rows(&e, t->mr);
        }
        e.tile = &of[w];
        e.sums = sums[w];
        e.to = to + col;
        e.to_rs = to_rs;
        e.row = 0;
    }
    end();
    narrow_rows(&e, t->mr);
}

static void tile_narrow(const hone__gemm_tile *t, uint16_t *to, int64_t to_rs)
{
    if (t->nr > AMX_NR) {
        narrow_side_by_side(t, to, to_rs);
        return;
    }
    tile_sums s __attribute__((aligned(64)));
    begin();
    sum_apart(t, s, NULL);
    end();
    narrow_rows(&(errands){ .tile = t, .sums = s, .to = to, .to_rs = to_rs }, t->mr);
}

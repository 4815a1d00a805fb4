/* attention.h: softmax over blocks of keys, and its gradient, f32 and f64. (fragment: rows.h) */

/* How many keys of the block row r sees. */
HONE__INLINE int64_t R(keys_seen)(int64_t r, int64_t cols, int64_t seen)
{
    return seen + r < cols ? seen + r : cols;
}

static void R(times)(int64_t n, REAL *x, REAL factor)
{
    const VREAL f = R(set)(factor);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(store)(x + i, R(mul)(R(load)(x + i), f));
    if (i < n)
        R(store_n)(x + i, R(mul)(R(load_n)(x + i, n - i, f), f), n - i);
}

/* What exponentials are taken relative to: a max that is not finite would make inf - inf. */
HONE__INLINE REAL R(finite_shift)(REAL x)
{
    return x - x == 0 ? x : 0;
}

static void R(k_attend)(const hone__attend *b)
{
    REAL *max = b->max, *sum = b->sum;
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t n = R(keys_seen)(r, b->cols, b->seen);
        REAL *x = (REAL *)b->scores + r * b->ss;
        if (n <= 0)
            continue;
        const REAL old = max[r];
        max[r] = R(first)(R(max)(R(set)(old), R(set)(R(row_max)(n, x))));
        const REAL shift = R(finite_shift)(max[r]);
        const REAL block = R(exp_row)(n, x, x, b->ss, shift);
        if (old == max[r]) {
            sum[r] = sum[r] + block;
            continue;
        }
        const REAL factor = R(first)(R(exp)(R(set)(old - shift)));
        const REAL before = sum[r] * factor;
        sum[r] = before + block;
        R(times)(b->width, (REAL *)b->out + r * b->so, factor);
    }
}

static void R(k_attend_end)(int64_t rows, int64_t width, void *outv, int64_t so, const void *sumv)
{
    for (int64_t r = 0; r < rows; r++) {
        REAL *out = (REAL *)outv + r * so;
        const VREAL sum = R(set)(((const REAL *)sumv)[r]);
        int64_t i = 0;
        for (; i + LANES <= width; i += LANES)
            R(store)(out + i, R(div)(R(load)(out + i), sum));
        if (i < width)
            R(store_n)(out + i, R(div)(R(load_n)(out + i, width - i, sum), sum), width - i);
    }
}

static void R(k_attend_dots)(int64_t rows, int64_t width, const void *a, int64_t sa, const void *b,
                             int64_t sb, void *out)
{
    for (int64_t r = 0; r < rows; r++)
        ((REAL *)out)[r] =
            width ? R(dot_row)(width, (const REAL *)a + r * sa, (const REAL *)b + r * sb) : 0;
}

/* A group of a row's keys, of which `n` are seen (whole: all). */
HONE__INLINE void R(attend_back_group)(int64_t n, REAL *x, REAL *dp, VREAL shift, VREAL scale,
                                       VREAL delta, bool whole)
{
    VREAL e[EXP_GROUP];
    for (int k = 0; k < EXP_GROUP; k++)
        e[k] = R(sub)(whole ? R(load)(x + k * LANES)
                            : R(load_part)(x + k * LANES, n - k * LANES, shift),
                      shift);
    R(exp_group)(e);
    for (int k = 0; k < EXP_GROUP; k++) {
        const int64_t rest = whole ? LANES : n - k * LANES, count = rest < LANES ? rest : LANES;
        if (count <= 0)
            continue;
        const VREAL p = R(mul)(e[k], scale);
        R(put)(x + k * LANES, p, count);
        R(put)(dp + k * LANES, R(mul)(p, R(sub)(R(take)(dp + k * LANES, count), delta)), count);
    }
}

static void R(k_attend_back)(const hone__attend_back *b)
{
    enum { GROUP = EXP_GROUP * LANES };
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t n = R(keys_seen)(r, b->cols, b->seen);
        REAL *x = (REAL *)b->scores + r * b->ss, *dp = (REAL *)b->dp + r * b->sdp;
        const VREAL shift = R(set)(R(finite_shift)(((const REAL *)b->max)[r]));
        const VREAL scale = R(set)(1 / ((const REAL *)b->sum)[r]);
        const VREAL delta = R(set)(((const REAL *)b->delta)[r]);
        int64_t i = 0;
        for (; i + GROUP <= n; i += GROUP)
            R(attend_back_group)(GROUP, x + i, dp + i, shift, scale, delta, true);
        if (i < n)
            R(attend_back_group)(n - i, x + i, dp + i, shift, scale, delta, false);
    }
}

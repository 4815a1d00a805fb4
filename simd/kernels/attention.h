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
HONE__INLINE VREAL R(finite_shift)(VREAL x)
{
    const VREAL zero = R(set)(0);
    return R(select)(R(eq)(R(sub)(x, x), zero), x, zero);
}

/* Lane i: the sum of v[i]'s lanes, or (its order is free) the largest. */
#if HONE__REAL_IS_F64
HONE__INLINE VREAL R(fold_each)(const VREAL v[LANES], R(op2) join)
{
    REAL all[LANES];
    for (int i = 0; i < LANES; i++)
        all[i] = R(fold)(v[i], join);
    return R(load)(all);
}
#define sum_each(v)     R(fold_each)(v, R(add))
#define largest_each(v) R(fold_each)(v, R(larger))
#else
HONE__INLINE vf32 f32_largest_each(vf32 v[LANES])
{
#pragma GCC unroll 16
    for (int n = LANES; n > 1; n /= 2)
#pragma GCC unroll 16
        for (int i = 0; i < n / 2; i++)
            v[i] = f32_larger(f32_even(v[2 * i], v[2 * i + 1]), f32_odd(v[2 * i], v[2 * i + 1]));
    return v[0];
}
#define sum_each(v)     f32_folded(LANES, v)
#define largest_each(v) f32_largest_each(v)
#endif

/* The largest of a row are in its lanes. A NaN may be lost: the sum of exponentials finds it. */
HONE__INLINE VREAL R(largest_lanes)(int64_t n, const REAL *x)
{
    const VREAL none = R(set)((REAL)-INFINITY);
    VREAL a = none, b = none;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        a = R(larger)(a, R(load)(x + i));
        b = R(larger)(b, R(load)(x + i + LANES));
    }
    for (; i < n; i += LANES)
        a = R(larger)(a, R(load_part)(x + i, n - i, none));
    return R(larger)(a, b);
}

/* The same of scores times `by`, which take their place. */
HONE__INLINE VREAL R(largest_scaled)(int64_t n, REAL *x, VREAL by)
{
    const VREAL none = R(set)((REAL)-INFINITY);
    VREAL a = none;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const VREAL v = R(mul)(R(load)(x + i), by);
        R(store)(x + i, v);
        a = R(larger)(a, v);
    }
    if (i < n) {
        const VREAL v = R(mul)(R(load_part)(x + i, n - i, none), by);
        R(put)(x + i, v, n - i);
        a = R(larger)(a, R(keep_n)(v, n - i, none));
    }
    return a;
}

/* As many rows, of one block, as a vector has lanes: maxima and sums of all by one fold. What a row had before its
 * first key (a max of -inf) needs no factor. */
static void R(k_attend)(const hone__attend *b)
{
    const VREAL lowest = R(set)((REAL)-INFINITY), zero = R(set)(0);
    const VREAL scale = R(set)(b->scale ? *(const REAL *)b->scale : 1);
    for (int64_t r = 0; r < b->rows; r += LANES) {
        const int64_t rows = b->rows - r < LANES ? b->rows - r : LANES;
        REAL *x = (REAL *)b->scores + r * b->ss, *max = (REAL *)b->max + r,
             *sum = (REAL *)b->sum + r, each[LANES];
        VREAL v[LANES];
        for (int k = 0; k < LANES; k++) {
            const int64_t n = R(keys_seen)(r + k, b->cols, b->seen);
            v[k] = k >= rows  ? zero
                   : b->scale ? R(largest_scaled)(n, x + k * b->ss, scale)
                              : R(largest_lanes)(n, x + k * b->ss);
        }
        const VREAL old = R(load_part)(max, rows, lowest), now = R(max)(old, largest_each(v));
        const VREAL shift = R(finite_shift)(now);
        R(put)(max, now, rows);
        R(store)(each, shift);
        for (int k = 0; k < LANES; k++)
            v[k] = k < rows ? R(exp_lanes)(R(keys_seen)(r + k, b->cols, b->seen), x + k * b->ss,
                                           x + k * b->ss, b->ss, R(set)(each[k]), true)
                            : zero;
        VREAL before = R(load_part)(sum, rows, zero);
        const VMASK same = MASK(or)(R(eq)(old, now), R(eq)(old, lowest));
        if (!MASK(all)(same)) {
            const VREAL factor = R(select)(same, R(set)(1), R(exp)(R(sub)(old, shift)));
            before = R(mul)(before, factor);
            R(store)(each, factor);
            for (int64_t k = 0; k < rows; k++)
                if (each[k] != 1)
                    R(times)(b->width, (REAL *)b->out + (r + k) * b->so, each[k]);
        }
        R(put)(sum, R(add)(before, sum_each(v)), rows);
    }
}

/* x / sum, rounded as a division does, which takes several times as long; by = 1 / sum, rounded. The
 * second quotient is next to x / sum, so its remainder is exact and the third is the nearest to it
 * (Markstein). Not where the remainder may be too small for a normal number, nor of 0, inf and NaN;
 * with `by` 0 nowhere. */
HONE__INLINE VREAL R(quotient)(VREAL x, VREAL sum, VREAL by)
{
    VREAL q = R(mul)(x, by);
    q = R(fma)(R(fnma)(sum, q, x), by, q);
    q = R(fma)(R(fnma)(sum, q, x), by, q);
    return MASK(all)(R(ge)(R(abs)(q), R(set)((REAL)0x1p-60))) ? q : R(div)(x, sum);
}

static void R(k_attend_end)(int64_t rows, int64_t width, void *outv, int64_t so, const void *sumv)
{
    for (int64_t r = 0; r < rows; r++) {
        REAL *out = (REAL *)outv + r * so;
        const REAL of = ((const REAL *)sumv)[r];
        const VREAL sum = R(set)(of);
        const bool usual = of >= (REAL)0x1p-20 && of <= (REAL)0x1p20;
        const VREAL by = R(set)(usual ? 1 / of : 0);
        int64_t i = 0;
        for (; i + LANES <= width; i += LANES)
            R(store)(out + i, R(quotient)(R(load)(out + i), sum, by));
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
HONE__INLINE void R(attend_back_group)(int64_t n, REAL *x, REAL *dp, VREAL by, VREAL shift,
                                       VREAL scale, VREAL delta, bool whole)
{
    VREAL e[EXP_GROUP];
    for (int k = 0; k < EXP_GROUP; k++)
        e[k] = R(sub)(R(mul)(whole ? R(load)(x + k * LANES)
                                   : R(load_part)(x + k * LANES, n - k * LANES, R(set)(0)),
                             by),
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
    const VREAL by = R(set)(b->scale ? *(const REAL *)b->scale : 1);
    for (int64_t r = 0; r < b->rows; r++) {
        const int64_t n = R(keys_seen)(r, b->cols, b->seen);
        REAL *x = (REAL *)b->scores + r * b->ss, *dp = (REAL *)b->dp + r * b->sdp;
        const VREAL shift = R(finite_shift)(R(set)(((const REAL *)b->max)[r]));
        const VREAL scale = R(set)(1 / ((const REAL *)b->sum)[r]);
        const VREAL delta = R(set)(((const REAL *)b->delta)[r]);
        int64_t i = 0;
        for (; i + GROUP <= n; i += GROUP)
            R(attend_back_group)(GROUP, x + i, dp + i, by, shift, scale, delta, true);
        if (i < n)
            R(attend_back_group)(n - i, x + i, dp + i, by, shift, scale, delta, false);
    }
}
#undef sum_each
#undef largest_each

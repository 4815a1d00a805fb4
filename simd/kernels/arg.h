/* arg.h: where the extreme value is, f32 and f64. (fragment: reduce.h)
 *
 * `better(a, b)` is whether a beats the earlier b; a NaN beats every number. */

HONE__INLINE bool R(above)(REAL a, REAL b)
{
    return a > b || (a != a && b == b);
}
HONE__INLINE bool R(below)(REAL a, REAL b)
{
    return a < b || (a != a && b == b);
}
typedef bool (*R(order))(REAL, REAL);

/* The first i with x[i] == value, or the first NaN if that is what value is. It is there. */
static int64_t R(find)(int64_t n, const REAL *x, REAL value)
{
    const VREAL v = R(set)(value);
    const bool nan = value != value;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const VREAL p = R(load)(x + i);
        if (MASK(any)(nan ? R(isnan)(p) : R(eq)(p, v)))
            break;
    }
    while (i + 1 < n && (nan ? x[i] == x[i] : x[i] != value))
        i++;
    return i;
}

/* The best value of n > 0 elements and its place; `join` is R(max) or R(min). */
HONE__INLINE REAL R(arg)(int64_t n, const REAL *x, int64_t *place, R(op2) join, R(order) better,
                         REAL identity)
{
    REAL best = identity;
    *place = -1;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = n - i < BLOCK ? n - i : BLOCK;
        const REAL value = R(block)(m, x + i, join, join, identity);
        if (*place < 0 || better(value, best)) {
            best = value;
            *place = i + R(find)(m, x + i, value);
        }
    }
    return best;
}

HONE__INLINE void R(arg_rows)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, int64_t *out,
                              int64_t so, R(op2) join, R(order) better, REAL identity)
{
    for (int64_t r = 0; r < rows; r++) {
        int64_t place;
        R(arg)(cols, x + r * sx, &place, join, better, identity);
        out[r * so] = place;
    }
}

HONE__INLINE void R(arg_blocks)(int64_t cols, const REAL *x, int64_t begin, int64_t end,
                                hone__partial *out, R(op2) join, R(order) better, REAL identity)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        const REAL value = R(arg)(rest < BLOCK ? rest : BLOCK, x + b * BLOCK, &out[b - begin].index,
                                  join, better, identity);
        memcpy(&out[b - begin].value, &value, sizeof value);
        out[b - begin].index += b * BLOCK;
    }
}

HONE__INLINE void R(arg_combine)(int64_t n, hone__partial *p, int64_t *out, R(order) better)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (better(R(partial)(p + i), R(partial)(p + best)))
            best = i;
    *out = p[best].index;
}

HONE__INLINE void R(arg_cols)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, int64_t *out,
                              R(order) better)
{
    REAL best[STRIP];
    for (int64_t j = 0; j < cols; j += STRIP) {
        const int64_t m = cols - j < STRIP ? cols - j : STRIP;
        memcpy(best, x + j, (size_t)m * sizeof(REAL));
        memset(out + j, 0, (size_t)m * sizeof(int64_t));
        for (int64_t r = 1; r < rows; r++) {
            for (int64_t c = 0; c < m; c++) {
                const REAL value = x[r * sx + j + c];
                const bool take = better(value, best[c]);
                best[c] = take ? value : best[c];
                out[j + c] = take ? r : out[j + c];
            }
        }
    }
}

#define ARG_REDUCTION(name, join, better, identity)                                                \
    static void R(k_##name##_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out, int64_t so)                                          \
    {                                                                                              \
        R(arg_rows)(rows, cols, x, sx, out, so, join, better, identity);                           \
    }                                                                                              \
    static void R(k_##name##_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,      \
                                     hone__partial *out)                                           \
    {                                                                                              \
        R(arg_blocks)(cols, x, begin, end, out, join, better, identity);                           \
    }                                                                                              \
    static void R(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        R(arg_combine)(n, partials, out, better);                                                  \
    }                                                                                              \
    static void R(k_##name##_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out)                                                      \
    {                                                                                              \
        R(arg_cols)(rows, cols, x, sx, out, better);                                               \
    }

ARG_REDUCTION(argmax, R(max), R(above), (REAL)-INFINITY)
ARG_REDUCTION(argmin, R(min), R(below), (REAL)INFINITY)

#undef ARG_REDUCTION

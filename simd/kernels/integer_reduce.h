/* integer_reduce.h: reductions of i64, i32 and u8 (bool is u8): exact, so in whatever order is
 * quick. (fragment: integers.h) */

#define T_BLOCK ((int64_t)(16384 / sizeof(T)))

/* A reduction of one contiguous row; value and place in `result` as far as the kind has them. */
typedef void (*P(reducer))(int64_t n, const T *x, hone__partial *result);

HONE__INLINE void P(sum)(int64_t n, const T *x, hone__partial *result)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (uint64_t)(int64_t)x[i];
    result->value.i64 = (int64_t)sum;
}

HONE__INLINE void P(best)(int64_t n, const T *x, hone__partial *result, T (*op)(T, T))
{
    T best = x[0];
    for (int64_t i = 1; i < n; i++)
        best = op(x[i], best);
    memcpy(&result->value, &best, sizeof best);
}
HONE__INLINE void P(largest)(int64_t n, const T *x, hone__partial *result)
{
    P(best)(n, x, result, P(maximum));
}
HONE__INLINE void P(smallest)(int64_t n, const T *x, hone__partial *result)
{
    P(best)(n, x, result, P(minimum));
}

HONE__INLINE T P(value)(const hone__partial *p)
{
    T value;
    memcpy(&value, &p->value, sizeof value);
    return value;
}

HONE__INLINE void P(place)(int64_t n, const T *x, hone__partial *result)
{
    const T best = P(value)(result);
    for (result->index = 0; result->index < n && x[result->index] != best;)
        result->index++;
}
HONE__INLINE void P(largest_place)(int64_t n, const T *x, hone__partial *result)
{
    P(largest)(n, x, result);
    P(place)(n, x, result);
}
HONE__INLINE void P(smallest_place)(int64_t n, const T *x, hone__partial *result)
{
    P(smallest)(n, x, result);
    P(place)(n, x, result);
}

/* What of a partial result an output holds. */
typedef void (*P(put))(void *, int64_t, const hone__partial *);

HONE__INLINE void P(put_sum)(void *out, int64_t at, const hone__partial *p)
{
    ((int64_t *)out)[at] = p->value.i64;
}
HONE__INLINE void P(put_value)(void *out, int64_t at, const hone__partial *p)
{
    ((T *)out)[at] = P(value)(p);
}
HONE__INLINE void P(put_index)(void *out, int64_t at, const hone__partial *p)
{
    ((int64_t *)out)[at] = p->index;
}

HONE__INLINE void P(rows)(int64_t rows, int64_t cols, const T *x, int64_t sx, void *out, int64_t so,
                          P(reducer) reduce, P(put) put)
{
    for (int64_t r = 0; r < rows; r++) {
        hone__partial p;
        reduce(cols, x + r * sx, &p);
        put(out, r * so, &p);
    }
}

HONE__INLINE void P(blocks)(int64_t cols, const T *x, int64_t begin, int64_t end,
                            hone__partial *out, P(reducer) reduce)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t at = b * T_BLOCK, rest = cols - at;
        out[b - begin].index = 0;
        reduce(rest < T_BLOCK ? rest : T_BLOCK, x + at, &out[b - begin]);
        out[b - begin].index += at;
    }
}

/* Joining b, the later one, into a. */
typedef void (*P(join))(hone__partial *a, const hone__partial *b);

HONE__INLINE void P(join_sum)(hone__partial *a, const hone__partial *b)
{
    a->value.i64 = (int64_t)((uint64_t)a->value.i64 + (uint64_t)b->value.i64);
}
HONE__INLINE void P(join_largest)(hone__partial *a, const hone__partial *b)
{
    if (P(value)(b) > P(value)(a))
        *a = *b;
}
HONE__INLINE void P(join_smallest)(hone__partial *a, const hone__partial *b)
{
    if (P(value)(b) < P(value)(a))
        *a = *b;
}

HONE__INLINE void P(combine)(int64_t n, hone__partial *p, void *out, P(join) join, P(put) put)
{
    for (int64_t i = 1; i < n; i++)
        join(p, p + i);
    put(out, 0, p);
}

#define REDUCTION(name, reduce, join, put)                                                         \
    static void P(k_##name##_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out, int64_t so)                                          \
    {                                                                                              \
        P(rows)(rows, cols, x, sx, out, so, reduce, put);                                          \
    }                                                                                              \
    static void P(k_##name##_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,      \
                                     hone__partial *out)                                           \
    {                                                                                              \
        P(blocks)(cols, x, begin, end, out, reduce);                                               \
    }                                                                                              \
    static void P(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        P(combine)(n, partials, out, join, put);                                                   \
    }

REDUCTION(sum, P(sum), P(join_sum), P(put_sum))
REDUCTION(max, P(largest), P(join_largest), P(put_value))
REDUCTION(min, P(smallest), P(join_smallest), P(put_value))
REDUCTION(argmax, P(largest_place), P(join_largest), P(put_index))
REDUCTION(argmin, P(smallest_place), P(join_smallest), P(put_index))

#undef REDUCTION

/* ---- along the rows: row after row into the outputs, so that memory is read in order ---- */

static void P(k_sum_cols)(int64_t rows, int64_t cols, const void *xv, int64_t sx, void *outv)
{
    const T *x = xv;
    int64_t *out = outv;
    for (int64_t j = 0; j < cols; j++)
        out[j] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < cols; j++)
            out[j] = (int64_t)((uint64_t)out[j] + (uint64_t)(int64_t)x[r * sx + j]);
}

HONE__INLINE void P(best_cols)(int64_t rows, int64_t cols, const T *x, int64_t sx, T *out,
                               T (*op)(T, T))
{
    for (int64_t j = 0; j < cols; j++)
        out[j] = x[j];
    for (int64_t r = 1; r < rows; r++)
        for (int64_t j = 0; j < cols; j++)
            out[j] = op(x[r * sx + j], out[j]);
}
static void P(k_max_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    P(best_cols)(rows, cols, x, sx, out, P(maximum));
}
static void P(k_min_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    P(best_cols)(rows, cols, x, sx, out, P(minimum));
}

HONE__INLINE void P(place_cols)(int64_t rows, int64_t cols, const T *x, int64_t sx, int64_t *out,
                                bool largest)
{
    for (int64_t j = 0; j < cols; j++) {
        T best = x[j];
        out[j] = 0;
        for (int64_t r = 1; r < rows; r++) {
            const T value = x[r * sx + j];
            if (largest ? value > best : value < best) {
                best = value;
                out[j] = r;
            }
        }
    }
}
static void P(k_argmax_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    P(place_cols)(rows, cols, x, sx, out, true);
}
static void P(k_argmin_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    P(place_cols)(rows, cols, x, sx, out, false);
}

/* The split form is the same over a part of the rows, and over the parts' results. */
HONE__INLINE void P(cols_blocks)(int64_t rows, int64_t cols, const T *x, int64_t sx, int64_t begin,
                                 int64_t end, char *out, int64_t out_row_bytes,
                                 hone__reduce_cols_fn cols_fn)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        cols_fn(rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK, cols, x + r * sx, sx,
                out + (b - begin) * out_row_bytes);
    }
}
static void P(k_sum_cols_blocks)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                 int64_t begin, int64_t end, void *out)
{
    P(cols_blocks)
    (rows, cols, x, sx, begin, end, out, cols * (int64_t)sizeof(int64_t), P(k_sum_cols));
}
static void P(k_max_cols_blocks)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                 int64_t begin, int64_t end, void *out)
{
    P(cols_blocks)(rows, cols, x, sx, begin, end, out, cols * (int64_t)sizeof(T), P(k_max_cols));
}
static void P(k_min_cols_blocks)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                 int64_t begin, int64_t end, void *out)
{
    P(cols_blocks)(rows, cols, x, sx, begin, end, out, cols * (int64_t)sizeof(T), P(k_min_cols));
}
static void P(k_sum_cols_combine)(int64_t rows, int64_t cols, void *partials, void *outv)
{
    const int64_t *p = partials;
    int64_t *out = outv;
    for (int64_t j = 0; j < cols; j++)
        out[j] = p[j];
    for (int64_t r = 1; r < hone__cols_blocks(rows); r++)
        for (int64_t j = 0; j < cols; j++)
            out[j] = (int64_t)((uint64_t)out[j] + (uint64_t)p[r * cols + j]);
}
static void P(k_max_cols_combine)(int64_t rows, int64_t cols, void *partials, void *out)
{
    P(k_max_cols)(hone__cols_blocks(rows), cols, partials, cols, out);
}
static void P(k_min_cols_combine)(int64_t rows, int64_t cols, void *partials, void *out)
{
    P(k_min_cols)(hone__cols_blocks(rows), cols, partials, cols, out);
}

#undef T_BLOCK

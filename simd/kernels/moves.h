/* moves.h: what only moves elements: copy, fill, where, transpose. One include for each element
 * size. (fragment: define T, an unsigned type of that size, and P(name)) */

static void P(k_copy)(int64_t n, void *yv, int64_t sy, const void *xv, int64_t sx)
{
    T *y = yv;
    const T *x = xv;
    if (sy == 1 && sx == 1) {
        if (y != x && n > 0)
            memcpy(y, x, (size_t)n * sizeof(T));
    } else if (sy == 1) {
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i * sx];
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i * sy] = x[i * sx];
    }
}

static void P(k_fill)(int64_t n, void *yv, int64_t sy, const void *value)
{
    T *y = yv, v;
    memcpy(&v, value, sizeof v);
    if (sy == 1) {
        for (int64_t i = 0; i < n; i++)
            y[i] = v;
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i * sy] = v;
    }
}

static void P(k_where)(int64_t n, void *outv, int64_t so, const uint8_t *cond, int64_t sc,
                       const void *av, int64_t sa, const void *bv, int64_t sb)
{
    T *out = outv;
    const T *a = av, *b = bv;
    if (so == 1 && sc == 1 && sa == 1 && sb == 1) {
        for (int64_t i = 0; i < n; i++) {
            const T yes = a[i], no = b[i];
            out[i] = cond[i] ? yes : no;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            const T yes = a[i * sa], no = b[i * sb];
            out[i * so] = cond[i * sc] ? yes : no;
        }
    }
}

/* Tiles of one cache line a side, so that each line of either operand is fetched once; inside, what
 * P(micro_tile) does at once. */
static void P(k_transpose)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                           int64_t sx)
{
    const int64_t tile = 64 / (int64_t)sizeof(T), step = MICRO_TILE;
    T *y = yv;
    const T *x = xv;
    for (int64_t i0 = 0; i0 < rows; i0 += tile) {
        const int64_t i1 = i0 + tile < rows ? i0 + tile : rows;
        for (int64_t j0 = 0; j0 < cols; j0 += step) {
            const int64_t j1 = j0 + step < cols ? j0 + step : cols;
            int64_t i = i0;
            for (; i + step <= i1 && j0 + step == j1; i += step)
                P(micro_tile)(y + j0 * sy + i, sy, x + i * sx + j0, sx);
            for (int64_t j = j0; j < j1; j++)
                for (int64_t r = i; r < i1; r++)
                    y[j * sy + r] = x[r * sx + j];
        }
    }
}

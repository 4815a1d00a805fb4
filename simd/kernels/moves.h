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

#if CAN_GO_PAST
static void P(past_copy)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx)
{
    (void)sy, (void)sx;
    k_write_past(n * (int64_t)sizeof(T), y, x);
}

static void P(past_fill)(int64_t n, void *yv, int64_t sy, const void *value)
{
    T *y = yv, row[32 / sizeof(T)];
    (void)sy;
    P(k_fill)(32 / sizeof(T), row, 1, value);
    const __m256i lanes = _mm256_loadu_si256((const void *)row);
    int64_t i = (int64_t)(-(uintptr_t)y % 64 / sizeof(T));
    i = i < n ? i : n;
    P(k_fill)(i, y, 1, value);
    for (; i + (int64_t)(64 / sizeof(T)) <= n; i += 64 / sizeof(T)) {
        STORE_PAST(y + i, lanes);
        STORE_PAST(y + i + 32 / sizeof(T), lanes);
    }
    P(k_fill)(n - i, y + i, 1, value);
}
#endif

/* n elements behind each other; an operand that isn't `many` is one number. */
HONE__INLINE void P(where_run)(int64_t n, T *out, const uint8_t *cond, const T *a, bool many_a,
                               const T *b, bool many_b)
{
    const T one_a = n > 0 ? *a : 0, one_b = n > 0 ? *b : 0;
    for (int64_t i = 0; i < n; i++) {
        const T yes = many_a ? a[i] : one_a, no = many_b ? b[i] : one_b;
        out[i] = cond[i] ? yes : no;
    }
}

static void P(k_where)(int64_t n, void *outv, int64_t so, const uint8_t *cond, int64_t sc,
                       const void *av, int64_t sa, const void *bv, int64_t sb)
{
    T *out = outv;
    const T *a = av, *b = bv;
    const bool dense = so == 1 && sc == 1;
    if (dense && sa == 1 && sb == 1)
        P(where_run)(n, out, cond, a, true, b, true);
    else if (dense && sa == 1 && sb == 0)
        P(where_run)(n, out, cond, a, true, b, false);
    else if (dense && sa == 0 && sb == 1)
        P(where_run)(n, out, cond, a, false, b, true);
    else {
        for (int64_t i = 0; i < n; i++) {
            const T yes = a[i * sa], no = b[i * sb];
            out[i * so] = cond[i * sc] ? yes : no;
        }
    }
}

#if CAN_GO_PAST
/* Ones where cond is 0, for the elements of 32 bytes. */
HONE__INLINE __m256i P(where_not)(const uint8_t *cond)
{
    const __m256i zero = _mm256_setzero_si256();
    if (sizeof(T) == 1)
        return _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)cond), zero);
    if (sizeof(T) == 2)
        return _mm256_cmpeq_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)cond)), zero);
    if (sizeof(T) == 4)
        return _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)cond)), zero);
    return _mm256_cmpeq_epi64(_mm256_cvtepu8_epi64(_mm_loadu_si32(cond)), zero);
}

/* n elements, whole lines of out. */
HONE__INLINE void P(where_lines)(int64_t n, T *out, const uint8_t *cond, const T *a, bool many_a,
                                 const T *b, bool many_b)
{
    enum { HALF = 32 / sizeof(T) };
    T ones[2][HALF];
    if (n == 0) /* a and b may end here */
        return;
    P(k_fill)(HALF, ones[0], 1, a);
    P(k_fill)(HALF, ones[1], 1, b);
    const __m256i one_a = _mm256_loadu_si256((const void *)ones[0]),
                  one_b = _mm256_loadu_si256((const void *)ones[1]);
    for (int64_t i = 0; i < n; i += 2 * HALF)
        for (int64_t v = i; v < i + 2 * HALF; v += HALF) {
            const __m256i yes = many_a ? _mm256_loadu_si256((const void *)(a + v)) : one_a,
                          no = many_b ? _mm256_loadu_si256((const void *)(b + v)) : one_b;
            STORE_PAST(out + v, _mm256_blendv_epi8(yes, no, P(where_not)(cond + v)));
        }
}

static void P(past_where)(int64_t n, void *outv, int64_t so, const uint8_t *cond, int64_t sc,
                          const void *av, int64_t sa, const void *bv, int64_t sb)
{
    T *out = outv;
    const T *a = av, *b = bv;
    const int64_t line = 64 / sizeof(T), before = (int64_t)(-(uintptr_t)out % 64 / sizeof(T));
    const int64_t head = before < n ? before : n, lines = (n - head) / line * line;
    P(k_where)(head, out, so, cond, sc, a, sa, b, sb);
    out += head;
    cond += head;
    a += head * sa;
    b += head * sb;
    if (sa && sb)
        P(where_lines)(lines, out, cond, a, true, b, true);
    else if (sa)
        P(where_lines)(lines, out, cond, a, true, b, false);
    else
        P(where_lines)(lines, out, cond, a, false, b, true);
    P(k_where)
    (n - head - lines, out + lines, so, cond + lines, sc, a + lines * sa, sa, b + lines * sb, sb);
}
#endif

/* Asks for the lines of y that the next strip writes: they are rows apart, so that the machine doesn't
 * see them coming, and a line that comes from afar takes longer than a strip. */
HONE__INLINE void P(ask_for_next)(const T *y, int64_t sy)
{
    for (int64_t j = 0; j < SQUARE; j++)
        __builtin_prefetch(y + j * sy + 64 / sizeof(T), 1);
}

/* Strips of a cache line of rows, `width` columns of each at a time. */
HONE__INLINE void P(transpose_by)(int64_t rows, int64_t cols, T *y, int64_t sy, const T *x,
                                  int64_t sx, int64_t width, bool past)
{
    const int64_t line = 64 / (int64_t)sizeof(T), side = SQUARE;
    const int64_t squares = cols - cols % side;
    for (int64_t j0 = 0; j0 < squares; j0 += width) {
        const int64_t j1 = j0 + width < squares ? j0 + width : squares;
        int64_t i = 0;
        for (; i + line <= rows; i += line)
            for (int64_t j = j0; j < j1; j += side) {
                if (!past)
                    P(ask_for_next)(y + j * sy + i, sy);
                P(strip)(y + j * sy + i, sy, x + i * sx + j, sx, past);
            }
        for (; i + side <= rows; i += side)
            for (int64_t j = j0; j < j1; j += side)
                P(square)(y + j * sy + i, sy, x + i * sx + j, sx);
        for (int64_t j = j0; j < j1; j++)
            for (int64_t r = i; r < rows; r++)
                y[j * sy + r] = x[r * sx + j];
    }
    for (int64_t j = squares; j < cols; j++)
        for (int64_t r = 0; r < rows; r++)
            y[j * sy + r] = x[r * sx + j];
}

static __attribute__((noinline)) void P(transpose_strips)(int64_t rows, int64_t cols, T *y,
                                                          int64_t sy, const T *x, int64_t sx,
                                                          int64_t width)
{
    P(transpose_by)(rows, cols, y, sy, x, sx, width, false);
}

/* Caches find lines that are a multiple of a page apart in the same few places, reach them one
 * after the other and forget all but the last few; half a page is bearable. */
HONE__INLINE bool P(same_sets)(int64_t stride, int64_t bytes)
{
    return stride * (int64_t)sizeof(T) % bytes == 0;
}

/* n elements, mostly 256 bytes. */
HONE__INLINE void P(copy_piece)(T *y, const T *x, int64_t n)
{
    if (n * (int64_t)sizeof(T) != 4 * 64)
        memcpy(y, x, (size_t)n * sizeof(T));
    else
        for (int i = 0; i < 4; i++)
            memcpy((char *)y + 64 * i, (const char *)x + 64 * i, 64);
}

/* Blocks whose pieces of rows and columns are both long. Rows of x that share their sets are read
 * into rows that don't first. */
static void P(transpose_blocks)(int64_t rows, int64_t cols, T *y, int64_t sy, const T *x,
                                int64_t sx, bool stage)
{
    enum { ROWS = 128, COLS = 256 / sizeof(T), STEP = COLS + 64 / sizeof(T) };
    _Alignas(64) T room[ROWS * STEP];
    for (int64_t j = 0; j < cols; j += COLS)
        for (int64_t i = 0; i < rows; i += ROWS) {
            const int64_t m = rows - i < ROWS ? rows - i : ROWS,
                          n = cols - j < COLS ? cols - j : COLS;
            const T *from = x + i * sx + j;
            for (int64_t r = 0; stage && r < m; r++)
                P(copy_piece)(room + r * STEP, from + r * sx, n);
            P(transpose_strips)
            (m, n, y + j * sy + i, sy, stage ? room : from, stage ? STEP : sx, SQUARE);
        }
}

/* Narrow columns write long pieces of few rows, wide ones read long pieces of few. */
static void P(k_transpose)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                           int64_t sx)
{
    T *y = yv;
    const T *x = xv;
    const bool stage = P(same_sets)(sx, 4096) && rows > 4;
    if (stage || P(same_sets)(sy, 4096))
        P(transpose_blocks)(rows, cols, y, sy, x, sx, stage);
    else if (P(same_sets)(sy, 2048) || P(same_sets)(sx, 2048))
        P(transpose_strips)(rows, cols, y, sy, x, sx, 64 / sizeof(T));
    else
        P(transpose_strips)(rows, cols, y, sy, x, sx, cols + SQUARE);
}

/* Whole lines go past the caches if the result's rows begin with a line. If not, memory takes long
 * pieces best. */
static void P(k_transpose_past)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                                int64_t sx)
{
    T *y = yv;
    const T *x = xv;
    if (!CAN_GO_PAST || sizeof(T) == 1 || !P(same_sets)(sy, 64)) {
        if (P(same_sets)(sx, 4096))
            P(k_transpose)(rows, cols, y, sy, x, sx);
        else
            P(transpose_strips)(rows, cols, y, sy, x, sx, SQUARE);
        return;
    }
    int64_t head = (int64_t)(-(uintptr_t)y % 64 / sizeof(T));
    if (head > rows)
        head = rows;
    P(transpose_strips)(head, cols, y, sy, x, sx, cols + SQUARE);
    P(transpose_by)(rows - head, cols, y + head, sy, x + head * sx, sx, cols + SQUARE, true);
    store_past_end();
}

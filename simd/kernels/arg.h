/* arg.h: where the extreme value is, f32 and f64. (fragment: reduce_cols.h)
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
    int64_t i = 0;
    if (value != value) {
        while (x[i] == x[i])
            i++;
        return i;
    }
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        VMASK hit = R(eq)(R(load)(x + i), v);
        for (int k = 1; k < 4; k++)
            hit = MASK(or)(hit, R(eq)(R(load)(x + i + k * LANES), v));
        if (MASK(any)(hit))
            break;
    }
    for (; i + LANES <= n; i += LANES) {
        const VMASK hit = R(eq)(R(load)(x + i), v);
        if (MASK(any)(hit))
            return i + MASK(where)(hit);
    }
    return i + MASK(where)(R(eq)(R(load_n)(x + i, n - i, R(set)((REAL)NAN)), v));
}

/* The best value of n > 0 elements and its place; `block` gives a block's best value. */
HONE__INLINE REAL R(arg)(int64_t n, const REAL *x, int64_t *place, R(block_fn) block,
                         R(order) better)
{
    REAL best = 0;
    *place = -1;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = n - i < BLOCK ? n - i : BLOCK;
        const REAL value = block(m, x + i);
        if (*place < 0 || better(value, best)) {
            best = value;
            *place = i + R(find)(m, x + i, value);
        }
    }
    return best;
}

HONE__INLINE void R(arg_rows)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, int64_t *out,
                              int64_t so, R(block_fn) block, R(order) better)
{
    for (int64_t r = 0; r < rows; r++) {
        int64_t place;
        R(arg)(cols, x + r * sx, &place, block, better);
        out[r * so] = place;
    }
}

HONE__INLINE void R(arg_blocks)(int64_t cols, const REAL *x, int64_t begin, int64_t end,
                                hone__partial *out, R(block_fn) block, R(order) better)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        const REAL value = R(arg)(rest < BLOCK ? rest : BLOCK, x + b * BLOCK, &out[b - begin].index,
                                  block, better);
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

/* ---- along the rows ----
 *
 * Per column the best value and the first row of the group of rows that it came with: the group is
 * searched at the end. Places are counted in integers as wide as the elements, kept as their bits;
 * rows come in chunks that such an integer can count. */

#if HONE__REAL_IS_F64
#define PLACE_INT      int64_t
#define PLACE_BITS(at) i64_as_f64(i64_set(at))
#else
#define PLACE_INT      int32_t
#define PLACE_BITS(at) i32_as_f32(i32_set((int32_t)(at)))
#endif
#define CHUNK_ROWS ((int64_t)1 << 30)
#define FEW_ROWS   64 /* are not worth a search */
#define ARG_PANEL  (FAR_PANEL / 2)

typedef VMASK (*R(beats))(VREAL, VREAL);

/* Fewer than FEW_ROWS rows of n_vec vectors of columns (a constant), in registers: a row's element
 * beats the best one unless `holds`(element, best), or the best one is a NaN. */
HONE__INLINE void R(arg_few)(int n_vec, int lanes, int64_t rows, const REAL *x, int64_t sx,
                             int64_t *out, R(beats) holds)
{
    VREAL best[4], place[4];
    for (int v = 0; v < n_vec; v++) {
        best[v] = R(take)(x + v * LANES, lanes);
        place[v] = PLACE_BITS(0);
    }
    for (int64_t r = 1; r < rows; r++) {
        const VREAL here = PLACE_BITS(r);
        for (int v = 0; v < n_vec; v++) {
            const VREAL p = R(take)(x + r * sx + v * LANES, lanes);
            const VMASK stays = MASK(or)(holds(p, best[v]), R(isnan)(best[v]));
            best[v] = R(select)(stays, best[v], p);
            place[v] = R(select)(stays, place[v], here);
        }
    }
    for (int v = 0; v < n_vec; v++) {
        REAL bits[LANES];
        PLACE_INT at[LANES];
        R(store)(bits, place[v]);
        memcpy(at, bits, sizeof at);
        for (int c = 0; c < lanes; c++)
            out[v * LANES + c] = at[c];
    }
}

HONE__INLINE void R(arg_few_cols)(int64_t rows, int64_t cols, const REAL *x, int64_t sx,
                                  int64_t *out, R(beats) holds)
{
    int64_t j = 0;
    for (; j + 4 * LANES <= cols; j += 4 * LANES)
        R(arg_few)(4, LANES, rows, x + j, sx, out + j, holds);
    for (; j + LANES <= cols; j += LANES)
        R(arg_few)(1, LANES, rows, x + j, sx, out + j, holds);
    if (j < cols)
        R(arg_few)(1, (int)(cols - j), rows, x + j, sx, out + j, holds);
}

/* n rows (a constant), the first of them `at` in its chunk, for one vector of columns. */
HONE__INLINE void R(arg_vector)(int n, int lanes, const REAL *x, int64_t sx, REAL *best,
                                REAL *place, int64_t at, R(chain) chain, R(beats) beats)
{
    const VREAL old = R(take)(best, lanes);
    const VREAL new = chain(old, x, sx, n, lanes), where = R(take)(place, lanes);
    const VMASK first_nan = MASK(and)(R(isnan)(new), R(eq)(old, old));
    const VREAL here = R(select)(MASK(or)(beats(new, old), first_nan), PLACE_BITS(at), where);
    R(put)(best, new, lanes);
    R(put)(place, here, lanes);
}

HONE__INLINE void R(arg_panel)(int n, int64_t cols, const REAL *x, int64_t sx, REAL *best,
                               REAL *place, int64_t at, R(chain) chain, R(beats) beats)
{
    int64_t j = 0;
    for (; j + LANES <= cols; j += LANES)
        R(arg_vector)(n, LANES, x + j, sx, best + j, place + j, at, chain, beats);
    if (j < cols)
        R(arg_vector)(n, (int)(cols - j), x + j, sx, best + j, place + j, at, chain, beats);
}

/* Rows [begin, end), a chunk; `out` holds the places of the chunks before. */
HONE__INLINE void R(arg_chunk)(int64_t begin, int64_t end, int64_t cols, const REAL *x, int64_t sx,
                               REAL *best, int64_t *out, R(chain) chain, R(beats) beats)
{
    const VREAL none = PLACE_BITS(-1);
    const bool far = R(is_far)(end - begin, sx, FAR_EXTREMES);
    REAL place[ARG_PANEL];
    for (int64_t c = 0; c < cols; c += LANES)
        R(put)(place + c, none, cols - c < LANES ? cols - c : LANES);
    int64_t r = begin;
    for (; !far && r + ROWS_AT_ONCE <= end; r += ROWS_AT_ONCE)
        R(arg_panel)(ROWS_AT_ONCE, cols, x + r * sx, sx, best, place, r - begin, chain, beats);
    for (; r < end; r++)
        R(arg_panel)(1, cols, x + r * sx, sx, best, place, r - begin, chain, beats);
    PLACE_INT at[ARG_PANEL];
    memcpy(at, place, (size_t)cols * sizeof *at);
    for (int64_t c = 0; c < cols; c++)
        out[c] = at[c] < 0 ? out[c] : begin + at[c];
}

HONE__INLINE void R(arg_cols)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, int64_t *out,
                              R(chain) chain, R(beats) beats, R(beats) holds)
{
    if (rows < FEW_ROWS) {
        R(arg_few_cols)(rows, cols, x, sx, out, holds);
        return;
    }
    REAL best[ARG_PANEL];
    for (int64_t j = 0; j < cols; j += ARG_PANEL) {
        const int64_t m = cols - j < ARG_PANEL ? cols - j : ARG_PANEL;
        memcpy(best, x + j, (size_t)m * sizeof(REAL));
        memset(out + j, 0, (size_t)m * sizeof(int64_t));
        for (int64_t r = 0; r < rows; r += CHUNK_ROWS)
            R(arg_chunk)
        (r, rows - r < CHUNK_ROWS ? rows : r + CHUNK_ROWS, m, x + j, sx, best, out + j, chain,
         beats);
        for (int64_t c = 0; c < m; c++) {
            const REAL *at = x + out[j + c] * sx + j + c;
            for (; best[c] == best[c] ? *at != best[c] : *at == *at; at += sx)
                out[j + c]++;
        }
    }
}

#define ARG_REDUCTION(name, block, chain, beats, holds, better)                                    \
    static void R(k_##name##_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out, int64_t so)                                          \
    {                                                                                              \
        R(arg_rows)(rows, cols, x, sx, out, so, block, better);                                    \
    }                                                                                              \
    static void R(k_##name##_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,      \
                                     hone__partial *out)                                           \
    {                                                                                              \
        R(arg_blocks)(cols, x, begin, end, out, block, better);                                    \
    }                                                                                              \
    static void R(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        R(arg_combine)(n, partials, out, better);                                                  \
    }                                                                                              \
    static void R(k_##name##_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out)                                                      \
    {                                                                                              \
        R(arg_cols)(rows, cols, x, sx, out, chain, beats, holds);                                  \
    }

ARG_REDUCTION(argmax, R(max_block), R(max_chain), R(gt), R(le), R(above))
ARG_REDUCTION(argmin, R(min_block), R(min_chain), R(lt), R(ge), R(below))

#undef ARG_REDUCTION
#undef PLACE_INT
#undef PLACE_BITS
#undef CHUNK_ROWS
#undef FEW_ROWS
#undef ARG_PANEL

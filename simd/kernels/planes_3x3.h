/* planes_3x3.h: convolutions whose channels don't meet, of 3 x 3 taps, f32, read where they lie:
 * isa/images.h. A row that was loaded is what up to three rows of outputs see. (fragment of images_<isa>.c) */

/* What is there of the columns that outputs [i, i + F32_LANES) see, vector by vector: three, of stride 1; of stride 2
 * two of pairs of columns, which are the two last ones of an odd `across`, else the two first, and one that ends with
 * the column before these, or begins with the one behind. Of stride 1 none is there for outputs that aren't. */
typedef struct {
    xf32 part[3];
} three_edge;

/* Where, from the first column that output i sees. */
HONE__INLINE int64_t three_part(const int mul, const bool odd, const int k)
{
    if (mul == 1)
        return k;
    if (k < 2)
        return k * F32_LANES + odd;
    return odd ? 1 - F32_LANES : 2 * F32_LANES;
}

HONE__INLINE three_edge three_edge_at(const int mul, const hone__plane_3x3 *d, int64_t i)
{
    const bool odd = d->across & 1;
    three_edge e;
    for (int k = 0; k < 3; k++) {
        const int64_t at = i * mul + d->across + three_part(mul, odd, k);
        const bool one = mul == 2 && k == 2;
        const int64_t from = one && odd ? F32_LANES - 1 : 0;
        const int64_t end = one && !odd ? 1 : F32_LANES;
        const int64_t there = mul == 1 && d->n - i < d->width - at ? d->n - i : d->width - at;
        e.part[k] = f32_lanes(-at > from ? -at : from, there < end ? there : end);
    }
    return e;
}

/* Vectors of a row, so many outputs apart: the first of them, the last, if it is another, and those between, which
 * see columns of the image alone, unless there is much padding. */
typedef struct {
    int64_t begin, last; /* of outputs */
    bool plain;
    three_edge first_edge, edge, last_edge;
    xf32 some, last_some; /* of outputs; all of those before the last */
} three_blocks;

HONE__INLINE three_blocks three_blocks_at(const int mul, const hone__plane_3x3 *d, int64_t begin,
                                          const int step)
{
    const int64_t last = begin + (d->n - 1 - begin) / step * step;
    const int64_t from = (begin + step) * mul + d->across;
    const int64_t end = (last - step + F32_LANES - 1) * mul + d->across + 3;
    return (three_blocks){ .begin = begin,
                           .last = last,
                           .plain = from >= 0 && end <= d->width,
                           .first_edge = three_edge_at(mul, d, begin),
                           .edge = three_edge_at(mul, d, begin + step),
                           .last_edge = three_edge_at(mul, d, last),
                           .some = f32_lanes(0, d->n - begin),
                           .last_some = f32_lanes(0, d->n - last) };
}

/* single: a row is one vector, whose edge stays in registers. */
HONE__INLINE const three_edge *three_edge_of(const int mul, const bool single,
                                             const hone__plane_3x3 *d, const three_blocks *b,
                                             int64_t i, three_edge *spare)
{
    if (single || i == b->begin)
        return &b->first_edge;
    if (i == b->last)
        return &b->last_edge;
    if (b->plain)
        return &b->edge;
    *spare = three_edge_at(mul, d, i);
    return spare;
}

/* The three columns of a row; line: what output i's first one is. some, or NULL: of stride 2, the outputs that there
 * are, if the image ends with the last column that these see; others then see nothing but +0. */
HONE__INLINE void three_columns(const int mul, const bool odd, const three_edge *e,
                                const xf32 *some, const float *line, vf32 *v)
{
    const vf32 a = f32_load_lanes(line + three_part(mul, odd, 0), e->part[0]);
    const vf32 b = f32_load_lanes(line + three_part(mul, odd, 1), e->part[1]);
    const vf32 c = f32_load_lanes(line + three_part(mul, odd, 2), e->part[2]);
    if (mul == 1) {
        v[0] = a;
        v[1] = b;
        v[2] = c;
    } else if (odd) {
        v[1] = f32_even(a, b);
        v[2] = f32_odd(a, b);
        v[0] = f32_slide(c, v[2], F32_LANES - 1);
        if (some)
            v[0] = f32_keep_lanes(v[0], *some);
    } else {
        v[0] = f32_even(a, b);
        v[1] = f32_odd(a, b);
        v[2] = f32_slide(v[0], c, 1);
        if (some)
            v[0] = f32_keep_lanes(v[0], *some);
    }
    HONE__IN_REGISTER(v[0]); /* else it is loaded for each */
    HONE__IN_REGISTER(v[1]);
    HONE__IN_REGISTER(v[2]);
}

/* A row of the image for those of acc[0, many) that see it; row k * mul + ky is tap ky of acc[k], w[0, 3) being those
 * of ky 0. */
HONE__INLINE void three_row(const int row, const int many, const int mul, const bool odd,
                            const bool back, const three_edge *e, const float *line, const vf32 *w,
                            vf32 *acc)
{
    vf32 v[3];
    three_columns(mul, odd, e, NULL, line, v);
    for (int k = 0; k < 4; k++) {
        const int ky = row - k * mul;
        if (k >= many || ky < 0 || ky > 2)
            continue;
        acc[k] = f32_fma(v[back ? 2 : 0], w[3 * ky], acc[k]);
        acc[k] = f32_fma(v[1], w[3 * ky + 1], acc[k]);
        acc[k] = f32_fma(v[back ? 0 : 2], w[3 * ky + 2], acc[k]);
    }
}

/* Where the outputs of a call end, if they follow each other row by row, so that what a vector has too many of may
 * be written: the next row follows. Else NULL. */
HONE__INLINE const float *three_end(const hone__plane_3x3 *d)
{
    const bool follow = d->out_row == d->n && d->out_plane == d->n * d->rows;
    return follow ? d->out + d->planes * d->out_plane : NULL;
}

/* The first `count` lanes. */
HONE__INLINE void three_store(float *to, vf32 v, int64_t count, const float *end)
{
    if (count >= F32_LANES || (end && end - to >= F32_LANES))
        f32_store(to, v);
    else
        f32_store_n(to, v, count);
}

/* Masked loads of AVX2 don't make the machine read ahead: lines of small planes, some way ahead. */
HONE__INLINE void three_ask(const float *plane, int64_t elements)
{
    enum { LINE = 16, SMALL = 512, AHEAD = 1024 };
    if (F32_LANES == 8 && elements <= SMALL)
        for (int64_t i = 0; i < elements; i += LINE)
            __builtin_prefetch(plane + AHEAD + i);
}

/* A vector of outputs in each of `many` rows, which see rows [first, ..) of the image; line: the
 * first of these. inside: all of them are there. */
HONE__INLINE void three_some(const int many, const int mul, const bool odd, const bool back,
                             const bool inside, const hone__plane_3x3 *d, const three_edge *e,
                             int64_t first, const float *line, const vf32 *w, vf32 bias, float *to,
                             int64_t count, const float *end)
{
    const int rows = (many - 1) * mul + 3;
    vf32 acc[4];
    for (int k = 0; k < 4; k++)
        acc[k] = f32_set(0);
#define ROW(i)                                                                                     \
    do {                                                                                           \
        const int row = back ? rows - 1 - (i) : (i);                                               \
        if ((i) < rows && (inside || (first + row >= 0 && first + row < d->height)))               \
            three_row(row, many, mul, odd, back, e, line + row * d->down, w, acc);                 \
    } while (0)
    ROW(0);
    ROW(1);
    ROW(2);
    ROW(3);
    ROW(4);
    ROW(5);
    ROW(6);
    ROW(7);
    ROW(8);
#undef ROW
    for (int k = 0; k < many; k++, to += d->out_row) {
        if (d->bias)
            acc[k] = f32_add(acc[k], bias);
        three_store(to, acc[k], count, end);
    }
}

/* Of machines with L3 far away those that are known have AVX-512. */
HONE__INLINE bool three_asks(const hone__plane_3x3 *d)
{
    return F32_LANES == 16 && d->ask;
}

/* What comes d->ask elements later: of the image the lines of as many rows as four rows of outputs begin with, and
 * of these. */
HONE__INLINE void three_ask_ahead(const int mul, const hone__plane_3x3 *d, const float *line,
                                  const float *to)
{
    for (int k = 0; k < 4 * mul; k++)
        for (int v = 0; v < mul; v++)
            __builtin_prefetch(line + d->ask + k * d->down + v * F32_LANES);
    for (int k = 0; k < 4; k++)
        __builtin_prefetch(to + d->ask + k * d->out_row, 1);
}

/* line: of row 0 of the image. */
HONE__INLINE void three_rows(const int many, const int mul, const bool odd, const bool back,
                             const bool single, const hone__plane_3x3 *d, const three_blocks *b,
                             const float *line, int64_t r, const vf32 *w, vf32 bias, float *out,
                             const float *end)
{
    const int64_t first = r * mul + d->first;
    const bool inside = first >= 0 && first + (many - 1) * mul + 3 <= d->height;
    line += first * d->down;
    for (int64_t i = 0; i < (single ? 1 : d->n); i += F32_LANES) {
        three_edge spare;
        const three_edge *const e = three_edge_of(mul, single, d, b, i, &spare);
        if (many == 4 && three_asks(d))
            three_ask_ahead(mul, d, line + i * mul, out + i);
        if (inside)
            three_some(many, mul, odd, back, true, d, e, first, line + i * mul, w, bias, out + i,
                       d->n - i, end);
        else
            three_some(many, mul, odd, back, false, d, e, first, line + i * mul, w, bias, out + i,
                       d->n - i, end);
    }
}

/* back: weights are turned, so that w[8 - tap] is the one of a place. */
HONE__INLINE void three_planes(const int mul, const bool odd, const bool back, const bool single,
                               const hone__plane_3x3 *d)
{
    const three_blocks b = three_blocks_at(mul, d, 0, F32_LANES);
    const float *const end = single ? three_end(d) : NULL;
    for (int64_t p = 0; p < d->planes; p++) {
        three_ask(d->a + p * d->a_plane, d->height * d->down);
        const vf32 bias = f32_set(d->bias ? d->bias[p * d->bias_step] : 0);
        const float *const line = d->a + p * d->a_plane + d->across;
        float *out = d->out + p * d->out_plane;
        vf32 w[9];
        for (int t = 0; t < 9; t++)
            w[t] = f32_set(d->w[9 * p + (back ? 2 - t / 3 : t / 3) * 3 + t % 3]);
        int64_t r = 0;
        for (; r + 4 <= d->rows; r += 4, out += 4 * d->out_row)
            three_rows(4, mul, odd, back, single, d, &b, line, r, w, bias, out, end);
        for (; r + 2 <= d->rows; r += 2, out += 2 * d->out_row)
            three_rows(2, mul, odd, back, single, d, &b, line, r, w, bias, out, end);
        if (r < d->rows)
            three_rows(1, mul, odd, back, single, d, &b, line, r, w, bias, out, end);
    }
}

HONE__INLINE void three_all(const int mul, const bool odd, const bool back,
                            const hone__plane_3x3 *d)
{
    if (d->n <= F32_LANES)
        three_planes(mul, odd, back, true, d);
    else
        three_planes(mul, odd, back, false, d);
}

#if F32_LANES == 16
/* The last plane of an odd number, which twins leave, or none. */
static void three_last_of_twins(hone__plane_3x3 *d)
{
    const int64_t done = d->planes - d->planes % 2;
    d->planes -= done;
    d->a += done * d->a_plane;
    d->out += done * d->out_plane;
    if (d->w)
        d->w += 9 * done;
    if (d->bias)
        d->bias += done * d->bias_step;
    if (d->sum)
        d->sum += 9 * done;
}
#endif

static void plane_3x3(const hone__plane_3x3 *given)
{
    const hone__plane_3x3 *d = given;
#if F32_LANES == 16
    hone__plane_3x3 last = *given;
    if (twins(d)) {
        three_last_of_twins(&last);
        d = &last;
    }
#endif
    if (d->mul == 1 && d->back)
        three_all(1, false, true, d);
    else if (d->mul == 1)
        three_all(1, false, false, d);
    else if (d->across & 1)
        three_all(2, true, false, d);
    else
        three_all(2, false, false, d);
}

/* ---- by the image, of stride 2 */

/* Outputs of a row that sees `rows` rows of dy, first those of tap ky: of columns j + low and the next, those that
 * see one and those that see two. */
HONE__INLINE void up_row(const int rows, const int ky, const bool odd, const three_edge *e,
                         const float *const *line, const vf32 *w, vf32 *one, vf32 *two)
{
    *one = *two = f32_set(0);
    for (int i = 0; i < rows; i++) {
        const vf32 low = f32_load_lanes(line[i], e->part[0]);
        const vf32 high = f32_load_lanes(line[i] + 1, e->part[1]);
        const vf32 *const u = w + 3 * (ky + 2 * i);
        *one = f32_fma(odd ? low : high, u[1], *one);
        *two = f32_fma(high, u[0], *two);
        *two = f32_fma(low, u[2], *two);
    }
}

HONE__INLINE void up_store(float *to, vf32 first, vf32 second, int64_t count, const float *end)
{
    const vf32 low = f32_zip_low(first, second), high = f32_zip_high(first, second);
    three_store(to, low, count, end);
    if (count > F32_LANES)
        three_store(to + F32_LANES, high, count - F32_LANES, end);
}

/* A row of n outputs, in d by pairs. odd: the first of a pair sees one column of dy. at: of row 0, what is low of
 * the first pair. */
HONE__INLINE void up_line(const bool odd, const bool single, const hone__plane_3x3 *d,
                          const three_blocks *b, const float *at, int64_t u, const vf32 *w,
                          float *to, int64_t n, const float *end)
{
    const int64_t y = u >> 1;
    const bool here = y >= 0 && y < d->height, above = y >= 1 && y <= d->height;
    for (int64_t j = 0; j < (single ? 1 : d->n); j += F32_LANES) {
        three_edge spare;
        const three_edge *const e = three_edge_of(1, single, d, b, j, &spare);
        if (three_asks(d)) {
            if (u & 1)
                __builtin_prefetch(at + y * d->down + j + d->ask);
            for (int v = 0; v < 2; v++)
                __builtin_prefetch(to + 2 * j + d->ask + v * F32_LANES, 1);
        }
        const float *const line[2] = { at + y * d->down + j, at + (y - 1) * d->down + j };
        vf32 one = f32_set(0), two = one;
        if (u & 1) {
            if (here)
                up_row(1, 1, odd, e, line, w, &one, &two);
        } else if (here && above) {
            up_row(2, 0, odd, e, line, w, &one, &two);
        } else if (here) {
            up_row(1, 0, odd, e, line, w, &one, &two);
        } else if (above) {
            up_row(1, 2, odd, e, line + 1, w, &one, &two);
        }
        if (odd)
            up_store(to + 2 * j, one, two, n - 2 * j, end);
        else
            up_store(to + 2 * j, two, one, n - 2 * j, end);
    }
}

HONE__INLINE void up_planes(const bool odd, const bool single, const hone__plane_3x3 *d)
{
    hone__plane_3x3 half = *d; /* of pairs of outputs */
    half.n = (d->n + 1) / 2;
    half.across = odd ? (d->across - 1) / 2 : d->across / 2 - 1;
    const three_blocks b = three_blocks_at(1, &half, 0, F32_LANES);
    const float *const end = three_end(d);
    for (int64_t p = 0; p < d->planes; p++) {
        three_ask(d->a + p * d->a_plane, d->height * d->down);
        const float *const at = d->a + p * d->a_plane + half.across;
        float *to = d->out + p * d->out_plane;
        vf32 w[9];
        for (int t = 0; t < 9; t++)
            w[t] = f32_set(d->w[9 * p + t]);
        for (int64_t r = 0; r < d->rows; r++, to += d->out_row)
            up_line(odd, single, &half, &b, at, r + d->first, w, to, d->n, end);
    }
}

static void plane_3x3_up(const hone__plane_3x3 *given)
{
    const hone__plane_3x3 *d = given;
#if F32_LANES == 16
    hone__plane_3x3 last = *given;
    if (twins_up(d)) {
        three_last_of_twins(&last);
        d = &last;
    }
#endif
    const bool odd = d->across & 1, single = d->n <= 2 * F32_LANES;
    if (odd && single)
        up_planes(true, true, d);
    else if (odd)
        up_planes(true, false, d);
    else
        up_planes(false, false, d);
}

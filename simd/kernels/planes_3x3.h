/* planes_3x3.h: convolutions whose channels don't meet, of 3 x 3 taps, f32: isa/images.h. A row that was loaded
 * is what up to three rows of outputs see. (fragment of images_<isa>.c) */

/* A row of the image for those of acc[0, many) that see it; row k * mul + ky is tap ky of acc[k]. */
HONE__INLINE void three_row(const int row, const int many, const int mul, const hone__plane_3x3 *d,
                            const float *line, const vf32 *w, vf32 *acc)
{
    vf32 v[3] = { f32_load(line + d->at[0]), f32_load(line + d->at[1]), f32_load(line + d->at[2]) };
    HONE__IN_REGISTER(v[0]); /* else it is loaded for each */
    HONE__IN_REGISTER(v[1]);
    HONE__IN_REGISTER(v[2]);
    for (int k = 0; k < 4; k++) {
        const int ky = row - k * mul;
        if (k >= many || ky < 0 || ky > 2)
            continue;
        acc[k] = f32_fma(v[0], w[3 * ky], acc[k]);
        acc[k] = f32_fma(v[1], w[3 * ky + 1], acc[k]);
        acc[k] = f32_fma(v[2], w[3 * ky + 2], acc[k]);
    }
}

/* A vector of outputs in each of `many` rows, which see rows [first, ..) of the image; line: the
 * first of these. inside: all of them are there. */
HONE__INLINE void three_some(const int many, const int mul, const bool back, const bool inside,
                             const hone__plane_3x3 *d, int64_t first, const float *line,
                             const vf32 *w, vf32 bias, float *to, int64_t count)
{
    const int rows = (many - 1) * mul + 3;
    vf32 acc[4];
    for (int k = 0; k < 4; k++)
        acc[k] = f32_set(0);
#define ROW(i)                                                                                     \
    do {                                                                                           \
        const int row = back ? rows - 1 - (i) : (i);                                               \
        if ((i) < rows && (inside || (first + row >= 0 && first + row < d->in_rows)))              \
            three_row(row, many, mul, d, line + row * d->down, w, acc);                            \
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
        if (count >= F32_LANES)
            f32_store(to, acc[k]);
        else
            f32_store_n(to, acc[k], count);
    }
}

/* a: row 0 of the image. */
HONE__INLINE void three_rows(const int many, const int mul, const bool back,
                             const hone__plane_3x3 *d, const float *a, int64_t r, const vf32 *w,
                             vf32 bias, float *out)
{
    const int64_t first = r * mul + d->first;
    a += first * d->down;
    if (first >= 0 && first + (many - 1) * mul + 3 <= d->in_rows)
        for (int64_t i = 0; i < d->n; i += F32_LANES)
            three_some(many, mul, back, true, d, first, a + i, w, bias, out + i, d->n - i);
    else
        for (int64_t i = 0; i < d->n; i += F32_LANES)
            three_some(many, mul, back, false, d, first, a + i, w, bias, out + i, d->n - i);
}

/* back: weights are turned, so that w[8 - tap] is the one of a place. */
HONE__INLINE void three_planes(const int mul, const bool back, const hone__plane_3x3 *d)
{
    for (int64_t p = 0; p < d->planes; p++) {
        const vf32 bias = f32_set(d->bias ? d->bias[p * d->bias_step] : 0);
        const float *const a = d->a + p * d->a_plane;
        float *out = d->out + p * d->out_plane;
        vf32 w[9];
        for (int t = 0; t < 9; t++)
            w[t] = f32_set(d->w[9 * p + (back ? 2 - t / 3 : t / 3) * 3 + t % 3]);
        int64_t r = 0;
        for (; r + 4 <= d->rows; r += 4, out += 4 * d->out_row)
            three_rows(4, mul, back, d, a, r, w, bias, out);
        for (; r + 2 <= d->rows; r += 2, out += 2 * d->out_row)
            three_rows(2, mul, back, d, a, r, w, bias, out);
        if (r < d->rows)
            three_rows(1, mul, back, d, a, r, w, bias, out);
    }
}

static void plane_3x3(const hone__plane_3x3 *d)
{
    if (d->mul == 2)
        three_planes(2, false, d);
    else if (d->back)
        three_planes(1, true, d);
    else
        three_planes(1, false, d);
}

/* A row of the image and, for each ky, the row of outputs that sees it with that. */
typedef struct {
    const float *x, *dy[3];
} three_lines;

/* From element i on, of which `count` are left, for the ky that `see` has bits of. */
HONE__INLINE void three_seen(const int see, const hone__plane_3x3 *d, const three_lines *l,
                             int64_t i, int64_t count, vf32 *acc)
{
    vf32 x[3] = { f32_load(l->x + d->at[0] + i), f32_load(l->x + d->at[1] + i),
                  f32_load(l->x + d->at[2] + i) };
    HONE__IN_REGISTER(x[0]);
    HONE__IN_REGISTER(x[1]);
    HONE__IN_REGISTER(x[2]);
#define SEEN(ky)                                                                                   \
    do {                                                                                           \
        if (!(see >> (ky)&1))                                                                      \
            break;                                                                                 \
        vf32 v = count < F32_LANES ? f32_load_n(l->dy[ky] + i, count, f32_set(0))                  \
                                   : f32_load(l->dy[ky] + i);                                      \
        HONE__IN_REGISTER(v);                                                                      \
        for (int kx = 0; kx < 3; kx++)                                                             \
            acc[3 * (ky) + kx] = f32_fma(v, x[kx], acc[3 * (ky) + kx]);                            \
    } while (0)
    SEEN(0);
    SEEN(1);
    SEEN(2);
#undef SEEN
}

/* So many rows that the same taps see; lanes from h on. */
HONE__INLINE void three_run(const int see, const hone__plane_3x3 *d, int64_t rows, three_lines l,
                            int64_t h, vf32 *acc)
{
    const int64_t over = (d->n - h) % HONE__IMAGE_CHANNELS;
    const int64_t some = over < F32_LANES ? over : 0, whole = d->n - some;
    for (; rows > 0; rows--) {
        for (int64_t i = h; i + F32_LANES <= whole; i += HONE__IMAGE_CHANNELS)
            three_seen(see, d, &l, i, F32_LANES, acc);
        if (some > 0)
            three_seen(see, d, &l, whole, some, acc);
        l.x += d->down;
        for (int ky = 0; ky < 3; ky++)
            l.dy[ky] += d->out_row;
    }
}

/* What sees row y of the image: bits of ky. */
HONE__INLINE int three_lines_at(const int mul, const hone__plane_3x3 *d, int64_t y,
                                const float *out, three_lines *l)
{
    int see = 0;
    for (int ky = 0; ky < 3; ky++) {
        const int64_t at = y - d->first - ky, r = at / mul;
        const bool there = at >= 0 && at % mul == 0 && r < d->rows;
        l->dy[ky] = there ? out + r * d->out_row : out;
        see |= there << ky;
    }
    return see;
}

HONE__INLINE void three_lanes(const int mul, const hone__plane_3x3 *d, int64_t p, int64_t h)
{
    float *const lanes = d->lanes + 9 * p * HONE__IMAGE_CHANNELS + h;
    const float *const out = d->out + p * d->out_plane;
    vf32 acc[9];
    for (int t = 0; t < 9; t++)
        acc[t] = f32_load(lanes + t * HONE__IMAGE_CHANNELS);
    for (int64_t y = 0, rows; y < d->in_rows; y += rows) {
        three_lines l;
        const int see = three_lines_at(mul, d, y, out, &l);
        l.x = d->a + p * d->a_plane + y * d->down;
        rows = 1;
        if (see == 7) { /* all rows between the first two and the last two */
            rows = (d->rows + d->first < d->in_rows ? d->rows + d->first : d->in_rows) - y;
            three_run(7, d, rows, l, h, acc);
        } else if (mul == 2 && see == 5) {
            three_run(5, d, 1, l, h, acc);
        } else if (mul == 2 && see == 2) {
            three_run(2, d, 1, l, h, acc);
        } else {
            three_run(see, d, 1, l, h, acc);
        }
    }
    for (int t = 0; t < 9; t++)
        f32_store(lanes + t * HONE__IMAGE_CHANNELS, acc[t]);
}

static void plane_weight_3x3(const hone__plane_3x3 *d)
{
    const int64_t end = d->n < HONE__IMAGE_CHANNELS ? d->n : HONE__IMAGE_CHANNELS;
    for (int64_t p = 0; p < d->planes; p++)
        for (int64_t h = 0; h < end; h += F32_LANES) {
            if (d->mul == 1)
                three_lanes(1, d, p, h);
            else
                three_lanes(2, d, p, h);
        }
}

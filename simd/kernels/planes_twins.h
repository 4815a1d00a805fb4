/* planes_twins.h: planes_3x3.h's where a row of outputs fills half a vector at most: of two planes that follow each
 * other, in its halves (hone__are_twins). (fragment of images_<isa>.c) */

enum { TWIN_LANES = F32_LANES / 2, TWIN_TAPS = 9 };

/* What is there of a row of the image and of one of dy, in the low and the high half; columns that don't fill half a
 * vector (stride 1), or a vector. */
typedef struct {
    xf32 x, x_high, dy, dy_high;
} twin_lanes;

/* The three columns of a row that begins in the padding. */
HONE__INLINE void twin_columns(const int mul, const twin_lanes *e, const float *x,
                               const float *x_twin, vf32 *v)
{
    if (mul == 1) {
        v[1] = f32_load_two(x, e->x, x_twin, e->x_high);
        v[2] = f32_two_down(v[1]);
        v[0] = f32_two_up(v[1]);
    } else {
        const vf32 a = f32_load_lanes(x, e->x), b = f32_load_lanes(x_twin, e->x);
        v[1] = f32_even(a, b);
        v[2] = f32_odd(a, b);
        v[0] = f32_two_up(v[2]);
    }
}

/* Lines that come d->ask elements later. */
HONE__INLINE void twin_ask(const hone__plane_3x3 *d, int64_t p)
{
    enum { LINE = 16 };
    const float *const x = d->a + p * d->a_plane + d->ask;
    const float *const dy = d->out + p * d->out_plane + d->ask;
    for (int64_t i = 0; i < 2 * d->a_plane; i += LINE)
        __builtin_prefetch(x + i);
    for (int64_t i = 0; i < 2 * d->out_plane; i += LINE)
        __builtin_prefetch(dy + i);
}

/* The twins in work: what they read, write and multiply by. */
typedef struct {
    const float *x;
    float *out;
    vf32 w[TWIN_TAPS], bias;
} twin_pair;

HONE__INLINE twin_lanes twin_lanes_of(const hone__plane_3x3 *d)
{
    return (twin_lanes){ f32_lanes(0, d->width), f32_lanes(TWIN_LANES, TWIN_LANES + d->width),
                         f32_lanes(0, d->n), f32_lanes(TWIN_LANES, TWIN_LANES + d->n) };
}

HONE__INLINE void twin_begin(const hone__plane_3x3 *d, int64_t p, twin_pair *t)
{
    t->x = d->a + p * d->a_plane;
    t->out = d->out + p * d->out_plane;
    const float *const w = d->w + TWIN_TAPS * p;
    for (int i = 0; i < TWIN_TAPS; i++)
        t->w[i] = f32_set_two(w[i], w[i + TWIN_TAPS]);
    t->bias = d->bias ? f32_set_two(d->bias[p * d->bias_step], d->bias[(p + 1) * d->bias_step])
                      : f32_set(0);
    if (d->ask)
        twin_ask(d, p);
}

/* A row of the image, and the weights of one of the kernel. */
HONE__INLINE vf32 twin_taps(const bool back, const vf32 *v, const vf32 *w, vf32 acc)
{
    acc = f32_fma(v[back ? 2 : 0], w[0], acc);
    acc = f32_fma(v[1], w[1], acc);
    return f32_fma(v[back ? 0 : 2], w[2], acc);
}

HONE__INLINE void twin_store(const hone__plane_3x3 *d, const twin_lanes *e, const twin_pair *t,
                             int64_t r, vf32 acc)
{
    float *const to = t->out + r * d->out_row;
    f32_store_two(to, e->dy, to + d->out_plane, e->dy_high, d->bias ? f32_add(acc, t->bias) : acc);
}

/* A row that was read is tap row 0 of the outputs that begin, 1 and 2 of those before; back: from the last row on. */
HONE__INLINE void twin_lines_1(const bool back, const hone__plane_3x3 *d, const twin_lanes *e,
                               const twin_pair *t)
{
    const vf32 zero = f32_set(0);
    const int64_t step = back ? -1 : 1, end = back ? -1 : d->height;
    vf32 v[3], begun = zero, half = zero;
    for (int64_t y = back ? d->height - 1 : 0; y != end; y += step) {
        const float *const x = t->x + y * d->down;
        twin_columns(1, e, x, x + d->a_plane, v);
        const vf32 done = twin_taps(back, v, t->w + 6, half);
        half = twin_taps(back, v, t->w + 3, begun);
        begun = twin_taps(back, v, t->w, zero);
        if (y - step >= 0 && y - step < d->rows)
            twin_store(d, e, t, y - step, done);
    }
    const int64_t last = back ? 0 : d->height - 1;
    twin_store(d, e, t, last, half);
}

HONE__INLINE void twin_lines_2(const hone__plane_3x3 *d, const twin_lanes *e, const twin_pair *t)
{
    const vf32 zero = f32_set(0);
    vf32 v[3], acc = zero;
    const float *x = t->x;
    for (int64_t r = 0; r < d->rows; r++, x += 2 * d->down) {
        twin_columns(2, e, x, x + d->a_plane, v);
        acc = twin_taps(false, v, t->w + 3, acc);
        const bool more = 2 * r + 1 < d->height;
        if (more) {
            twin_columns(2, e, x + d->down, x + d->down + d->a_plane, v);
            acc = twin_taps(false, v, t->w + 6, acc);
        }
        twin_store(d, e, t, r, acc);
        acc = more ? twin_taps(false, v, t->w, zero) : zero;
    }
}

HONE__INLINE void twin_planes(const int mul, const bool back, const hone__plane_3x3 *d)
{
    const twin_lanes e = twin_lanes_of(d);
    for (int64_t p = 0; p + 1 < d->planes; p += 2) {
        twin_pair t;
        twin_begin(d, p, &t);
        if (mul == 1)
            twin_lines_1(back, d, &e, &t);
        else
            twin_lines_2(d, &e, &t);
    }
}

/* Every row of outputs is one of the image, or one of two. */
static bool twins(const hone__plane_3x3 *d)
{
    const bool whole = d->mul == 1 ? d->rows == d->height : 2 * d->rows - 1 <= d->height;
    if (d->planes < 2 || d->rows < 1 || !whole || !hone__are_twins(d, false))
        return false;
    if (d->mul == 1 && d->back)
        twin_planes(1, true, d);
    else if (d->mul == 1)
        twin_planes(1, false, d);
    else
        twin_planes(2, false, d);
    return true;
}

/* ---- by the image, of stride 2 */

/* One row of both: of pairs of columns those that see one and those that see two. */
HONE__INLINE void twin_up_store(const hone__plane_3x3 *d, const twin_pair *t, int64_t r, vf32 one,
                                vf32 two)
{
    float *const to = t->out + r * d->out_row;
    f32_store_n(to, f32_zip_low(one, two), d->n);
    f32_store_n(to + d->out_plane, f32_zip_high(one, two), d->n);
}

HONE__INLINE void twin_up_taps(const vf32 *w, vf32 low, vf32 high, vf32 *one, vf32 *two)
{
    *one = f32_fma(low, w[1], *one);
    *two = f32_fma(high, w[0], *two);
    *two = f32_fma(low, w[2], *two);
}

static bool twins_up(const hone__plane_3x3 *d)
{
    if (d->planes < 2 || d->rows < 1 || d->rows > 2 * d->height || !hone__are_twins(d, true))
        return false;
    const twin_lanes e = twin_lanes_of(d);
    const vf32 zero = f32_set(0);
    for (int64_t p = 0; p + 1 < d->planes; p += 2) {
        twin_pair t;
        twin_begin(d, p, &t);
        vf32 low = f32_load_two(t.x, e.x, t.x + d->a_plane, e.x_high), high = f32_two_down(low);
        for (int64_t y = 0; 2 * y < d->rows; y++) {
            vf32 one = zero, two = zero;
            twin_up_taps(t.w + 3, low, high, &one, &two);
            twin_up_store(d, &t, 2 * y, one, two);
            if (2 * y + 1 >= d->rows)
                break;
            const vf32 low_above = low, high_above = high;
            one = two = zero;
            if (y + 1 < d->height) {
                const float *const x = t.x + (y + 1) * d->down;
                low = f32_load_two(x, e.x, x + d->a_plane, e.x_high);
                high = f32_two_down(low);
                twin_up_taps(t.w, low, high, &one, &two);
            }
            twin_up_taps(t.w + 6, low_above, high_above, &one, &two);
            twin_up_store(d, &t, 2 * y + 1, one, two);
        }
    }
    return true;
}

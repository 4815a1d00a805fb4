/* planes_twins.h: planes_3x3_weight.h's where a row of outputs fills half a vector at most: of two planes that follow
 * each other, in its halves. (fragment of images_<isa>.c) */

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

HONE__INLINE void twin_add(vf32 dy, const vf32 *x, vf32 *acc)
{
    for (int kx = 0; kx < 3; kx++)
        acc[kx] = f32_fma(dy, x[kx], acc[kx]);
}

/* Row r of both dy. */
HONE__INLINE vf32 twin_dy(const hone__plane_3x3 *d, const twin_lanes *e, const float *out,
                          int64_t r)
{
    const float *const row = out + r * d->out_row;
    return f32_load_two(row, e->dy, row + d->out_plane, e->dy_high);
}

HONE__INLINE void twin_rows_1(const hone__plane_3x3 *d, const twin_lanes *e, const float *x,
                              const float *out, vf32 *acc)
{
    vf32 next = twin_dy(d, e, out, 0), here = next, before = next;
    for (int64_t y = 0; y < d->height; y++, x += d->down) {
        vf32 v[3];
        twin_columns(1, e, x, x + d->a_plane, v);
        before = here;
        here = next;
        if (y + 1 < d->rows) {
            next = twin_dy(d, e, out, y + 1);
            twin_add(next, v, acc);
        }
        if (y < d->rows)
            twin_add(here, v, acc + 3);
        if (y >= 1 && y <= d->rows)
            twin_add(before, v, acc + 6);
    }
}

HONE__INLINE void twin_rows_2(const hone__plane_3x3 *d, const twin_lanes *e, const float *x,
                              const float *out, vf32 *acc)
{
    vf32 dy = twin_dy(d, e, out, 0), v[3];
    for (int64_t r = 0; r < d->rows && 2 * r < d->height; r++) {
        twin_columns(2, e, x, x + d->a_plane, v);
        twin_add(dy, v, acc + 3);
        x += d->down;
        if (2 * r + 1 < d->height) {
            twin_columns(2, e, x, x + d->a_plane, v);
            twin_add(dy, v, acc + 6);
            x += d->down;
            if (r + 1 < d->rows) {
                dy = twin_dy(d, e, out, r + 1);
                twin_add(dy, v, acc);
            }
        }
    }
}

/* Lines that come d->ask elements later. */
HONE__INLINE void twin_ask(const hone__plane_3x3 *d, int64_t p)
{
    enum { LINE = 16 };
    const float *const x = d->a + p * d->a_plane + d->ask, *const dy =
                                                               d->out + p * d->out_plane + d->ask;
    for (int64_t i = 0; i < 2 * d->a_plane; i += LINE)
        __builtin_prefetch(x + i);
    for (int64_t i = 0; i < 2 * d->out_plane; i += LINE)
        __builtin_prefetch(dy + i);
}

HONE__INLINE void twin_sums(const int mul, const hone__plane_3x3 *d)
{
    const twin_lanes e = { f32_lanes(0, d->width), f32_lanes(TWIN_LANES, TWIN_LANES + d->width),
                           f32_lanes(0, d->n), f32_lanes(TWIN_LANES, TWIN_LANES + d->n) };
    const vf32 zero = f32_set(0);
    for (int64_t p = 0; p + 1 < d->planes; p += 2) {
        const float *const x = d->a + p * d->a_plane, *const out = d->out + p * d->out_plane;
        float *const sum = d->sum + TWIN_TAPS * p;
        vf32 acc[TWIN_TAPS], folded[2];
        if (d->ask)
            twin_ask(d, p);
        for (int t = 0; t < TWIN_TAPS; t++)
            acc[t] = zero;
        if (mul == 1)
            twin_rows_1(d, &e, x, out, acc);
        else
            twin_rows_2(d, &e, x, out, acc);
        for (int t = 0; t < TWIN_TAPS; t++)
            acc[t] = f32_add(acc[t], zero); /* what the half without columns is */
        f32_two_folded(acc, folded);
        enum { REST = 2 * TWIN_TAPS - F32_LANES };
        f32_store(sum, f32_add(f32_load(sum), folded[0]));
        f32_store_n(sum + F32_LANES, f32_add(f32_load_n(sum + F32_LANES, REST, zero), folded[1]),
                    REST);
    }
}

/* Of rows that begin with one of padding, above and on the left. */
HONE__INLINE bool twins_suit(const hone__plane_3x3 *d)
{
    return d->n <= TWIN_LANES && d->width <= d->mul * TWIN_LANES && d->across == -1 &&
           d->first == -1 && d->planes > 1 && d->rows > 0;
}

/* The planes that it took: all, or all but the last. */
static int64_t twins(const hone__plane_3x3 *d)
{
    if (!twins_suit(d))
        return 0;
    if (d->mul == 1)
        twin_sums(1, d);
    else
        twin_sums(2, d);
    return d->planes - d->planes % 2;
}

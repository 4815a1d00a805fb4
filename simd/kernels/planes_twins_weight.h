/* planes_twins_weight.h: planes_3x3_weight.h's of twins (planes_twins.h). (fragment of images_<isa>.c) */

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

HONE__INLINE void twin_sums(const int mul, const hone__plane_3x3 *d)
{
    const twin_lanes e = twin_lanes_of(d);
    const vf32 zero = f32_set(0);
    const xf32 some = (xf32)(e.dy | e.dy_high);
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
        for (int t = 0; t < TWIN_TAPS;
             t++) /* without lanes that saw columns, but no dy; what they are then is added */
            acc[t] = f32_keep_lanes(f32_add(acc[t], zero), some);
        f32_two_folded(acc, folded);
        enum { REST = 2 * TWIN_TAPS - F32_LANES };
        f32_store(sum, f32_add(f32_load(sum), folded[0]));
        f32_store_n(sum + F32_LANES, f32_add(f32_load_n(sum + F32_LANES, REST, zero), folded[1]),
                    REST);
    }
}

static void twins_weight(const hone__plane_3x3 *d)
{
    if (d->mul == 1)
        twin_sums(1, d);
    else
        twin_sums(2, d);
}

/* batch_norm.h: batch norm and its gradients, a stretch of elements at a time, f32 and f64.
 * (fragment: norm.h)
 *
 * `step` (a constant in what is inlined): 0, all elements are one channel's; 1, each is of its own.
 */

/* A vector of a channel's number, or of the numbers of channels i and so on. */
HONE__INLINE VREAL R(channel)(const void *of, int64_t i, int64_t count, int step)
{
    return step ? R(take)((const REAL *)of + i, count) : R(set)(*(const REAL *)of);
}

HONE__INLINE VREAL R(channel_normal)(const REAL *x, int64_t i, int64_t count,
                                     const hone__channels *c, int step)
{
    R(normal_by) by;
    by.base = R(channel)(c->base, i, count, step);
    by.scale = R(channel)(c->scale, i, count, step);
    by.offset = R(channel)(c->offset, i, count, step);
    return R(normal)(R(take)(x + i, count), by);
}

HONE__INLINE void R(batch_norm_lanes)(int64_t i, int64_t count, REAL *y, const REAL *x,
                                      const hone__channels *c, int step)
{
    VREAL v = R(channel_normal)(x, i, count, c, step);
    if (c->weight && c->bias)
        v = R(fma)(v, R(channel)(c->weight, i, count, step), R(channel)(c->bias, i, count, step));
    else if (c->weight)
        v = R(mul)(v, R(channel)(c->weight, i, count, step));
    else if (c->bias)
        v = R(add)(v, R(channel)(c->bias, i, count, step));
    R(put)(y + i, v, count);
}

HONE__INLINE void R(batch_norm_stretch)(int64_t n, REAL *y, const REAL *x, const hone__channels *c,
                                        int step)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(batch_norm_lanes)(i, LANES, y, x, c, step);
    if (i < n)
        R(batch_norm_lanes)(i, n - i, y, x, c, step);
}

static void R(k_batch_norm)(int64_t n, void *y, const void *x, const hone__channels *channels)
{
    const hone__channels c = *channels; /* what y can't overlap */
    if (c.step)
        R(batch_norm_stretch)(n, y, x, &c, 1);
    else
        R(batch_norm_stretch)(n, y, x, &c, 0);
}

HONE__INLINE void R(batch_norm_dx_lanes)(int64_t i, int64_t count, REAL *dx, const REAL *dy,
                                         const REAL *x, const hone__channels *c, int step)
{
    VREAL g = R(take)(dy + i, count);
    if (c->weight)
        g = R(mul)(g, R(channel)(c->weight, i, count, step));
    if (c->mean_g) {
        const VREAL v = R(channel_normal)(x, i, count, c, step);
        g = R(sub)(g, R(channel)(c->mean_g, i, count, step));
        g = R(fnma)(v, R(channel)(c->mean_gv, i, count, step), g);
    }
    R(put)(dx + i, R(mul)(g, R(channel)(c->scale, i, count, step)), count);
}

HONE__INLINE void R(batch_norm_dx_stretch)(int64_t n, REAL *dx, const REAL *dy, const REAL *x,
                                           const hone__channels *c, int step)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(batch_norm_dx_lanes)(i, LANES, dx, dy, x, c, step);
    if (i < n)
        R(batch_norm_dx_lanes)(i, n - i, dx, dy, x, c, step);
}

static void R(k_batch_norm_dx)(int64_t n, void *dx, const void *dy, const void *x,
                               const hone__channels *channels)
{
    const hone__channels c = *channels;
    if (c.step)
        R(batch_norm_dx_stretch)(n, dx, dy, x, &c, 1);
    else
        R(batch_norm_dx_stretch)(n, dx, dy, x, &c, 0);
}

/* What the sum of one element is: as norm_sums_row of it, fma(dy, v, -0.0). */
HONE__INLINE void R(batch_norm_ones)(int64_t i, int64_t count, REAL *g, REAL *gv, const REAL *dy,
                                     const REAL *x, const hone__channels *c)
{
    const VREAL d = R(take)(dy + i, count);
    R(put)(g + i, d, count);
    R(put)(gv + i, R(mul)(d, R(channel_normal)(x, i, count, c, 1)), count);
}

static void R(k_batch_norm_sums)(int64_t n, void *g, void *gv, const void *dy, const void *x,
                                 const hone__channels *c)
{
    if (!c->step) {
        const R(normal_by) by = R(normal_by_of)(*(const REAL *)c->base, *(const REAL *)c->scale,
                                                *(const REAL *)c->offset);
        const R(norm_sums) sums = R(norm_sums_row)(n, dy, x, NULL, by, 1, NULL);
        *(REAL *)g = sums.g;
        *(REAL *)gv = sums.gx;
        return;
    }
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(batch_norm_ones)(i, LANES, g, gv, dy, x, c);
    if (i < n)
        R(batch_norm_ones)(i, n - i, g, gv, dy, x, c);
}

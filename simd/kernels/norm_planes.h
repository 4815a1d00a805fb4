/* norm_planes.h: batch norm of planes with the ReLU behind it, f32 and bf16 (`narrow`, a constant in
 * what is inlined): isa/images.h. Step by step what
 * batch_norm.h and elementwise.h compute, many small planes a call. (fragment of images_<isa>.c) */

/* A plane's numbers. */
typedef struct {
    vf32 base, scale, offset, weight, bias, mean_g, mean_gv;
} norm_numbers;

HONE__INLINE vf32 norm_number(const float *of, int64_t p)
{
    return f32_set(of ? of[p] : 0);
}

HONE__INLINE norm_numbers norm_numbers_of(const hone__norm_planes *d, int64_t p)
{
    return (norm_numbers){ norm_number(d->base, p),   norm_number(d->scale, p),
                           norm_number(d->offset, p), norm_number(d->weight, p),
                           norm_number(d->bias, p),   norm_number(d->mean_g, p),
                           norm_number(d->mean_gv, p) };
}

HONE__INLINE vf32 norm_take(const int narrow, const void *x, int64_t at, int64_t count, vf32 fill)
{
    const float *const wide = (const float *)x + at;
    const uint16_t *const half = (const uint16_t *)x + at;
    if (count >= F32_LANES)
        return narrow ? bf16_load(half) : f32_load(wide);
    return narrow ? bf16_load_n(half, count, fill) : f32_load_n(wide, count, fill);
}

HONE__INLINE void norm_put(const int narrow, void *to, int64_t at, vf32 v, int64_t count)
{
    float *const wide = (float *)to + at;
    uint16_t *const half = (uint16_t *)to + at;
    if (count >= F32_LANES && narrow)
        bf16_store(half, v);
    else if (count >= F32_LANES)
        f32_store(wide, v);
    else if (narrow)
        bf16_store_n(half, v, count);
    else
        f32_store_n(wide, v, count);
}

HONE__INLINE vf32 norm_normal(vf32 x, const norm_numbers *of)
{
    return f32_fma(f32_sub(x, of->base), of->scale, of->offset);
}

/* Of the normalised v. */
HONE__INLINE vf32 norm_result(const hone__norm_planes *d, vf32 v, const norm_numbers *of)
{
    if (d->weight && d->bias)
        return f32_fma(v, of->weight, of->bias);
    if (d->weight)
        return f32_mul(v, of->weight);
    return d->bias ? f32_add(v, of->bias) : v;
}

/* What passes of dy where the result was v's. */
HONE__INLINE vf32 norm_passed(const hone__norm_planes *d, vf32 dy, vf32 v, const norm_numbers *of)
{
    const vf32 zero = f32_set(0);
    return d->relu ? f32_select(f32_le(norm_result(d, v, of), zero), zero, dy) : dy;
}

HONE__INLINE void norm_planes_of(const int narrow, const hone__norm_planes *given)
{
    const hone__norm_planes own = *given, *const d = &own; /* what no store changes */
    const vf32 zero = f32_set(0);
    for (int64_t p = 0; p < d->planes; p++) {
        const norm_numbers of = norm_numbers_of(d, p);
        const int64_t at = p * d->n;
        for (int64_t i = 0; i < d->n; i += F32_LANES) {
            const vf32 v = norm_normal(norm_take(narrow, d->x, at + i, d->n - i, zero), &of);
            const vf32 y = norm_result(d, v, &of);
            norm_put(narrow, d->out, at + i, d->relu ? f32_select(f32_le(y, zero), zero, y) : y,
                     d->n - i);
        }
    }
}

static void norm_planes(const hone__norm_planes *d)
{
    if (d->narrow)
        norm_planes_of(1, d);
    else
        norm_planes_of(0, d);
}

static void norm_pass_planes(const hone__norm_planes *d)
{
    const vf32 zero = f32_set(0);
    for (int64_t p = 0; p < d->planes; p++) {
        const norm_numbers of = norm_numbers_of(d, p);
        const int64_t at = p * d->n;
        for (int64_t i = 0; i < d->n; i += F32_LANES) {
            const vf32 v = norm_normal(norm_take(0, d->x, at + i, d->n - i, zero), &of);
            const vf32 dy = norm_take(0, d->dy, at + i, d->n - i, zero);
            norm_put(0, d->out, at + i, norm_passed(d, dy, v, &of), d->n - i);
        }
    }
}

HONE__INLINE void norm_dx_planes_of(const int narrow, const hone__norm_planes *given)
{
    const hone__norm_planes own = *given, *const d = &own; /* what no store changes */
    const vf32 zero = f32_set(0);
    for (int64_t p = 0; p < d->planes; p++) {
        const norm_numbers of = norm_numbers_of(d, p);
        const int64_t at = p * d->n;
        for (int64_t i = 0; i < d->n; i += F32_LANES) {
            const vf32 v = norm_normal(norm_take(narrow, d->x, at + i, d->n - i, zero), &of);
            vf32 g = norm_passed(d, norm_take(narrow, d->dy, at + i, d->n - i, zero), v, &of);
            if (d->weight)
                g = f32_mul(g, of.weight);
            if (d->mean_g)
                g = f32_fnma(v, of.mean_gv, f32_sub(g, of.mean_g));
            norm_put(narrow, d->out, at + i, f32_mul(g, of.scale), d->n - i);
        }
    }
}

static void norm_dx_planes(const hone__norm_planes *d)
{
    if (d->narrow)
        norm_dx_planes_of(1, d);
    else
        norm_dx_planes_of(0, d);
}

enum { NORM_VECTORS = HONE__NORM_LANES / F32_LANES };

HONE__INLINE float norm_fold(vf32 *lanes, int vectors)
{
    int h = 1;
    while (2 * h < vectors)
        h *= 2;
    for (; h >= 1 && vectors > 1; h /= 2) {
        for (int k = 0; k + h < vectors; k++) /* the others are absent */
            lanes[k] = f32_add(lanes[k], lanes[k + h]);
        vectors = h;
    }
    vf32 v = lanes[0];
    for (int half = F32_LANES / 2; half >= 1; half /= 2)
        v = f32_add(v, f32_down(v, half));
    return f32_first(v);
}

/* Lanes [first, first + SWEEP) vectors of a plane of more than HONE__NORM_LANES elements. */
enum { NORM_SWEEP = NORM_VECTORS < 4 ? NORM_VECTORS : 4 };

HONE__INLINE void norm_sums_step(const int narrow, const hone__norm_planes *d,
                                 const norm_numbers *of, int64_t at, vf32 *g, vf32 *gv)
{
    const vf32 v = norm_normal(norm_take(narrow, d->x, at, F32_LANES, f32_set(0)), of);
    const vf32 passed = norm_passed(d, norm_take(narrow, d->dy, at, F32_LANES, f32_set(0)), v, of);
    *g = f32_add(*g, passed);
    *gv = f32_fma(passed, v, *gv);
}

HONE__INLINE void norm_sums_sweep(const int narrow, const hone__norm_planes *d,
                                  const norm_numbers *of, int64_t at, int64_t n, vf32 *g, vf32 *gv)
{
    const vf32 none = f32_set(-0.0f);
    for (; n >= NORM_SWEEP * F32_LANES; n -= HONE__NORM_LANES, at += HONE__NORM_LANES)
        for (int k = 0; k < NORM_SWEEP; k++)
            norm_sums_step(narrow, d, of, at + k * F32_LANES, &g[k], &gv[k]);
    for (int k = 0; k < NORM_SWEEP && n > 0; k++, n -= F32_LANES, at += F32_LANES) {
        if (n >= F32_LANES) {
            norm_sums_step(narrow, d, of, at, &g[k], &gv[k]);
            continue;
        }
        const vf32 v = norm_normal(norm_take(narrow, d->x, at, n, none), of);
        const vf32 passed = norm_passed(d, norm_take(narrow, d->dy, at, n, none), v, of);
        g[k] = f32_keep_n(f32_add(g[k], passed), n, g[k]);
        gv[k] = f32_keep_n(f32_fma(passed, v, gv[k]), n, gv[k]);
    }
}

/* A plane of at most HONE__NORM_LANES elements, others of which are absent. */
HONE__INLINE int norm_sums_few(const int narrow, const hone__norm_planes *d, const norm_numbers *of,
                               int64_t at, vf32 *g, vf32 *gv)
{
    const vf32 none = f32_set(-0.0f);
    int vectors = 0;
    for (int64_t count = d->n; count > 0; count -= F32_LANES, at += F32_LANES, vectors++) {
        const vf32 v = norm_normal(norm_take(narrow, d->x, at, count, none), of);
        const vf32 passed = norm_passed(d, norm_take(narrow, d->dy, at, count, none), v, of);
        const vf32 product = f32_fma(passed, v, none);
        g[vectors] = count >= F32_LANES ? passed : f32_keep_n(passed, count, none);
        gv[vectors] = count >= F32_LANES ? product : f32_keep_n(product, count, none);
    }
    return vectors;
}

HONE__INLINE void norm_sums_planes_of(const int narrow, const hone__norm_planes *given)
{
    const hone__norm_planes own = *given, *const d = &own; /* what no store changes */
    for (int64_t p = 0; p < d->planes; p++) {
        const norm_numbers of = norm_numbers_of(d, p);
        vf32 g[NORM_VECTORS], gv[NORM_VECTORS];
        int vectors = NORM_VECTORS;
        for (int k = 0; k < NORM_VECTORS; k++)
            g[k] = gv[k] = f32_set(-0.0f);
        if (d->n <= HONE__NORM_LANES)
            vectors = norm_sums_few(narrow, d, &of, p * d->n, g, gv);
        for (int first = 0; d->n > HONE__NORM_LANES && first < NORM_VECTORS; first += NORM_SWEEP)
            norm_sums_sweep(narrow, d, &of, p * d->n + first * F32_LANES, d->n - first * F32_LANES,
                            g + first, gv + first);
        d->g[p] = norm_fold(g, vectors);
        d->gv[p] = norm_fold(gv, vectors);
    }
}

static void norm_sums_planes(const hone__norm_planes *d)
{
    if (d->narrow)
        norm_sums_planes_of(1, d);
    else
        norm_sums_planes_of(0, d);
}

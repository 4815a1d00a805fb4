/* planes_3x3_weight.h: their gradient by the weight (planes_3x3.h): a row of the image that was loaded is multiplied by
 * the rows of dy that see it. Lanes of a vector behind the outputs see +0 of both, as an infinity there may not make
 * a sum NaN. (fragment of images_<isa>.c) */

/* A row of the image and, for each ky, the row of outputs that sees it with that. */
typedef struct {
    const float *x, *dy[3];
} three_lines;

/* From output i on, for the ky that `see` has bits of. whole: there is an output for each lane. */
HONE__INLINE void three_seen(const int see, const int mul, const bool odd, const bool whole,
                             const three_edge *e, xf32 some, const three_lines *l, int64_t i,
                             vf32 *acc)
{
    vf32 x[3];
    three_columns(mul, odd, e, whole ? NULL : &some, l->x + i * mul, x);
#define SEEN(ky)                                                                                   \
    do {                                                                                           \
        if (!(see >> (ky)&1))                                                                      \
            break;                                                                                 \
        vf32 v = f32_load_lanes(l->dy[ky] + i, some);                                              \
        HONE__IN_REGISTER(v);                                                                      \
        acc[3 * (ky)] = f32_fma(v, x[0], acc[3 * (ky)]);                                           \
        acc[3 * (ky) + 1] = f32_fma(v, x[1], acc[3 * (ky) + 1]);                                   \
        acc[3 * (ky) + 2] = f32_fma(v, x[2], acc[3 * (ky) + 2]);                                   \
    } while (0)
    SEEN(0);
    SEEN(1);
    SEEN(2);
#undef SEEN
}

/* Lines of what comes d->ask elements later than these rows. */
HONE__INLINE void three_ask_row(const bool dy, const hone__plane_3x3 *d, const three_lines *l)
{
    enum { LINE = 16 };
    for (int64_t i = 0; i < d->width; i += LINE)
        __builtin_prefetch(l->x + d->ask + i);
    for (int64_t i = 0; dy && i < d->n; i += LINE)
        __builtin_prefetch(l->dy[0] + d->ask + i);
}

/* So many rows that the same taps see. */
HONE__INLINE void three_run(const int see, const int mul, const bool odd, const bool single,
                            const hone__plane_3x3 *d, int64_t rows, three_lines l,
                            const three_blocks *b, vf32 *acc)
{
    for (; rows > 0; rows--) {
        if (three_asks(d))
            three_ask_row(see & 1, d, &l);
        three_seen(see, mul, odd, false, &b->first_edge, b->some, &l, b->begin, acc);
        for (int64_t i = b->begin + HONE__IMAGE_CHANNELS; !single && i < b->last;
             i += HONE__IMAGE_CHANNELS) {
            three_edge spare;
            three_seen(see, mul, odd, true, three_edge_of(mul, false, d, b, i, &spare), b->some, &l,
                       i, acc);
        }
        if (!single && b->begin < b->last)
            three_seen(see, mul, odd, false, &b->last_edge, b->last_some, &l, b->last, acc);
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

/* acc: lanes [h, h + F32_LANES) of each tap. */
HONE__INLINE void three_lanes(const int mul, const bool odd, const bool single,
                              const hone__plane_3x3 *d, int64_t p, const three_blocks *b, vf32 *acc)
{
    const float *const out = d->out + p * d->out_plane;
    for (int64_t y = 0, rows; y < d->height; y += rows) {
        three_lines l;
        const int see = three_lines_at(mul, d, y, out, &l);
        l.x = d->a + p * d->a_plane + y * d->down + d->across;
        rows = 1;
        if (see == 7) { /* all rows between the first two and the last two */
            rows = (d->rows + d->first < d->height ? d->rows + d->first : d->height) - y;
            three_run(7, mul, odd, single, d, rows, l, b, acc);
        } else if (mul == 2 && see == 5) {
            three_run(5, mul, odd, single, d, 1, l, b, acc);
        } else if (mul == 2 && see == 2) {
            three_run(2, mul, odd, single, d, 1, l, b, acc);
        } else {
            three_run(see, mul, odd, single, d, 1, l, b, acc);
        }
    }
}

HONE__INLINE void three_sums(const int mul, const bool odd, const bool single,
                             const hone__plane_3x3 *d)
{
    enum { PARTS = HONE__IMAGE_CHANNELS / F32_LANES };
    three_blocks b[PARTS];
    for (int h = 0; h < PARTS; h++)
        b[h] = three_blocks_at(mul, d, h * F32_LANES, HONE__IMAGE_CHANNELS);
    for (int64_t p = 0; p < d->planes; p++) {
        vf32 acc[PARTS][9];
        for (int h = 0; h < PARTS; h++) {
            for (int t = 0; t < 9; t++)
                acc[h][t] = f32_set(0);
            if (single ? h == 0 : h * F32_LANES < d->n)
                three_lanes(mul, odd, single, d, p, &b[h], acc[h]);
        }
        for (int many = PARTS / 2; many >= 1; many /= 2)
            for (int h = 0; h < many; h++)
                for (int t = 0; t < 9; t++)
                    acc[h][t] = f32_add(acc[h][t], acc[h + many][t]);
        float *const sum = d->sum + 9 * p;
        for (int t = 0; t < 9; t += F32_LANES) {
            const int many = 9 - t < F32_LANES ? 9 - t : F32_LANES;
            const vf32 folded = f32_folded(many, acc[0] + t);
            if (many == F32_LANES)
                f32_store(sum + t, f32_add(f32_load(sum + t), folded));
            else
                f32_store_n(sum + t, f32_add(f32_load_n(sum + t, many, folded), folded), many);
        }
    }
}

HONE__INLINE void three_all_sums(const int mul, const bool odd, const hone__plane_3x3 *d)
{
    if (d->n <= F32_LANES)
        three_sums(mul, odd, true, d);
    else
        three_sums(mul, odd, false, d);
}

static void plane_weight_3x3(const hone__plane_3x3 *given)
{
    hone__plane_3x3 d = *given;
#if F32_LANES == 16
    if (d.planes > 1 && d.rows > 0 && hone__are_twins(&d, false)) {
        twins_weight(&d);
        three_last_of_twins(&d);
    }
#endif
    const int64_t seen = (d.n - 1) * d.mul + d.across + 3; /* columns that an output sees */
    if (seen < d.width)
        d.width = seen;
    if (d.mul == 1)
        three_all_sums(1, false, &d);
    else if (d.across & 1)
        three_all_sums(2, true, &d);
    else
        three_all_sums(2, false, &d);
}

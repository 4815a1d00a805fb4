/* winograd.h: transforms of Winograd's F(2x2, 3x3), f32: isa/images.h says what they compute.
 * (fragment of images_<isa>.c, after a vocabulary) */

enum { WINOGRAD_LANES = HONE__IMAGE_CHANNELS };

typedef struct {
    vf32 at[4];
} winograd_four;

HONE__INLINE winograd_four winograd_bt(vf32 a, vf32 b, vf32 c, vf32 d)
{
    return (winograd_four){ { f32_sub(a, c), f32_add(b, c), f32_sub(c, b), f32_sub(b, d) } };
}

HONE__INLINE winograd_four winograd_a(vf32 a, vf32 b)
{
    return (winograd_four){ { a, f32_add(a, b), f32_sub(a, b), f32_neg(b) } };
}

HONE__INLINE winograd_four winograd_g(vf32 a, vf32 b, vf32 c)
{
    const vf32 half = f32_set(0.5f), ends = f32_add(a, c);
    return (winograd_four){ { a, f32_mul(f32_add(ends, b), half), f32_mul(f32_sub(ends, b), half),
                              c } };
}

/* A column of pixels; outside of the image +0. */
HONE__INLINE winograd_four winograd_column(const hone__winograd_in *t, int64_t x, int64_t c,
                                           bool of_dy)
{
    if (x < 0 || x >= t->width) {
        const vf32 zero = f32_set(0);
        return (winograd_four){ { zero, zero, zero, zero } };
    }
    const hone__pixels *r = t->rows;
    const vf32 a = f32_load(r[0].row + x * r[0].step + c),
               b = f32_load(r[1].row + x * r[1].step + c);
    if (of_dy)
        return winograd_a(a, b);
    return winograd_bt(a, b, f32_load(r[2].row + x * r[2].step + c),
                       f32_load(r[3].row + x * r[3].step + c));
}

HONE__INLINE void winograd_put(const hone__winograd_in *t, float *to, int i, winograd_four v)
{
    for (int j = 0; j < 4; j++)
        f32_store(to + (4 * i + j) * t->point, v.at[j]);
}

static void winograd_in(const hone__winograd_in *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        float *to = t->points + c;
        winograd_four p = winograd_column(t, t->x, c, false);
        winograd_four q = winograd_column(t, t->x + 1, c, false);
        for (int64_t i = 0; i < t->tiles; i++, to += t->tile) {
            const winograd_four r = winograd_column(t, t->x + 2 * i + 2, c, false);
            const winograd_four s = winograd_column(t, t->x + 2 * i + 3, c, false);
            for (int k = 0; k < 4; k++)
                winograd_put(t, to, k, winograd_bt(p.at[k], q.at[k], r.at[k], s.at[k]));
            p = r;
            q = s;
        }
    }
}

static void winograd_dy(const hone__winograd_in *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        float *to = t->points + c;
        for (int64_t i = 0; i < t->tiles; i++, to += t->tile) {
            const winograd_four p = winograd_column(t, t->x + 2 * i, c, true);
            const winograd_four q = winograd_column(t, t->x + 2 * i + 1, c, true);
            for (int k = 0; k < 4; k++)
                winograd_put(t, to, k, winograd_a(p.at[k], q.at[k]));
        }
    }
}

static void winograd_out(const hone__winograd_out *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        const float *from = t->points + c;
        const vf32 bias = t->bias ? f32_load(t->bias + c) : f32_set(0);
        for (int64_t i = 0; i < t->tiles; i++, from += t->tile) {
            vf32 m[2][4];
            for (int j = 0; j < 4; j++) {
                const vf32 a = f32_load(from + j * t->point),
                           b = f32_load(from + (4 + j) * t->point),
                           d = f32_load(from + (8 + j) * t->point),
                           e = f32_load(from + (12 + j) * t->point);
                m[0][j] = f32_add(f32_add(a, b), d);
                m[1][j] = f32_sub(f32_sub(b, d), e);
            }
            for (int k = 0; k < 2 && t->row[k]; k++) {
                float *to = t->row[k] + 2 * i * t->step + c;
                vf32 left = f32_add(f32_add(m[k][0], m[k][1]), m[k][2]);
                vf32 right = f32_sub(f32_sub(m[k][1], m[k][2]), m[k][3]);
                if (t->bias) {
                    left = f32_add(left, bias);
                    right = f32_add(right, bias);
                }
                f32_store(to, left);
                if (2 * i + 1 < t->width)
                    f32_store(to + t->step, right);
            }
        }
    }
}

static void winograd_weights(int64_t n, const float *w, int64_t w_tap, int64_t from_step,
                             float *points, int64_t point, int64_t to_step, bool past)
{
    for (int64_t i = 0; i < n; i++, w += from_step, points += to_step) {
        winograd_four column[3];
        for (int x = 0; x < 3; x++)
            column[x] = winograd_g(f32_load(w + x * w_tap), f32_load(w + (3 + x) * w_tap),
                                   f32_load(w + (6 + x) * w_tap));
        for (int k = 0; k < 4; k++) {
            const winograd_four v = winograd_g(column[0].at[k], column[1].at[k], column[2].at[k]);
            for (int j = 0; j < 4; j++) {
                float *to = points + (4 * k + j) * point;
                if (past)
                    f32_store_past(to, v.at[j]);
                else
                    f32_store(to, v.at[j]);
            }
        }
    }
    if (past)
        store_past_end();
}

HONE__INLINE void winograd_gt(vf32 a, vf32 b, vf32 c, vf32 d, vf32 *to)
{
    const vf32 half = f32_set(0.5f), even = f32_mul(f32_add(b, c), half);
    to[0] = f32_add(a, even);
    to[1] = f32_mul(f32_sub(b, c), half);
    to[2] = f32_add(even, d);
}

static void winograd_weights_back(int64_t n, const float *points, int64_t point, float *w,
                                  int64_t w_tap, bool first)
{
    for (int64_t i = 0; i < n; i += F32_LANES) {
        vf32 column[4][3];
        for (int x = 0; x < 4; x++) {
            const float *p = points + x * point + i;
            winograd_gt(f32_load(p), f32_load(p + 4 * point), f32_load(p + 8 * point),
                        f32_load(p + 12 * point), column[x]);
        }
        for (int y = 0; y < 3; y++) {
            vf32 tap[3];
            winograd_gt(column[0][y], column[1][y], column[2][y], column[3][y], tap);
            for (int x = 0; x < 3; x++) {
                float *to = w + (3 * y + x) * w_tap + i;
                f32_store(to, f32_add(first ? f32_set(0) : f32_load(to), tap[x]));
            }
        }
    }
}

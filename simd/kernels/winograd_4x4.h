/* winograd_4x4.h: transforms of Winograd's F(4x4, 3x3), f32: isa/images.h says what they compute. A tile goes
 * through memory between its two axes: registers don't hold 36 vectors. (fragment of images_<isa>.c) */

enum { WIDE_IN = 6, WIDE_OUT = 4 };

HONE__INLINE void wide_bt(const vf32 *d, vf32 *to)
{
    const vf32 a = f32_set(0.625f), b = f32_set(1.5f), a2 = f32_set(0.390625f), b2 = f32_set(2.25f),
               both = f32_set(2.640625f), product = f32_set(0.87890625f);
    const vf32 even = f32_fnma(b2, d[2], d[4]), odd = f32_fnma(b2, d[1], d[3]);
    const vf32 even_b = f32_fnma(a2, d[2], d[4]), odd_b = f32_fnma(a2, d[1], d[3]);
    to[0] = f32_fnma(both, d[2], f32_fma(product, d[0], d[4]));
    to[1] = f32_fma(a, odd, even);
    to[2] = f32_fnma(a, odd, even);
    to[3] = f32_fma(b, odd_b, even_b);
    to[4] = f32_fnma(b, odd_b, even_b);
    to[5] = f32_fma(product, d[1], f32_fnma(both, d[3], d[5]));
}

HONE__INLINE void wide_at(const vf32 *m, vf32 *to)
{
    const vf32 even = f32_add(m[1], m[2]), odd = f32_sub(m[1], m[2]);
    const vf32 even_b = f32_add(m[3], m[4]), odd_b = f32_sub(m[3], m[4]);
    to[0] = f32_add(f32_add(m[0], even), even_b);
    to[1] = f32_fma(f32_set(0.625f), odd, f32_mul(f32_set(1.5f), odd_b));
    to[2] = f32_fma(f32_set(0.390625f), even, f32_mul(f32_set(2.25f), even_b));
    to[3] = f32_fma(f32_set(0.244140625f), odd, f32_fma(f32_set(3.375f), odd_b, m[5]));
}

#define WIDE_OF_0 ((float)(1 / 0.87890625))     /* 1 / (a^2 b^2) */
#define WIDE_OF_A ((float)(-1 / 1.45263671875)) /* 1 / (2 a^2 (a^2 - b^2)) */
#define WIDE_OF_B ((float)(1 / 8.3671875))      /* 1 / (2 b^2 (b^2 - a^2)) */

HONE__INLINE void wide_g(vf32 a, vf32 b, vf32 c, vf32 *to)
{
    const vf32 of_a = f32_set(WIDE_OF_A), of_b = f32_set(WIDE_OF_B);
    const vf32 even = f32_fma(f32_set(0.390625f), c, a), odd = f32_mul(f32_set(0.625f), b);
    const vf32 even_b = f32_fma(f32_set(2.25f), c, a), odd_b = f32_mul(f32_set(1.5f), b);
    to[0] = f32_mul(f32_set(WIDE_OF_0), a);
    to[1] = f32_mul(of_a, f32_add(even, odd));
    to[2] = f32_mul(of_a, f32_sub(even, odd));
    to[3] = f32_mul(of_b, f32_add(even_b, odd_b));
    to[4] = f32_mul(of_b, f32_sub(even_b, odd_b));
    to[5] = c;
}

HONE__INLINE void wide_a(const vf32 *y, vf32 *to)
{
    const vf32 a = f32_set(0.625f), b = f32_set(1.5f), a2 = f32_set(0.390625f), b2 = f32_set(2.25f);
    const vf32 even = f32_fma(a2, y[2], y[0]), odd = f32_fma(a2, y[3], y[1]);
    const vf32 even_b = f32_fma(b2, y[2], y[0]), odd_b = f32_fma(b2, y[3], y[1]);
    to[0] = y[0];
    to[1] = f32_fma(a, odd, even);
    to[2] = f32_fnma(a, odd, even);
    to[3] = f32_fma(b, odd_b, even_b);
    to[4] = f32_fnma(b, odd_b, even_b);
    to[5] = y[3];
}

HONE__INLINE void wide_gt(const vf32 *u, vf32 *to)
{
    const vf32 of_a = f32_set(WIDE_OF_A), of_b = f32_set(WIDE_OF_B);
    const vf32 even = f32_mul(of_a, f32_add(u[1], u[2])), odd = f32_mul(of_a, f32_sub(u[1], u[2]));
    const vf32 even_b = f32_mul(of_b, f32_add(u[3], u[4])),
               odd_b = f32_mul(of_b, f32_sub(u[3], u[4]));
    to[0] = f32_fma(f32_set(WIDE_OF_0), u[0], f32_add(even, even_b));
    to[1] = f32_fma(f32_set(0.625f), odd, f32_mul(f32_set(1.5f), odd_b));
    to[2] = f32_fma(f32_set(0.390625f), even, f32_fma(f32_set(2.25f), even_b, u[5]));
}

static void wide_in(const hone__winograd_in *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        float *to = t->points + c;
        for (int64_t i = 0; i < t->tiles; i++, to += t->tile) {
            vf32 half[WIDE_IN * WIDE_IN];
            for (int j = 0; j < WIDE_IN; j++) {
                const int64_t x = t->x + WIDE_OUT * i + j;
                const bool inside = x >= 0 && x < t->width;
                vf32 d[WIDE_IN];
                for (int k = 0; k < WIDE_IN; k++)
                    d[k] = inside ? f32_load(t->rows[k].row + x * t->rows[k].step + c) : f32_set(0);
                wide_bt(d, half + WIDE_IN * j);
            }
            for (int k = 0; k < WIDE_IN; k++) {
                vf32 d[WIDE_IN], v[WIDE_IN];
                for (int j = 0; j < WIDE_IN; j++)
                    d[j] = half[WIDE_IN * j + k];
                wide_bt(d, v);
                for (int j = 0; j < WIDE_IN; j++)
                    f32_store(to + (WIDE_IN * k + j) * t->point, v[j]);
            }
        }
    }
}

static void wide_out(const hone__winograd_out *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        const float *from = t->points + c;
        const vf32 bias = t->bias ? f32_load(t->bias + c) : f32_set(0);
        for (int64_t i = 0; i < t->tiles; i++, from += t->tile) {
            vf32 half[WIDE_IN * WIDE_OUT];
            for (int j = 0; j < WIDE_IN; j++) {
                vf32 m[WIDE_IN];
                for (int k = 0; k < WIDE_IN; k++)
                    m[k] = f32_load(from + (WIDE_IN * k + j) * t->point);
                wide_at(m, half + WIDE_OUT * j);
            }
            for (int k = 0; k < WIDE_OUT && t->row[k]; k++) {
                vf32 m[WIDE_IN], y[WIDE_OUT];
                for (int j = 0; j < WIDE_IN; j++)
                    m[j] = half[WIDE_OUT * j + k];
                wide_at(m, y);
                float *to = t->row[k] + WIDE_OUT * i * t->step + c;
                for (int j = 0; j < WIDE_OUT && WIDE_OUT * i + j < t->width; j++, to += t->step)
                    f32_store(to, t->bias ? f32_add(y[j], bias) : y[j]);
            }
        }
    }
}

static void wide_weights(int64_t n, const float *w, int64_t w_tap, int64_t from_step, float *points,
                         int64_t point, int64_t to_step, bool past)
{
    for (int64_t i = 0; i < n; i++, w += from_step, points += to_step) {
        vf32 column[3][WIDE_IN];
        for (int x = 0; x < 3; x++)
            wide_g(f32_load(w + x * w_tap), f32_load(w + (3 + x) * w_tap),
                   f32_load(w + (6 + x) * w_tap), column[x]);
        for (int k = 0; k < WIDE_IN; k++) {
            vf32 v[WIDE_IN];
            wide_g(column[0][k], column[1][k], column[2][k], v);
            for (int j = 0; j < WIDE_IN; j++) {
                float *to = points + (WIDE_IN * k + j) * point;
                if (past)
                    f32_store_past(to, v[j]);
                else
                    f32_store(to, v[j]);
            }
        }
    }
    if (past)
        store_past_end();
}

static void wide_dy(const hone__winograd_in *t)
{
    for (int64_t c = 0; c < t->channels; c += F32_LANES) {
        float *to = t->points + c;
        for (int64_t i = 0; i < t->tiles; i++, to += t->tile) {
            vf32 half[WIDE_OUT * WIDE_IN];
            for (int j = 0; j < WIDE_OUT; j++) {
                const int64_t x = t->x + WIDE_OUT * i + j;
                vf32 y[WIDE_OUT];
                for (int k = 0; k < WIDE_OUT; k++)
                    y[k] = x < t->width ? f32_load(t->rows[k].row + x * t->rows[k].step + c)
                                        : f32_set(0);
                wide_a(y, half + WIDE_IN * j);
            }
            for (int k = 0; k < WIDE_IN; k++) {
                vf32 y[WIDE_OUT], v[WIDE_IN];
                for (int j = 0; j < WIDE_OUT; j++)
                    y[j] = half[WIDE_IN * j + k];
                wide_a(y, v);
                for (int j = 0; j < WIDE_IN; j++)
                    f32_store(to + (WIDE_IN * k + j) * t->point, v[j]);
            }
        }
    }
}

static void wide_weights_back(int64_t n, const float *points, int64_t point, float *w,
                              int64_t w_tap, bool first)
{
    for (int64_t i = 0; i < n; i += F32_LANES) {
        vf32 column[WIDE_IN][3];
        for (int x = 0; x < WIDE_IN; x++) {
            vf32 u[WIDE_IN];
            for (int k = 0; k < WIDE_IN; k++)
                u[k] = f32_load(points + (WIDE_IN * k + x) * point + i);
            wide_gt(u, column[x]);
        }
        for (int y = 0; y < 3; y++) {
            vf32 u[WIDE_IN], tap[3];
            for (int x = 0; x < WIDE_IN; x++)
                u[x] = column[x][y];
            wide_gt(u, tap);
            for (int x = 0; x < 3; x++) {
                float *to = w + (3 * y + x) * w_tap + i;
                f32_store(to, f32_add(first ? f32_set(0) : f32_load(to), tap[x]));
            }
        }
    }
}

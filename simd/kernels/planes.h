/* planes.h: convolutions whose channels don't meet, and pools of pairs, along the rows of a plane, f32:
 * isa/images.h. (fragment of images_<isa>.c) */

enum { PLANE_TAPS = 64, SPLIT = 8 };

/* A vector of outputs in each of `many` rows; a: of the first. */
HONE__INLINE void plane_some(const int many, const int taps, const hone__plane *d,
                             const float *const *a, const vf32 *w, const float *bias, int64_t at,
                             float *to, int64_t count)
{
    vf32 acc[4];
    for (int k = 0; k < many; k++)
        acc[k] = f32_set(0);
    for (int t = 0; t < taps; t++)
        for (int k = 0; k < many; k++)
            acc[k] = f32_fma(f32_load(a[t] + at + k * d->a_row), w[t], acc[k]);
    for (int k = 0; k < many; k++, to += d->out_row) {
        if (bias)
            acc[k] = f32_add(acc[k], f32_set(*bias));
        if (count >= F32_LANES)
            f32_store(to, acc[k]);
        else
            f32_store_n(to, acc[k], count);
    }
}

/* One plane, at + a and out. */
HONE__INLINE void plane_rows(const int taps, const hone__plane *d, const float *const *a,
                             const vf32 *w, const float *bias, int64_t at, float *out)
{
    int64_t r = 0;
    for (; r + 4 <= d->rows; r += 4, at += 4 * d->a_row, out += 4 * d->out_row)
        for (int64_t i = 0; i < d->n; i += F32_LANES)
            plane_some(4, taps, d, a, w, bias, at + i, out + i, d->n - i);
    for (; r + 2 <= d->rows; r += 2, at += 2 * d->a_row, out += 2 * d->out_row)
        for (int64_t i = 0; i < d->n; i += F32_LANES)
            plane_some(2, taps, d, a, w, bias, at + i, out + i, d->n - i);
    if (r < d->rows)
        for (int64_t i = 0; i < d->n; i += F32_LANES)
            plane_some(1, taps, d, a, w, bias, at + i, out + i, d->n - i);
}

/* taps: d->taps, a constant where it pays. */
HONE__INLINE void plane_all(const int taps, const hone__plane *d)
{
    const float *a[PLANE_TAPS];
    for (int t = 0; t < taps; t++)
        a[t] = d->a + d->at[t];
    for (int64_t p = 0; p < d->planes; p++) {
        vf32 w[PLANE_TAPS];
        for (int t = 0; t < taps; t++)
            w[t] = f32_set(d->w[p * d->w_plane + d->tap[t]]);
        plane_rows(taps, d, a, w, d->bias ? d->bias + p * d->bias_step : NULL, p * d->a_plane,
                   d->out + p * d->out_plane);
    }
}

/* Of 3 x 3 taps nine are seen inside, six at a border, some of them where there is a stride. */
static void plane(const hone__plane *d)
{
    switch (d->taps) {
    case 9:
        plane_all(9, d);
        break;
    case 6:
        plane_all(6, d);
        break;
    case 4:
        plane_all(4, d);
        break;
    case 2:
        plane_all(2, d);
        break;
    default:
        plane_all(d->taps, d);
    }
}

/* Taps [t, t + many), lanes from h on. */
HONE__INLINE void plane_taps(const int many, const hone__plane *d, int t, int64_t h, int64_t p)
{
    float *const lanes = d->lanes + p * d->w_plane * HONE__IMAGE_CHANNELS + h;
    const vf32 zero = f32_set(0);
    vf32 acc[9];
    const float *a[9];
    for (int k = 0; k < many; k++) {
        a[k] = d->a + d->at[t + k] + p * d->a_plane;
        acc[k] = f32_load(lanes + d->tap[t + k] * HONE__IMAGE_CHANNELS);
    }
    const float *dy = d->out + p * d->out_plane;
    int64_t last = h; /* of outputs, the first of a vector that n doesn't fill */
    while (last + F32_LANES <= d->n)
        last += HONE__IMAGE_CHANNELS;
    const xf32 some = f32_lanes(0, d->n - last);
    for (int64_t r = 0, at = 0; r < d->rows; r++, dy += d->out_row, at += d->a_row) {
        for (int64_t i = h; i < last; i += HONE__IMAGE_CHANNELS) {
            const vf32 v = f32_load(dy + i);
            for (int k = 0; k < many; k++)
                acc[k] = f32_fma(v, f32_load(a[k] + at + i), acc[k]);
        }
        if (last >= d->n)
            continue;
        const vf32 v = f32_load_n(dy + last, d->n - last, zero);
        for (int k = 0; k < many; k++) /* an infinity there may not make a sum NaN */
            acc[k] = f32_fma(v, f32_keep_lanes(f32_load(a[k] + at + last), some), acc[k]);
    }
    for (int k = 0; k < many; k++)
        f32_store(lanes + d->tap[t + k] * HONE__IMAGE_CHANNELS, acc[k]);
}

static void plane_weight(const hone__plane *d)
{
    for (int64_t p = 0; p < d->planes; p++)
        for (int64_t h = 0; h < HONE__IMAGE_CHANNELS; h += F32_LANES) {
            int t = 0;
            for (; t + 9 <= d->taps; t += 9)
                plane_taps(9, d, t, h, p);
            for (; t + 3 <= d->taps; t += 3)
                plane_taps(3, d, t, h, p);
            for (; t < d->taps; t++)
                plane_taps(1, d, t, h, p);
        }
}

enum { FOLDED = HONE__IMAGE_CHANNELS / F32_LANES };

static void plane_fold(int64_t n, float *lanes, float *sum)
{
    for (int64_t i = 0; i < n; i++, lanes += HONE__IMAGE_CHANNELS) {
        vf32 v[FOLDED];
        for (int k = 0; k < FOLDED; k++) {
            v[k] = f32_load(lanes + k * F32_LANES);
            f32_store(lanes + k * F32_LANES, f32_set(0));
        }
        for (int h = HONE__IMAGE_CHANNELS / 2; h >= 1; h /= 2) {
            if (h < F32_LANES)
                v[0] = f32_add(v[0], f32_down(v[0], h));
            for (int k = 0; k * F32_LANES < h; k++)
                if (h >= F32_LANES)
                    v[k] = f32_add(v[k], v[k + h / F32_LANES]);
        }
        sum[i] = sum[i] + f32_first(v[0]);
    }
}

static void plane_copy(int64_t rows, int64_t n, const float *from, int64_t from_row, float *to,
                       int64_t to_row)
{
    const vf32 zero = f32_set(0);
    const int64_t whole = n - n % F32_LANES;
    for (int64_t r = 0; r < rows; r++, from += from_row, to += to_row) {
        for (int64_t i = 0; i < whole; i += F32_LANES)
            f32_store(to + i, f32_load(from + i));
        if (whole < n)
            f32_store(to + whole, f32_load_n(from + whole, n - whole, zero));
    }
}

HONE__INLINE void split_pairs(int64_t n, const float *restrict from, float *restrict even,
                              float *restrict odd)
{
    for (int64_t i = 0; i < n; i++) {
        even[i] = from[2 * i];
        odd[i] = from[2 * i + 1];
    }
}

static void plane_split(int64_t rows, int64_t n, int64_t parts, const float *from, int64_t from_row,
                        float *to, int64_t part)
{
    for (int64_t r = 0; r < rows; r++, from += from_row, to += parts * part) {
        int64_t i = 0;
        for (; parts == 2 && i + 2 * SPLIT <= n; i += 2 * SPLIT)
            split_pairs(SPLIT, from + i, to + i / 2, to + part + i / 2);
        for (int64_t p = 0; p < parts; p++)
            for (int64_t k = i + p, j = i / parts; k < n; k += parts, j++)
                to[p * part + j] = from[k];
    }
}

static void plane_join(int64_t n, int64_t parts, const float *restrict from, int64_t part,
                       float *restrict to)
{
    const float *restrict const odd = from + part;
    if (parts == 2) {
        for (int64_t i = 0; i < n / 2; i++) {
            to[2 * i] = from[i];
            to[2 * i + 1] = odd[i];
        }
        if (n % 2)
            to[n - 1] = from[n / 2];
        return;
    }
    for (int64_t p = 0; p < parts; p++)
        for (int64_t i = p, j = 0; i < n; i += parts, j++)
            to[i] = from[p * part + j];
}

/* The better one of two, `b` being the later one: the first of equal ones, the last NaN. */
#define BETTER(a, b) ((b) > (a) || (b) != (b))

HONE__INLINE void pool_some(const int64_t n, const float *restrict x, int64_t down, int64_t first,
                            float *restrict best, int64_t *restrict at)
{
    for (int64_t j = 0; j < n; j++) {
        const float a = x[2 * j], b = x[2 * j + 1];
        const float c = x[down + 2 * j], d = x[down + 2 * j + 1];
        const int32_t right = BETTER(a, b);
        const float upper = right ? b : a;
        const int32_t third = BETTER(upper, c);
        const float three = third ? c : upper;
        const int32_t fourth = BETTER(three, d);
        best[j] = fourth ? d : three;
        const int32_t place = third ? (int32_t)down : right;
        at[j] = first + 2 * j + (fourth ? (int32_t)down + 1 : place);
    }
}

enum { POOL_SOME = 16 };

/* Of fewer windows, in memory of its own: branches would be guessed wrong. */
static void pool_rest(int64_t n, const float *x, int64_t down, int64_t first, float *best,
                      int64_t *at)
{
    float rows[4 * POOL_SOME] = { 0 }, rest[POOL_SOME];
    int64_t places[POOL_SOME];
    memcpy(rows, x, 2 * (size_t)n * sizeof *rows);
    memcpy(rows + 2 * POOL_SOME, x + down, 2 * (size_t)n * sizeof *rows);
    pool_some(POOL_SOME, rows, 2 * POOL_SOME, 0, rest, places);
    for (int64_t i = 0; i < n; i++) {
        best[i] = rest[i];
        at[i] = first + (places[i] < 2 * POOL_SOME ? places[i] : places[i] - 2 * POOL_SOME + down);
    }
}

static void pool_pairs(int64_t rows, int64_t n, const float *x, int64_t down, float *best,
                       int64_t *at, bool more)
{
    for (int64_t r = 0; r < rows; r++, x += 2 * down, best += n, at += n) {
        const int64_t first = 2 * r * down;
        int64_t j = 0;
        for (; j + (more ? 1 : POOL_SOME) <= n; j += POOL_SOME)
            pool_some(POOL_SOME, x + 2 * j, down, first + 2 * j, best + j, at + j);
        if (j < n)
            pool_rest(n - j, x + 2 * j, down, first + 2 * j, best + j, at + j);
    }
}

/* The largest so far and its place, beside another element: BETTER. */
HONE__INLINE void positive_take(vf32 *best, vf32 *place, vf32 x, int32_t at)
{
    const vf32 there = i32_as_f32(i32_set(at));
    const mf32 more = f32_gt(x, *best), number = f32_eq(x, x);
    *best = f32_select(number, f32_select(more, x, *best), x);
    *place = f32_select(number, f32_select(more, there, *place), there);
}

/* POOL_SOME windows: of relu(x) the largest, and which it is. */
static void positive_some(const float *x, int64_t down, float *best, uint8_t *which)
{
    int32_t places[POOL_SOME];
    const vf32 zero = f32_set(0), below = i32_as_f32(i32_set(HONE__POOL_BELOW));
    for (int h = 0; h < POOL_SOME; h += F32_LANES) {
        const float *const lower = x + down;
        const vf32 a = f32_load(x), b = f32_load(x + F32_LANES);
        const vf32 c = f32_load(lower), d = f32_load(lower + F32_LANES);
        vf32 most = f32_even(a, b), place = zero;
        positive_take(&most, &place, f32_odd(a, b), 1);
        positive_take(&most, &place, f32_even(c, d), 2);
        positive_take(&most, &place, f32_odd(c, d), 3);
        const mf32 none = f32_le(most, zero);
        f32_store(best + h, f32_select(none, zero, most));
        i32_store(places + h, f32_bits(f32_select(none, below, place)));
        x += 2 * F32_LANES;
    }
    for (int i = 0; i < POOL_SOME; i++)
        which[i] = (uint8_t)places[i];
}

static void positive_rest(int64_t n, const float *x, int64_t down, float *best, uint8_t *which)
{
    float rows[4 * POOL_SOME] = { 0 }, rest[POOL_SOME];
    uint8_t places[POOL_SOME];
    memcpy(rows, x, 2 * (size_t)n * sizeof *rows);
    memcpy(rows + 2 * POOL_SOME, x + down, 2 * (size_t)n * sizeof *rows);
    positive_some(rows, 2 * POOL_SOME, rest, places);
    memcpy(best, rest, (size_t)n * sizeof *best);
    memcpy(which, places, (size_t)n);
}

static void positive_pairs(int64_t rows, int64_t n, const float *x, int64_t down, float *best,
                           uint8_t *which, bool more)
{
    for (int64_t r = 0; r < rows; r++, x += 2 * down, best += n, which += n) {
        int64_t j = 0;
        for (; j + (more ? 1 : POOL_SOME) <= n; j += POOL_SOME)
            positive_some(x + 2 * j, down, best + j, which + j);
        if (j < n)
            positive_rest(n - j, x + 2 * j, down, best + j, which + j);
    }
}

/* A row of dx under POOL_SOME windows: what lies there of their places `first` and the next. */
static void positive_spread(const float *dy, const uint8_t *which, int32_t first, float *dx)
{
    int32_t places[POOL_SOME];
    for (int i = 0; i < POOL_SOME; i++)
        places[i] = which[i];
    const vf32 zero = f32_set(0);
    for (int h = 0; h < POOL_SOME; h += F32_LANES) {
        const vf32 v = f32_add(zero, f32_load(dy + h)); /* a sum that begins at +0 */
        const vi32 place = i32_load(places + h);
        const vf32 left = f32_select(i32_eq(place, i32_set(first)), v, zero);
        const vf32 right = f32_select(i32_eq(place, i32_set(first + 1)), v, zero);
        f32_store(dx + 2 * h, f32_zip_low(left, right));
        f32_store(dx + 2 * h + F32_LANES, f32_zip_high(left, right));
    }
}

static void positive_row(int64_t n, const float *dy, const uint8_t *which, int32_t first, float *dx,
                         bool more)
{
    int64_t j = 0;
    for (; j + (more ? 1 : POOL_SOME) <= n; j += POOL_SOME)
        positive_spread(dy + j, which + j, first, dx + 2 * j);
    if (j >= n)
        return;
    float rest[POOL_SOME] = { 0 }, pairs[2 * POOL_SOME];
    uint8_t places[POOL_SOME] = { 0 };
    memcpy(rest, dy + j, (size_t)(n - j) * sizeof *rest);
    memcpy(places, which + j, (size_t)(n - j));
    positive_spread(rest, places, first, pairs);
    memcpy(dx + 2 * j, pairs, 2 * (size_t)(n - j) * sizeof *pairs);
}

static void positive_pairs_back(int64_t rows, int64_t n, const float *dy, const uint8_t *which,
                                int64_t down, float *dx, bool more)
{
    for (int64_t r = 0; r < rows; r++, dy += n, which += n)
        for (int32_t first = 0; first < 4; first += 2, dx += down) {
            positive_row(n, dy, which, first, dx, more);
            if (2 * n < down)
                dx[down - 1] = 0;
        }
}

enum { POOL_STRETCH = 8 * POOL_SOME }; /* windows of a row at a time */

/* Windows side by side, of one row or of some below each other: the largest element and its place. */
typedef struct {
    float best[POOL_STRETCH];
    int32_t at[POOL_STRETCH];
} pool_bests;

/* Of three elements in a row that begin with even[j]: those with even and odd numbers lie apart. What is at
 * `before` and less lies before the row, and is -inf: if that is the largest, the row's first one is. */
HONE__INLINE void pool_three(const float *restrict even, const float *restrict odd, int32_t first,
                             int32_t before, float *restrict best, int32_t *restrict at)
{
    for (int32_t j = 0; j < POOL_SOME; j++) {
        const float a = even[j], b = odd[j], c = even[j + 1];
        const int32_t second = BETTER(a, b);
        const float two = second ? b : a;
        const int32_t third = BETTER(two, c);
        const int32_t place = first + 2 * j + (third ? 2 : second);
        best[j] = third ? c : two;
        at[j] = place < before ? before : place;
    }
}

/* In memory of its own no vector reads too far, and what isn't in the plane is -inf, never better. */
static __attribute__((noinline)) void pool_row(const hone__pool_threes *p, int64_t row,
                                               int64_t from, int64_t n, pool_bests *restrict to)
{
    float x[2 * POOL_STRETCH + 1], even[POOL_STRETCH + 1], odd[POOL_STRETCH];
    const int64_t col = 2 * from - p->left, lead = col < 0, end = 2 * n + 1;
    const int64_t there = p->width - col < end ? p->width - col : end;
    const int32_t before = (int32_t)(row * p->width), first = before + (int32_t)col;
    x[0] = -INFINITY;
    memcpy(x + lead, p->x + before + col + lead, (size_t)(there - lead) * sizeof *x);
    for (int64_t i = there; i < end; i++)
        x[i] = -INFINITY;
    for (int64_t i = 0; i < 2 * n; i += 2 * SPLIT)
        split_pairs(SPLIT, x + i, even + i / 2, odd + i / 2);
    even[n] = x[2 * n];
    for (int64_t j = 0; j < n; j += POOL_SOME)
        pool_three(even + j, odd + j, first + 2 * (int32_t)j, before, to->best + j, to->at + j);
}

HONE__INLINE void pool_lower(const float *restrict a, const int32_t *restrict a_at,
                             const float *restrict b, const int32_t *restrict b_at,
                             float *restrict best, int32_t *restrict at)
{
    for (int64_t j = 0; j < POOL_SOME; j++) {
        const int32_t lower = BETTER(a[j], b[j]);
        best[j] = lower ? b[j] : a[j];
        at[j] = lower ? b_at[j] : a_at[j];
    }
}

/* The better ones of a and, below it, b. */
static __attribute__((noinline)) void pool_below(int64_t n, const pool_bests *a,
                                                 const pool_bests *b, pool_bests *to)
{
    for (int64_t j = 0; j < n; j += POOL_SOME)
        pool_lower(a->best + j, a->at + j, b->best + j, b->at + j, to->best + j, to->at + j);
}

HONE__INLINE void pool_put(int64_t n, const pool_bests *restrict of, float *restrict best,
                           int64_t *restrict at)
{
    memcpy(best, of->best, (size_t)n * sizeof *best);
    for (int64_t j = 0; j < n; j++)
        at[j] = of->at[j];
}
#undef BETTER

/* A window's last row is the next one's first. */
static void pool_threes(const hone__pool_threes *p)
{
    pool_bests rows[2], middle, two, three;
    for (int64_t from = 0; from < p->n; from += POOL_STRETCH) {
        const int64_t n = p->n - from < POOL_STRETCH ? p->n - from : POOL_STRETCH;
        const int64_t all = (n + POOL_SOME - 1) / POOL_SOME * POOL_SOME;
        if (p->top == 0)
            pool_row(p, 0, from, all, &rows[0]);
        for (int64_t r = 0; r < p->rows; r++) {
            const int64_t row = 2 * r - p->top;
            const pool_bests *of = &rows[r % 2];
            pool_bests *const last = &rows[(r + 1) % 2];
            if (row + 1 < p->height) {
                pool_row(p, row + 1, from, all, &middle);
                if (row >= 0)
                    pool_below(all, of, &middle, &two);
                of = row >= 0 ? &two : &middle;
            }
            if (row + 2 < p->height) {
                pool_row(p, row + 2, from, all, last);
                pool_below(all, of, last, &three);
                of = &three;
            }
            pool_put(n, of, p->best + r * p->n + from, p->at + r * p->n + from);
        }
    }
}

/* digits.c: draws digits like those of MNIST, so that a network can be trained without a download.
 *
 * A digit is one of a few ways to write it (strokes.c), its points moved a little, stretched,
 * slanted, turned and bent, drawn with a pen of some width, blurred and made noisy. Image i takes
 * its random numbers from its own stream, so any thread can draw it; there is no arithmetic but
 * + - * / and sqrt, so it is the same everywhere. */
#include "core/core.h"
#include "data/data.h"
#include "data/strokes.h"
#include "isa/isa.h"
#include "runtime/parallel.h"
#include "runtime/streams.h"

#include <math.h>
#include <string.h>

#define SIDE       28
#define PIXELS     (SIDE * SIDE)
#define SPAN_STEPS 5 /* straight pieces between two points of a stroke */
#define MAX_POINTS (HONE__PEN_POINTS * SPAN_STEPS)
#define BEND_GRID  5

/* How much the digits vary; set so that a linear classifier errs on more than 5 % of them. */
#define JITTER      4.0f  /* of the pen's points, in hundredths of the box */
#define TURN        0.12f /* tangent of half the angle */
#define SLANT       0.28f
#define STRETCH     0.14f
#define SHIFT       1.1f /* pixels, as are: */
#define BEND        1.3f
#define HALF_HEIGHT 9.6f
#define WIDTH_LEAST 0.55f
#define WIDTH_MOST  1.55f
#define NOISE       14.0f /* of 255 */

/* Plain selects: fminf and fmaxf are calls where NaNs count, and here are none. */
static float least(float a, float b)
{
    return a < b ? a : b;
}

static float greatest(float a, float b)
{
    return a > b ? a : b;
}

/* ---- random numbers: those of one image */

#define WORDS (256 + PIXELS / 2)
typedef struct {
    uint32_t word[WORDS];
    int next;
} dice;

static void dice_init(dice *d, uint64_t seed, hone_subset subset, int64_t index)
{
    const hone__stream_kind kind =
        subset == HONE_TRAIN ? HONE__STREAM_DIGITS_TRAIN : HONE__STREAM_DIGITS_TEST;
    hone__k->random_u32(WORDS, d->word, seed, hone__stream(kind, (uint64_t)index), 0);
    d->next = 0;
}

static int roll(dice *d, int sides)
{
    return (int)((uint64_t)d->word[d->next++] * (uint64_t)sides >> 32);
}

/* In [0, 1). */
static float uniform(dice *d)
{
    return (float)(d->word[d->next++] >> 8) * 0x1p-24f;
}

/* Nearly normal, mean 0, variance 1, never past 3.5: four uniform numbers added. */
static float spread(dice *d)
{
    const uint32_t a = d->word[d->next++], b = d->word[d->next++];
    const uint32_t sum = (a >> 16) + (a & 0xFFFF) + (b >> 16) + (b & 0xFFFF);
    return ((float)sum * 0x1p-16f - 2.0f) * 1.7320508f;
}

/* ---- the line: strokes made of straight pieces, in pixels */

typedef struct {
    float x[MAX_POINTS], y[MAX_POINTS];
    bool starts[MAX_POINTS]; /* no piece leads here from the point before */
    int n;
} line;

static void add_point(line *l, float x, float y, bool starts)
{
    l->x[l->n] = x;
    l->y[l->n] = y;
    l->starts[l->n++] = starts;
}

/* Catmull and Rom's curve between b and c. */
static float curve(float a, float b, float c, float d, float t)
{
    const float linear = c - a, square = 2 * a - 5 * b + 4 * c - d, cube = 3 * (b - c) + d - a;
    return b + 0.5f * t * (linear + t * (square + t * cube));
}

static void add_stroke(line *l, const float *x, const float *y, int n)
{
    add_point(l, x[0], y[0], true);
    for (int i = 0; i + 1 < n; i++) {
        const int before = i > 0 ? i - 1 : 0, after = i + 2 < n ? i + 2 : n - 1;
        if (x[i] == x[i + 1] && y[i] == y[i + 1])
            continue;
        for (int s = 1; s <= SPAN_STEPS; s++) {
            const float t = (float)s / SPAN_STEPS;
            add_point(l, curve(x[before], x[i], x[i + 1], x[after], t),
                      curve(y[before], y[i], y[i + 1], y[after], t), false);
        }
    }
}

/* The pen's points, each moved a little (a corner's two together), as a line around (0, 0) whose
 * height is 2. */
static void write_digit(line *l, const hone__pen *pen, dice *d)
{
    float x[HONE__PEN_POINTS], y[HONE__PEN_POINTS];
    int n = 0;
    l->n = 0;
    for (int i = 0;; i++) {
        if (pen[i].x < 0) {
            add_stroke(l, x, y, n);
            n = 0;
            if (pen[i].x == HONE__PEN_END)
                return;
            continue;
        }
        const bool corner = n > 0 && pen[i].x == pen[i - 1].x && pen[i].y == pen[i - 1].y;
        x[n] = corner ? x[n - 1] : ((float)pen[i].x - 50 + JITTER * spread(d)) * 0.02f;
        y[n] = corner ? y[n - 1] : ((float)pen[i].y - 50 + JITTER * spread(d)) * 0.02f;
        n++;
    }
}

/* ---- distortion */

static void stretch_slant_turn(line *l, dice *d)
{
    const float size = HALF_HEIGHT * (1 + 0.6f * STRETCH * spread(d));
    const float width = 0.85f * size * (1 + STRETCH * spread(d));
    const float slant = SLANT * spread(d) * 0.6f - 0.1f;
    const float t = TURN * 0.6f * spread(d), norm = 1 / (1 + t * t);
    const float cosine = (1 - t * t) * norm, sine = 2 * t * norm;
    for (int i = 0; i < l->n; i++) {
        const float x = width * l->x[i] + slant * size * l->y[i], y = size * l->y[i];
        l->x[i] = cosine * x - sine * y;
        l->y[i] = sine * x + cosine * y;
    }
}

/* A smooth field: random values on a grid over the image, eased from one to the next. */
static float field(float grid[BEND_GRID][BEND_GRID], float x, float y)
{
    const float scale = (BEND_GRID - 1) / (float)SIDE, last = BEND_GRID - 1.001f;
    const float gx = least(greatest((x + SIDE / 2) * scale, 0), last);
    const float gy = least(greatest((y + SIDE / 2) * scale, 0), last);
    const int ix = (int)gx, iy = (int)gy;
    const float fx = gx - (float)ix, fy = gy - (float)iy;
    const float ex = fx * fx * (3 - 2 * fx), ey = fy * fy * (3 - 2 * fy);
    const float top = grid[iy][ix] + ex * (grid[iy][ix + 1] - grid[iy][ix]);
    const float low = grid[iy + 1][ix] + ex * (grid[iy + 1][ix + 1] - grid[iy + 1][ix]);
    return top + ey * (low - top);
}

static void bend(line *l, dice *d)
{
    float dx[BEND_GRID][BEND_GRID], dy[BEND_GRID][BEND_GRID];
    for (int i = 0; i < BEND_GRID; i++) {
        for (int j = 0; j < BEND_GRID; j++) {
            dx[i][j] = BEND * spread(d);
            dy[i][j] = BEND * spread(d);
        }
    }
    for (int i = 0; i < l->n; i++) {
        const float x = l->x[i], y = l->y[i];
        l->x[i] = x + field(dx, x, y);
        l->y[i] = y + field(dy, x, y);
    }
}

/* Puts the middle of the line's box near the middle of the image; what is too large shrinks. */
static void centre(line *l, dice *d)
{
    float left = l->x[0], right = left, top = l->y[0], low = top;
    for (int i = 1; i < l->n; i++) {
        left = least(left, l->x[i]);
        right = greatest(right, l->x[i]);
        top = least(top, l->y[i]);
        low = greatest(low, l->y[i]);
    }
    const float most = greatest(right - left, low - top), fits = SIDE - 5;
    const float scale = most > fits ? fits / most : 1;
    const float x = SIDE / 2 + SHIFT * 0.6f * spread(d), y = SIDE / 2 + SHIFT * 0.6f * spread(d);
    for (int i = 0; i < l->n; i++) {
        l->x[i] = x + scale * (l->x[i] - 0.5f * (left + right));
        l->y[i] = y + scale * (l->y[i] - 0.5f * (top + low));
    }
}

/* ---- ink */

/* Covers the pixels near one straight piece: all of it inside the pen's width, fading over one
 * pixel. */
static void draw_piece(float *ink, float ax, float ay, float bx, float by, float half_width)
{
    const float reach = half_width + 0.5f, dx = bx - ax, dy = by - ay;
    const float square = dx * dx + dy * dy, inverse = square > 0 ? 1 / square : 0;
    const int x0 = (int)greatest(least(ax, bx) - reach, 0),
              y0 = (int)greatest(least(ay, by) - reach, 0);
    const int x1 = (int)least(greatest(ax, bx) + reach, SIDE - 1);
    const int y1 = (int)least(greatest(ay, by) + reach, SIDE - 1);
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x++) {
            const float px = (float)x + 0.5f - ax, py = (float)y + 0.5f - ay;
            const float along = least(greatest((px * dx + py * dy) * inverse, 0), 1);
            const float qx = px - along * dx, qy = py - along * dy;
            const float cover = least(reach - sqrtf(qx * qx + qy * qy), 1);
            if (cover > ink[y * SIDE + x])
                ink[y * SIDE + x] = cover;
        }
    }
}

static void draw(const line *l, float *ink, dice *d)
{
    const float most = WIDTH_MOST - WIDTH_LEAST;
    const float begin = WIDTH_LEAST + most * uniform(d), change = 0.35f * (uniform(d) - 0.5f);
    memset(ink, 0, PIXELS * sizeof *ink);
    for (int i = 1; i < l->n; i++) {
        if (l->starts[i])
            continue;
        const float half_width = begin + change * (float)i / (float)l->n;
        draw_piece(ink, l->x[i - 1], l->y[i - 1], l->x[i], l->y[i], half_width);
    }
}

static float at(const float *ink, int x, int y)
{
    return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : ink[y * SIDE + x];
}

/* Blur and noise, and bytes out of them. */
static void develop(const float *ink, uint8_t *image, dice *d)
{
    const float blur = 0.08f * uniform(d), whole = 1 - 4 * blur;
    const float strength = 255 * (0.8f + 0.2f * uniform(d));
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const float around =
                at(ink, x - 1, y) + at(ink, x + 1, y) + at(ink, x, y - 1) + at(ink, x, y + 1);
            const float value = strength * (whole * ink[y * SIDE + x] + blur * around);
            /* Half a word a pixel: two bytes added, a triangle around 0. */
            const int i = y * SIDE + x;
            const uint32_t half = d->word[d->next + i / 2] >> 16 * (i & 1);
            const float noise = ((float)(half & 0xFF) + (float)(half >> 8 & 0xFF) - 255) / 104;
            const float noisy = value + NOISE * noise;
            image[i] = (uint8_t)least(greatest(noisy, 0), 255);
        }
    }
}

int hone__digit_draw(uint64_t seed, hone_subset subset, int64_t index, uint8_t *image)
{
    dice d;
    line l;
    float ink[PIXELS];
    dice_init(&d, seed, subset, index);
    const int digit = roll(&d, 10), way = roll(&d, HONE__WAYS);
    write_digit(&l, hone__strokes[digit][way], &d);
    stretch_slant_turn(&l, &d);
    bend(&l, &d);
    centre(&l, &d);
    draw(&l, ink, &d);
    develop(ink, image, &d);
    return digit;
}

/* ---- the set */

typedef struct {
    uint64_t seed;
    hone_subset subset;
    uint8_t *images;
    int64_t *labels;
} drawing;

static void draw_range(void *ctx, int64_t begin, int64_t end)
{
    const drawing *job = ctx;
    for (int64_t i = begin; i < end; i++)
        job->labels[i] = hone__digit_draw(job->seed, job->subset, i, job->images + i * PIXELS);
}

hone_status hone_digits(hone_subset subset, int64_t n, uint64_t seed, hone_dataset *set)
{
    if (!set)
        return hone__error_missing("digits", "a data set");
    *set = (hone_dataset){ 0 };
    if (!hone__ready())
        return hone__error_last();
    if (n < 0 || (subset != HONE_TRAIN && subset != HONE_TEST))
        return hone_error_set(HONE_E_VALUE, "digits: %lld images of subset %d", (long long)n,
                              (int)subset);
    if (n == 0)
        n = subset == HONE_TRAIN ? 60000 : 10000;
    HONE_SCOPE();
    hone_tensor *x = hone__own(hone__new("digits", HONE_U8, 3, (const int64_t[]){ n, SIDE, SIDE }));
    hone_tensor *y = hone__own(hone__new("digits", HONE_I64, 1, &n));
    if (!x || !y)
        return hone__error_last();
    drawing job = { seed, subset, hone__data(x), hone__data(y) };
    hone__parallel_for(n, 1, 2e4, draw_range, &job);
    return hone_dataset_from(x, y, set);
}

/* pictures.c: small colour pictures of ten classes, for networks with convolutions.
 *
 * A picture is a shape or a texture inside of a round patch, both of one colour, on another colour;
 * either may be the lighter one. Picture i takes its random numbers from its own stream, so any
 * thread can draw it; there is no arithmetic but + - * / and sqrt, so it is the same everywhere. */
#include "core/core.h"
#include "data/data.h"
#include "isa/isa.h"
#include "runtime/parallel.h"
#include "runtime/streams.h"

#include <math.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE, CHANNELS = 3, CLASSES = 10 };
enum { CHOICES = 24, NOISY = CHANNELS * PIXELS, WORDS = CHOICES + NOISY / 2 };

/* How much pictures vary. */
#define TURN         0.12f /* tangent of half the angle: 14 degrees */
#define SHIFT        5.0f  /* pixels, as are: */
#define RADIUS_LEAST 8.5f
#define RADIUS_MOST  12.5f
#define PERIOD_LEAST 4.5f /* of textures */
#define PERIOD_MOST  6.5f
#define CONTRAST     100.0f /* least distance of the colours, of 255 a channel */
#define LIGHT        40.0f  /* the light's change over the picture */
#define NOISE        16.0f

typedef struct {
    uint32_t word[WORDS];
    int next;
} dice;

static float uniform(dice *d, float low, float high)
{
    return low + (high - low) * ((float)(d->word[d->next++] >> 8) * 0x1p-24f);
}

static float least(float a, float b)
{
    return a < b ? a : b;
}

static float greatest(float a, float b)
{
    return a > b ? a : b;
}

static float size_of(float x)
{
    return x < 0 ? -x : x;
}

/* ---- shapes: how far a point is inside, in pixels (negative: outside) */

typedef struct {
    float x, y, cosine, sine, radius, period, phase_x, phase_y;
    int kind;
} shape;

/* 0 at the stripes' edges, a quarter of the period in their middle. */
static float stripe(float at, float period)
{
    const float turns = at / period + 64; /* positive: truncation is floor */
    const float part = turns - (float)(int)turns;
    return (0.25f - size_of(part - 0.5f)) * period;
}

static float inside(const shape *s, float px, float py)
{
    const float dx = px - s->x, dy = py - s->y;
    const float u = s->cosine * dx + s->sine * dy, v = s->cosine * dy - s->sine * dx;
    const float r = s->radius, from_centre = sqrtf(u * u + v * v), disc = r - from_centre;
    const float su = stripe(u + s->phase_x, s->period), sv = stripe(v + s->phase_y, s->period);
    const float slim = 0.3f * r, box = greatest(size_of(u), size_of(v));
    switch (s->kind) {
    case 0:
        return 0.85f * r - from_centre;
    case 1:
        return 0.8f * r - box;
    case 2: /* its corner above; sides fall by 2 in 1 */
        return least(0.65f * r - v, (0.5f * (v + r) - size_of(u)) * 0.89f);
    case 3:
        return 0.25f * r - size_of(from_centre - 0.7f * r);
    case 4:
        return least(r - box, slim - least(size_of(u), size_of(v)));
    case 5:
        return least(disc, sv);
    case 6:
        return least(disc, su);
    case 7:
        return least(disc, stripe(0.70710678f * (u + v) + s->phase_x, s->period));
    case 8: /* where both are inside of their stripes, or both outside */
        return least(disc, (su > 0) == (sv > 0) ? least(size_of(su), size_of(sv))
                                                : -least(size_of(su), size_of(sv)));
    default: /* dots at the crossings */
        return least(
            disc, sqrtf(greatest(su + 0.25f * s->period, 0) * greatest(sv + 0.25f * s->period, 0)) -
                      0.3f * s->period);
    }
}

static shape shape_of(dice *d, int kind)
{
    const float turn = uniform(d, -TURN, TURN), square = turn * turn;
    shape s = { .kind = kind,
                .cosine = (1 - square) / (1 + square),
                .sine = 2 * turn / (1 + square) };
    s.x = SIDE / 2 + uniform(d, -SHIFT, SHIFT);
    s.y = SIDE / 2 + uniform(d, -SHIFT, SHIFT);
    s.radius = uniform(d, RADIUS_LEAST, RADIUS_MOST);
    s.period = uniform(d, PERIOD_LEAST, PERIOD_MOST);
    s.phase_x = uniform(d, 0, s.period);
    s.phase_y = uniform(d, 0, s.period);
    return s;
}

/* ---- colours */

/* Two colours that differ by CONTRAST or more, in the mean of the channels' distances. */
static void colours_of(dice *d, float *ground, float *ink)
{
    float distance = 0;
    for (int c = 0; c < CHANNELS; c++) {
        ground[c] = uniform(d, 20, 235);
        ink[c] = uniform(d, 20, 235);
        distance += size_of(ink[c] - ground[c]) / CHANNELS;
    }
    if (distance >= CONTRAST)
        return;
    for (int c = 0; c < CHANNELS; c++) /* away from each other, or across the middle */
        ink[c] = ground[c] + (ground[c] < 127.5f ? CONTRAST : -CONTRAST);
}

/* ---- the picture */

int hone__picture_draw(uint64_t seed, hone_subset subset, int64_t index, uint8_t *picture)
{
    dice d = { .next = 0 };
    const hone__stream_kind kind =
        subset == HONE_TRAIN ? HONE__STREAM_PICTURES_TRAIN : HONE__STREAM_PICTURES_TEST;
    hone__k->random_u32(WORDS, d.word, seed, hone__stream(kind, (uint64_t)index), 0);
    const int label = (int)((uint64_t)d.word[d.next++] * CLASSES >> 32);
    const shape s = shape_of(&d, label);
    float ground[CHANNELS], ink[CHANNELS];
    colours_of(&d, ground, ink);
    const float across = uniform(&d, -LIGHT, LIGHT), down = uniform(&d, -LIGHT, LIGHT);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const float px = (float)x + 0.5f, py = (float)y + 0.5f;
            const float cover = greatest(least(inside(&s, px, py) + 0.5f, 1), 0);
            const float light = across * (px / SIDE - 0.5f) + down * (py / SIDE - 0.5f);
            for (int c = 0; c < CHANNELS; c++) {
                /* Half a word a number: two bytes added, a triangle around 0. */
                const int i = c * PIXELS + y * SIDE + x;
                const uint32_t half = d.word[CHOICES + i / 2] >> 16 * (i & 1);
                const float noise = ((float)(half & 0xFF) + (float)(half >> 8 & 0xFF) - 255) / 104;
                const float value = ground[c] + cover * (ink[c] - ground[c]) + light;
                picture[i] = (uint8_t)least(greatest(value + NOISE * noise, 0), 255);
            }
        }
    }
    return label;
}

typedef struct {
    uint64_t seed;
    hone_subset subset;
    uint8_t *pictures;
    int64_t *labels;
} drawing;

static void draw_range(void *ctx, int64_t begin, int64_t end)
{
    const drawing *job = ctx;
    for (int64_t i = begin; i < end; i++)
        job->labels[i] =
            hone__picture_draw(job->seed, job->subset, i, job->pictures + i * CHANNELS * PIXELS);
}

hone_status hone_dataset_pictures(hone_subset subset, int64_t n, uint64_t seed, hone_dataset *set)
{
    if (!set)
        return hone__error_missing("dataset_pictures", "a data set");
    *set = (hone_dataset){ 0 };
    if (!hone__ready())
        return hone__error_last();
    if (n < 0 || (subset != HONE_TRAIN && subset != HONE_TEST))
        return hone_error_set(HONE_E_VALUE, "dataset_pictures: %lld pictures of subset %d",
                              (long long)n, (int)subset);
    if (n == 0)
        n = subset == HONE_TRAIN ? 10000 : 2000;
    HONE_SCOPE();
    hone_tensor *x = hone__own(
        hone__new("dataset_pictures", HONE_U8, 4, (const int64_t[]){ n, CHANNELS, SIDE, SIDE }));
    hone_tensor *y = hone__own(hone__new("dataset_pictures", HONE_I64, 1, &n));
    if (!x || !y)
        return hone__error_last();
    drawing job = { seed, subset, hone__data(x), hone__data(y) };
    hone__parallel_for(n, 1, 5e4, draw_range, &job);
    return hone_dataset_from(x, y, set);
}

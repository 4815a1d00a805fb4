/* image_resize.c: resizing as Pillow 13 does it with 8-bit pictures, to the bit: each output pixel is a
 * weighted sum of those under the filter, which grows with the reduction; weights are rounded to
 * multiples of 2^-22; each pass is rounded and clipped to a byte. The horizontal pass comes first, but
 * (since Pillow 13) not where the height shrinks by more than twice as many pixels as the width does.
 * Weights are made of doubles by + - * / alone.
 *
 * Source: what Pillow's resize is described to do in its documentation ("Filters"), and its outputs. */
#include "data/image.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

enum { WEIGHT_BITS = 22 };

/* ---- weights */

/* For each output pixel: the first input pixel, how many, and their weights. */
typedef struct {
    int out, most; /* weights a pixel has room for */
    int *first, *count;
    int32_t *weight; /* [out, most] */
} plan;

static double size_of(double x)
{
    return x < 0 ? -x : x;
}

static double triangle(double x)
{
    const double d = size_of(x);
    return d < 1.0 ? 1.0 - d : 0.0;
}

/* Keys's with a = -1/2. */
static double cubic(double x)
{
    const double a = -0.5, d = size_of(x);
    if (d < 1.0)
        return ((a + 2.0) * d - (a + 3.0)) * d * d + 1;
    if (d < 2.0)
        return (((d - 5) * d + 8) * d - 4) * a;
    return 0.0;
}

static double filter_at(hone__filter filter, double x)
{
    return filter == HONE__BICUBIC ? cubic(x) : triangle(x);
}

static int to_weight(double w)
{
    const double scaled = w * (1 << WEIGHT_BITS);
    return (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* How far the filter reaches to each side, in input pixels. */
static double reach_of(hone__filter filter, int in, int out)
{
    const double scale = (double)in / out;
    return (filter == HONE__BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
}

static int most_of(hone__filter filter, int in, int out)
{
    const double reach = reach_of(filter, in, out);
    const int whole = (int)reach;
    return 2 * (whole < reach ? whole + 1 : whole) + 1;
}

static void fill_plan(plan *p, hone__filter filter, int in, double *exact)
{
    const double scale = (double)in / p->out, reach = reach_of(filter, in, p->out);
    const double inverse = 1.0 / (scale < 1.0 ? 1.0 : scale);
    for (int i = 0; i < p->out; i++) {
        const double centre = (i + 0.5) * scale;
        int begin = (int)(centre - reach + 0.5), end = (int)(centre + reach + 0.5);
        begin = begin < 0 ? 0 : begin;
        end = end > in ? in : end;
        double sum = 0;
        for (int k = 0; k < end - begin; k++) {
            exact[k] = filter_at(filter, (k + begin - centre + 0.5) * inverse);
            sum += exact[k];
        }
        for (int k = 0; k < end - begin; k++)
            p->weight[(size_t)i * (size_t)p->most + (size_t)k] =
                to_weight(sum != 0.0 ? exact[k] / sum : exact[k]);
        p->first[i] = begin;
        p->count[i] = end - begin;
    }
}

/* ---- passes */

static inline uint8_t clipped(int32_t sum)
{
    const int32_t value = sum >> WEIGHT_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void across(const hone__image *from, const plan *p, hone__image *to)
{
    const size_t c = (size_t)from->channels, row = (size_t)from->width * c;
    for (int y = 0; y < from->height; y++) {
        uint8_t *out = to->pixels + (size_t)y * (size_t)p->out * c;
        for (int i = 0; i < p->out; i++, out += c) {
            const int32_t *w = p->weight + (size_t)i * (size_t)p->most;
            const uint8_t *at = from->pixels + (size_t)y * row + (size_t)p->first[i] * c;
            const int n = p->count[i];
            int32_t a = 1 << (WEIGHT_BITS - 1), b = a, d = a;
            if (c == 1) {
                for (int k = 0; k < n; k++)
                    a += at[k] * w[k];
                out[0] = clipped(a);
                continue;
            }
            for (int k = 0; k < n; k++) {
                a += at[3 * k] * w[k];
                b += at[3 * k + 1] * w[k];
                d += at[3 * k + 2] * w[k];
            }
            out[0] = clipped(a);
            out[1] = clipped(b);
            out[2] = clipped(d);
        }
    }
}

/* sums: a row's */
static void down(const hone__image *from, const plan *p, hone__image *to, int32_t *sums)
{
    const size_t row = (size_t)from->width * (size_t)from->channels;
    for (int i = 0; i < p->out; i++) {
        const int32_t *w = p->weight + (size_t)i * (size_t)p->most;
        uint8_t *out = to->pixels + (size_t)i * row;
        for (size_t x = 0; x < row; x++)
            sums[x] = 1 << (WEIGHT_BITS - 1);
        for (int k = 0; k < p->count[i]; k++) {
            const uint8_t *at = from->pixels + (size_t)(p->first[i] + k) * row;
            const int32_t weight = w[k];
            for (size_t x = 0; x < row; x++)
                sums[x] += at[x] * weight;
        }
        for (size_t x = 0; x < row; x++)
            out[x] = clipped(sums[x]);
    }
}

static void nearest(const hone__image *from, hone__image *to)
{
    const size_t c = (size_t)from->channels;
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++) {
        const int64_t v = (2 * (int64_t)y + 1) * from->height / (2 * (int64_t)to->height);
        const uint8_t *row = from->pixels + (size_t)v * (size_t)from->width * c;
        for (int x = 0; x < to->width; x++, out += c) {
            const int64_t u = (2 * (int64_t)x + 1) * from->width / (2 * (int64_t)to->width);
            memcpy(out, row + (size_t)u * c, c);
        }
    }
}

/* ---- both passes */

static size_t plan_bytes(int most, int out)
{
    return (size_t)out * (2 + (size_t)most) * sizeof(int32_t);
}

static plan plan_at(char **block, int most, int out)
{
    plan p = { .out = out, .most = most };
    p.first = (int *)*block;
    p.count = p.first + out;
    p.weight = (int32_t *)(p.count + out);
    *block += plan_bytes(most, out);
    return p;
}

static bool room(hone__resizer *memory, size_t bytes)
{
    if (bytes <= memory->room)
        return true;
    hone__free(memory->block);
    memory->room = 0;
    memory->block = hone__malloc(bytes);
    memory->room = memory->block ? bytes : 0;
    return memory->block != NULL;
}

static bool down_comes_first(const hone__image *from, const hone__image *to)
{
    return to->height < from->height &&
           from->height - to->height > 2 * ((int64_t)from->width - to->width);
}

/* A pass is left out where the extent stays. */
static bool filtered(const hone__image *from, hone__filter filter, hone__image *to,
                     hone__resizer *memory)
{
    const bool wide = to->width != from->width, high = to->height != from->height;
    const bool down_first = down_comes_first(from, to);
    const int across_most = most_of(filter, from->width, to->width);
    const int down_most = most_of(filter, from->height, to->height);
    const size_t exact = (size_t)(across_most > down_most ? across_most : down_most);
    const size_t sums = (size_t)(down_first ? from->width : to->width) * (size_t)to->channels;
    if (!room(memory, exact * sizeof(double) + plan_bytes(across_most, to->width) +
                          plan_bytes(down_most, to->height) + sums * sizeof(int32_t)) ||
        (wide && high &&
         !hone__image_room(&memory->half, down_first ? from->width : to->width,
                           down_first ? to->height : from->height, from->channels)))
        return false;
    double *weights = memory->block;
    char *at = (char *)(weights + exact);
    plan columns = plan_at(&at, across_most, to->width), rows = plan_at(&at, down_most, to->height);
    if (wide)
        fill_plan(&columns, filter, from->width, weights);
    if (high)
        fill_plan(&rows, filter, from->height, weights);
    const hone__image *in = from;
    for (int pass = 0; pass < 2; pass++) {
        const bool is_down = (pass == 0) == down_first;
        if (!(is_down ? high : wide))
            continue;
        hone__image *out = pass == 0 && wide && high ? &memory->half : to;
        if (is_down)
            down(in, &rows, out, (int32_t *)at);
        else
            across(in, &columns, out);
        in = out;
    }
    return true;
}

bool hone__image_resize(const hone__image *from, int width, int height, hone__filter filter,
                        hone__image *to, hone__resizer *memory)
{
    if (!hone__image_room(to, width, height, from->channels))
        return false;
    if (width == from->width && height == from->height)
        memcpy(to->pixels, from->pixels, (size_t)width * (size_t)height * (size_t)from->channels);
    else if (filter == HONE__NEAREST)
        nearest(from, to);
    else
        return filtered(from, filter, to, memory);
    return true;
}

void hone__resizer_free(hone__resizer *memory)
{
    hone__image_free(&memory->half);
    hone__free(memory->block);
    *memory = (hone__resizer){ 0 };
}

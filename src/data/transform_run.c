/* transform_run.c: the steps of a transform, on one picture. Step k of sample `index` draws words 16 k ..
 * 16 k + 15 of its 256 in the epoch's stream, whatever the other steps draw, so a sample's augmentation
 * depends on (seed, epoch, index) and the list alone. */
#include "data/transform.h"

#include "core/core.h"
#include "isa/isa.h"
#include "loops/scalar.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <math.h>
#include <string.h>

enum { STEP_WORDS = 16, SAMPLE_WORDS = 256, PARTNER = 15 };

/* ---- random numbers of a step */

typedef struct {
    uint32_t word[STEP_WORDS];
    int next;
} dice;

static dice dice_of(const hone_sample_place *place, int step)
{
    dice d = { .next = 0 };
    hone__k->random_u32(STEP_WORDS, d.word, place->seed,
                        hone__stream(HONE__STREAM_AUGMENT, (uint64_t)place->epoch),
                        (uint64_t)place->index * SAMPLE_WORDS + (uint64_t)(step * STEP_WORDS));
    return d;
}

static double uniform(dice *d, double low, double high)
{
    return low + (high - low) * ((double)d->word[d->next++] * 0x1p-32);
}

/* 0 .. n - 1 */
static int64_t below(dice *d, int64_t n)
{
    const uint64_t high = d->word[d->next++], low = d->word[d->next++];
    return (int64_t)hone__below(high << 32 | low, (uint64_t)n);
}

static bool happens(dice *d, double p)
{
    return uniform(d, 0, 1) < p;
}

/* ---- one step */

typedef struct {
    const char *where;
    const hone__transform *t;
    const hone__step *step;
    dice dice;
    hone__workspace *w;
} run;

/* What came out in w->spare goes on. */
static bool swap(hone__workspace *w, bool done)
{
    const hone__image image = w->image;
    if (done) {
        w->image = w->spare;
        w->spare = image;
    }
    return done;
}

static int value(const run *r, int p)
{
    return (int)r->step->value[p][0];
}

static bool resize_to(run *r, int width, int height, int filter)
{
    if ((int64_t)width * height > HONE__IMAGE_MOST) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: a picture of %d x %d becomes %d x %d, more than %d pixels", r->where,
                       r->w->image.height, r->w->image.width, height, width, HONE__IMAGE_MOST);
        return false;
    }
    return swap(r->w, hone__image_resize(&r->w->image, width, height, (hone__filter)filter,
                                         &r->w->spare, &r->w->resizer));
}

/* The shorter side becomes `size`. */
static bool resize_shorter(run *r, int64_t size, int filter)
{
    const int64_t h = r->w->image.height, w = r->w->image.width;
    const int64_t height = h <= w ? size : size * h / w, width = h <= w ? size * w / h : size;
    return resize_to(r, (int)(width < INT32_MAX ? width : INT32_MAX),
                     (int)(height < INT32_MAX ? height : INT32_MAX), filter);
}

static bool crop_at(run *r, int x, int y, int width, int height, int fill)
{
    return swap(r->w,
                hone__image_crop(&r->w->image, x, y, width, height, (uint8_t)fill, &r->w->spare));
}

/* Half of what is too much; odd ones are rounded to even, as Python does. Where it is too little,
 * the smaller half of the margin is before. */
static int middle(int extent, int wanted)
{
    const int more = extent - wanted;
    if (more < 0)
        return -(-more / 2);
    return more / 2 + (more % 2 == 1 && (more / 2) % 2 == 1);
}

static int wanted_width(const run *r)
{
    return value(r, 1) > 0 ? value(r, 1) : value(r, 0);
}

static bool center_crop(run *r)
{
    const int height = value(r, 0), width = wanted_width(r);
    return crop_at(r, middle(r->w->image.width, width), middle(r->w->image.height, height), width,
                   height, 0);
}

static bool crop(run *r)
{
    const int height = value(r, 0), width = wanted_width(r), padding = value(r, 2);
    const int64_t rows = r->w->image.height + 2 * (int64_t)padding - height + 1;
    const int64_t columns = r->w->image.width + 2 * (int64_t)padding - width + 1;
    if (r->t->still)
        return center_crop(r);
    if (rows < 1 || columns < 1) {
        hone_error_set(
            HONE_E_SHAPE,
            "%s: crop: a picture of %d x %d with a padding of %d is smaller than %d x %d", r->where,
            r->w->image.height, r->w->image.width, padding, height, width);
        return false;
    }
    const int y = (int)(below(&r->dice, rows) - padding);
    const int x = (int)(below(&r->dice, columns) - padding);
    return crop_at(r, x, y, width, height, value(r, 3));
}

/* Width and height of an area of the picture's, and where it lies; false: it doesn't fit. */
static bool area(run *r, int *x, int *y, int *width, int *height)
{
    const hone__image *image = &r->w->image;
    const double *scale = r->step->value[2], *ratio = r->step->value[3];
    const double share = uniform(&r->dice, scale[0], scale[1]);
    const double turn = uniform(&r->dice, 0, 1);
    const double low = hone__scalar_log(ratio[0]), high = hone__scalar_log(ratio[1]);
    const double aspect = hone__scalar_exp(low + (high - low) * turn);
    const double pixels = share * image->width * image->height;
    const double w = sqrt(pixels * aspect) + 0.5, h = sqrt(pixels / aspect) + 0.5;
    const double across = uniform(&r->dice, 0, 1), down = uniform(&r->dice, 0, 1);
    if (w < 1 || h < 1 || w >= image->width + 1.0 || h >= image->height + 1.0)
        return false;
    *width = (int)w;
    *height = (int)h;
    *x = (int)(across * (image->width - *width + 1));
    *y = (int)(down * (image->height - *height + 1));
    return true;
}

static bool resized_crop(run *r)
{
    const int height = value(r, 0), width = wanted_width(r), filter = value(r, 4);
    const int shorter = height < width ? height : width;
    int x, y, w, h;
    if (r->t->still)
        return resize_shorter(r, (int64_t)shorter * 8 / 7, filter) && center_crop(r);
    for (int attempt = 0; attempt < STEP_WORDS / 4; attempt++)
        if (area(r, &x, &y, &w, &h))
            return crop_at(r, x, y, w, h, 0) && resize_to(r, width, height, filter);
    return resize_shorter(r, shorter, filter) && center_crop(r);
}

static bool affine(run *r, double degrees, double shift_x, double shift_y, double scale,
                   double shear, int fill)
{
    const hone__affine map = hone__affine_of(r->w->image.width, r->w->image.height, degrees,
                                             shift_x, shift_y, scale, shear, 0);
    return swap(r->w, hone__image_affine(&r->w->image, &map, false, (uint8_t)fill, &r->w->spare));
}

/* Whole pixels, as torchvision shifts. */
static double shift(dice *d, double part, int extent)
{
    const double most = part * extent, by = uniform(d, -most, most);
    return (double)(int64_t)(by < 0 ? by - 0.5 : by + 0.5);
}

static bool random_affine(run *r)
{
    const hone__step *s = r->step;
    const double degrees = uniform(&r->dice, -s->value[0][0], s->value[0][0]);
    const double x = shift(&r->dice, s->value[1][0], r->w->image.width);
    const double y = shift(&r->dice, s->value[1][1], r->w->image.height);
    const double scale = uniform(&r->dice, s->value[2][0], s->value[2][1]);
    const double shear = uniform(&r->dice, -s->value[3][0], s->value[3][0]);
    return affine(r, degrees, x, y, scale, shear, value(r, 4));
}

/* The four in a drawn order. */
static void jitter(run *r)
{
    const double(*v)[HONE__STEP_VALUES] = r->step->value;
    hone__image *image = &r->w->image;
    float factor[3];
    for (int i = 0; i < 3; i++) {
        const double by = v[i][0], low = by < 1 ? 1 - by : 0;
        factor[i] = (float)uniform(&r->dice, low, 1 + by);
    }
    const int turn = (int)(uniform(&r->dice, -v[3][0], v[3][0]) * 255);
    int order[4] = { 0, 1, 2, 3 };
    for (int i = 3; i > 0; i--) {
        const int j = (int)below(&r->dice, i + 1), what = order[i];
        order[i] = order[j];
        order[j] = what;
    }
    for (int i = 0; i < 4; i++) {
        if (order[i] == 3 ? v[3][0] == 0 : v[order[i]][0] == 0)
            continue;
        if (order[i] == 0)
            hone__image_brightness(image, factor[0]);
        else if (order[i] == 1)
            hone__image_contrast(image, factor[1]);
        else if (order[i] == 2)
            hone__image_saturation(image, factor[2]);
        else
            hone__image_hue(image, (uint8_t)turn);
    }
}

/* A square whose middle lies anywhere in the picture; false: none this time. */
static bool hole(run *r, int64_t width, int64_t height, int *x, int *y)
{
    const int size = value(r, 0);
    if (r->t->still || !happens(&r->dice, r->step->value[2][0]))
        return false;
    *x = (int)below(&r->dice, width) - size / 2;
    *y = (int)below(&r->dice, height) - size / 2;
    return true;
}

static bool run_step(run *r)
{
    const bool still = r->t->still;
    int x, y;
    switch (r->step->kind) {
    case HONE__STEP_RESIZE:
        return value(r, 1) > 0 ? resize_to(r, value(r, 1), value(r, 0), value(r, 2))
                               : resize_shorter(r, value(r, 0), value(r, 2));
    case HONE__STEP_CENTER_CROP:
        return center_crop(r);
    case HONE__STEP_CROP:
        return crop(r);
    case HONE__STEP_RESIZED_CROP:
        return resized_crop(r);
    case HONE__STEP_FLIP:
        if (!still && happens(&r->dice, r->step->value[0][0]))
            hone__image_mirror(&r->w->image);
        return true;
    case HONE__STEP_VFLIP:
        if (!still && happens(&r->dice, r->step->value[0][0]))
            hone__image_upend(&r->w->image);
        return true;
    case HONE__STEP_ROTATE: {
        const double most = r->step->value[0][0];
        return still || affine(r, uniform(&r->dice, -most, most), 0, 0, 1, 0, value(r, 1));
    }
    case HONE__STEP_AFFINE:
        return still || random_affine(r);
    case HONE__STEP_JITTER:
        if (!still)
            jitter(r);
        return true;
    case HONE__STEP_CUTOUT:
        if (hole(r, r->w->image.width, r->w->image.height, &x, &y))
            hone__image_cut(&r->w->image, x, y, value(r, 0), value(r, 0), (uint8_t)value(r, 1));
        return true;
    case HONE__STEP_GREY:
        return hone__image_channels(&r->w->image, 1);
    default:
        return true;
    }
}

/* ---- what comes out: planes */

/* (x / 255 - mean) / std, of 256 values a plane. */
static void to_floats(const hone__image *image, const hone__step *normal, float *out)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    const size_t channels = (size_t)image->channels;
    for (size_t c = 0; c < channels; c++) {
        float table[256];
        const size_t at = normal && normal->n_values[0] > 1 ? c : 0;
        for (int v = 0; v < 256; v++) {
            table[v] = (float)v / 255.0f;
            if (normal)
                table[v] = (table[v] - (float)normal->value[0][at]) / (float)normal->value[1][at];
        }
        const uint8_t *from = image->pixels + c;
        for (size_t i = 0; i < n; i++)
            out[c * n + i] = table[from[channels * i]];
    }
}

static void cut_floats(run *r, const hone__picture_shape *shape, float *out)
{
    int x, y;
    if (!hole(r, shape->width, shape->height, &x, &y))
        return;
    const int size = value(r, 0);
    const int64_t left = x > 0 ? x : 0, right = x + size < shape->width ? x + size : shape->width;
    for (int64_t row = y > 0 ? y : 0; row < y + size && row < shape->height; row++)
        for (int64_t c = 0; c < shape->channels; c++)
            for (int64_t i = left; i < right; i++)
                out[(c * shape->height + row) * shape->width + i] = (float)r->step->value[1][0];
}

static bool fits(const char *where, const hone__picture_shape *shape, const hone__image *image)
{
    if (image->channels == shape->channels && image->height == shape->height &&
        image->width == shape->width)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: a picture of %d x %d x %d where %lld x %lld x %lld is wanted",
                   where, image->channels, image->height, image->width, (long long)shape->channels,
                   (long long)shape->height, (long long)shape->width);
    return false;
}

bool hone__transform_run(const char *where, const hone__transform *t,
                         const hone_sample_place *place, const hone__picture_shape *shape,
                         hone__workspace *w, void *out)
{
    run r = { where, t, .w = w };
    const hone__step *normal = NULL;
    int i = 0;
    for (; i < t->n && t->step[i].kind != HONE__STEP_FLOAT &&
           t->step[i].kind != HONE__STEP_NORMALIZE && t->step[i].kind != HONE__STEP_MIXUP;
         i++) {
        r.step = &t->step[i];
        r.dice = dice_of(place, i);
        if (!run_step(&r))
            return false;
    }
    if (!fits(where, shape, &w->image))
        return false;
    if (!t->floats) {
        hone__image_to_planes(&w->image, out);
        return true;
    }
    for (int k = i; k < t->n; k++)
        if (t->step[k].kind == HONE__STEP_NORMALIZE)
            normal = &t->step[k];
    const int means = normal ? normal->n_values[0] : 1;
    if (means > 1 && means != w->image.channels) {
        hone_error_set(HONE_E_SHAPE, "%s: normalize: %d means for a picture of %d channel%s", where,
                       means, w->image.channels, w->image.channels > 1 ? "s" : "");
        return false;
    }
    to_floats(&w->image, normal, out);
    for (; i < t->n; i++)
        if (t->step[i].kind == HONE__STEP_CUTOUT) {
            r.step = &t->step[i];
            r.dice = dice_of(place, i);
            cut_floats(&r, shape, out);
        }
    return true;
}

/* ---- mixup */

int64_t hone__mixup_partner(const hone_sample_place *place, int64_t n)
{
    dice d = dice_of(place, PARTNER);
    return below(&d, n);
}

/* A Beta(alpha, alpha) number by Jöhnk's method: x = u^(1/alpha), y = v^(1/alpha) until x + y <= 1, then
 * x / (x + y); by logarithms where both are too small to be added. */
double hone__mixup_weight(const hone__transform *t, const hone_sample_place *place)
{
    enum { TRIES = 128 };
    uint32_t word[2 * TRIES];
    const double alpha = t->step[t->mixup].value[0][0];
    hone__k->random_u32(2 * TRIES, word, place->seed,
                        hone__stream(HONE__STREAM_MIXUP, (uint64_t)place->epoch),
                        (uint64_t)place->index * (2 * TRIES));
    for (int i = 0; i < TRIES; i++) {
        const double u = hone__scalar_log(((double)word[2 * i] + 0.5) * 0x1p-32) / alpha;
        const double v = hone__scalar_log(((double)word[2 * i + 1] + 0.5) * 0x1p-32) / alpha;
        const double most = u > v ? u : v;
        const double x = hone__scalar_exp(u - most), y = hone__scalar_exp(v - most);
        if (most + hone__scalar_log(x + y) <= 0)
            return x / (x + y);
    }
    return 0.5;
}

/* image_move.c: where a picture's pixels go. Coordinates are integers, of 2^-32 of a pixel where a
 * picture is turned, so that no rounding of floats decides which pixel is taken. */
#include "data/image.h"

#include "loops/scalar.h"

#include <string.h>

#define ONE (INT64_C(1) << 32)

static size_t at_of(const hone__image *image, int x, int y)
{
    return ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int greatest(int a, int b)
{
    return a > b ? a : b;
}

void hone__image_to_planes(const hone__image *image, uint8_t *planes)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    const size_t channels = (size_t)image->channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < n; i++)
            planes[c * n + i] = image->pixels[channels * i + c];
}

bool hone__image_of_planes(const uint8_t *planes, int width, int height, int channels,
                           hone__image *to)
{
    if (!hone__image_room(to, width, height, channels))
        return false;
    const size_t n = (size_t)width * (size_t)height;
    for (size_t c = 0; c < (size_t)channels; c++)
        for (size_t i = 0; i < n; i++)
            to->pixels[(size_t)channels * i + c] = planes[c * n + i];
    return true;
}

bool hone__image_crop(const hone__image *from, int x, int y, int width, int height, uint8_t fill,
                      hone__image *to)
{
    if (!hone__image_room(to, width, height, from->channels))
        return false;
    const size_t c = (size_t)from->channels;
    const int begin = greatest(0, -x),
              end = least(width, from->width - x); /* columns that are there */
    if (begin > 0 || end < width || y < 0 || y + height > from->height)
        memset(to->pixels, fill, (size_t)width * (size_t)height * c);
    for (int row = greatest(0, -y); begin < end && row < least(height, from->height - y); row++)
        memcpy(to->pixels + at_of(to, begin, row), from->pixels + at_of(from, x + begin, y + row),
               (size_t)(end - begin) * c);
    return true;
}

void hone__image_mirror(hone__image *image)
{
    const size_t c = (size_t)image->channels;
    for (int y = 0; y < image->height; y++) {
        uint8_t *left = image->pixels + at_of(image, 0, y);
        uint8_t *right = left + (size_t)(image->width - 1) * c;
        for (; left < right; left += c, right -= c)
            for (size_t k = 0; k < c; k++) {
                const uint8_t pixel = left[k];
                left[k] = right[k];
                right[k] = pixel;
            }
    }
}

void hone__image_upend(hone__image *image)
{
    const size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height / 2; y++) {
        uint8_t *a = image->pixels + (size_t)y * row;
        uint8_t *b = image->pixels + (size_t)(image->height - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            const uint8_t pixel = a[i];
            a[i] = b[i];
            b[i] = pixel;
        }
    }
}

void hone__image_cut(hone__image *image, int x, int y, int width, int height, uint8_t fill)
{
    const int left = greatest(x, 0), right = least(x + width, image->width);
    for (int row = greatest(y, 0); left < right && row < least(y + height, image->height); row++)
        memset(image->pixels + at_of(image, left, row), fill,
               (size_t)(right - left) * (size_t)image->channels);
}

/* ---- affine maps */

/* Quarter turns are exact; what is left of the angle is at most half of one. */
static void turn_of(double degrees, double *cosine, double *sine)
{
    double rest = degrees;
    int quarters = 0;
    for (; rest > 45; rest -= 90)
        quarters++;
    for (; rest < -45; rest += 90)
        quarters--;
    const double angle = rest * (3.14159265358979323846 / 180);
    const double c = hone__scalar_cos(angle), s = hone__scalar_sin(angle);
    switch (quarters & 3) {
    case 0:
        *cosine = c, *sine = s;
        return;
    case 1:
        *cosine = -s, *sine = c;
        return;
    case 2:
        *cosine = -c, *sine = -s;
        return;
    default:
        *cosine = s, *sine = -c;
    }
}

static int64_t fixed(double x)
{
    const double scaled = x * 4294967296.0;
    return (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static double tangent(double degrees)
{
    double c, s;
    turn_of(degrees, &c, &s);
    return s / c;
}

/* y goes downwards. Out of the middle: p' = scale R S p + shift, with R a turn, S = [1, -tan sx;
 * -tan sy, 1 + tan sx tan sy]; here is the inverse. */
hone__affine hone__affine_of(int width, int height, double degrees, double shift_x, double shift_y,
                             double scale, double shear_x, double shear_y)
{
    double c, s;
    turn_of(degrees, &c, &s);
    const double tx = tangent(shear_x), ty = tangent(shear_y);
    /* the inverses: of S (its determinant is 1), of R, of the scale */
    const double a = (1 + tx * ty) * c - tx * s, b = (1 + tx * ty) * s + tx * c;
    const double d = ty * c - s, e = ty * s + c;
    hone__affine map = { { fixed(a / scale), fixed(b / scale), 0, fixed(d / scale),
                           fixed(e / scale), 0 } };
    /* the middle, in halves of a pixel, plus the shift, goes to the middle */
    const int64_t mx = (int64_t)(width - 1) * (ONE / 2), my = (int64_t)(height - 1) * (ONE / 2);
    const int64_t sx = fixed(shift_x), sy = fixed(shift_y);
    const __int128 x = mx + sx, y = my + sy;
    map.at[2] = mx - (int64_t)((map.at[0] * x + map.at[1] * y) >> 32);
    map.at[5] = my - (int64_t)((map.at[3] * x + map.at[4] * y) >> 32);
    return map;
}

static const uint8_t *pixel_at(const hone__image *from, int64_t x, int64_t y, const uint8_t *fill)
{
    const bool inside = x >= 0 && y >= 0 && x < from->width && y < from->height;
    return inside ? from->pixels + at_of(from, (int)x, (int)y) : fill;
}

static void blend(const hone__image *from, int64_t u, int64_t v, const uint8_t *fill, uint8_t *to)
{
    const int64_t x = u >> 32, y = v >> 32;
    const uint64_t wx = (uint64_t)(u & (ONE - 1)) >> 16, wy = (uint64_t)(v & (ONE - 1)) >> 16;
    const uint8_t *a = pixel_at(from, x, y, fill), *b = pixel_at(from, x + 1, y, fill);
    const uint8_t *c = pixel_at(from, x, y + 1, fill), *d = pixel_at(from, x + 1, y + 1, fill);
    for (int k = 0; k < from->channels; k++) {
        const uint64_t above = a[k] * (65536 - wx) + b[k] * wx;
        const uint64_t below = c[k] * (65536 - wx) + d[k] * wx;
        to[k] = (uint8_t)((above * (65536 - wy) + below * wy + (UINT64_C(1) << 31)) >> 32);
    }
}

bool hone__image_affine(const hone__image *from, const hone__affine *map, bool nearest,
                        uint8_t fill, hone__image *to)
{
    if (!hone__image_room(to, from->width, from->height, from->channels))
        return false;
    const uint8_t outside[3] = { fill, fill, fill };
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++) {
        int64_t u = map->at[1] * y + map->at[2], v = map->at[4] * y + map->at[5];
        for (int x = 0; x < to->width; x++, out += to->channels) {
            if (nearest)
                memcpy(out, pixel_at(from, (u + ONE / 2) >> 32, (v + ONE / 2) >> 32, outside),
                       (size_t)to->channels);
            else
                blend(from, u, v, outside, out);
            u += map->at[0];
            v += map->at[3];
        }
    }
    return true;
}

/* image_colour.c: what becomes of a picture's colours. Blends and 8-bit HSV are Pillow's, whose pixels
 * are the same on every machine; floats are used with + - * / alone. */
#include "data/image.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

static size_t pixels_of(const hone__image *image)
{
    return (size_t)image->width * (size_t)image->height;
}

bool hone__image_channels(hone__image *image, int channels)
{
    const size_t n = pixels_of(image);
    uint8_t *p = image->pixels;
    if (channels == image->channels)
        return true;
    if (channels == 1) {
        for (size_t i = 0; i < n; i++)
            p[i] = hone__grey_of(p + 3 * i);
        image->channels = 1;
        return true;
    }
    if (image->room < 3 * n) {
        p = hone__realloc(p, 3 * n);
        if (!p)
            return false;
        image->pixels = p;
        image->room = 3 * n;
    }
    for (size_t i = n; i-- > 0;)
        memset(p + 3 * i, p[i], 3);
    image->channels = 3;
    return true;
}

/* ---- blends */

/* between `from` (factor 0) and `to` (1), and beyond */
static inline uint8_t blend(int from, int to, float factor)
{
    const float value = (float)from + factor * (float)(to - from);
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
}

/* All pixels and one number: 256 results. */
static void blend_all(hone__image *image, int from, float factor)
{
    const size_t n = pixels_of(image) * (size_t)image->channels;
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = blend(from, v, factor);
    for (size_t i = 0; i < n; i++)
        image->pixels[i] = table[image->pixels[i]];
}

void hone__image_brightness(hone__image *image, float factor)
{
    blend_all(image, 0, factor);
}

void hone__image_contrast(hone__image *image, float factor)
{
    const size_t n = pixels_of(image);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += image->channels == 1 ? image->pixels[i] : hone__grey_of(image->pixels + 3 * i);
    blend_all(image, (int)((2 * sum + n) / (2 * n)), factor);
}

void hone__image_saturation(hone__image *image, float factor)
{
    if (image->channels == 1)
        return;
    const size_t n = pixels_of(image);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = image->pixels + 3 * i;
        const int grey = hone__grey_of(p);
        for (int c = 0; c < 3; c++)
            p[c] = blend(grey, p[c], factor);
    }
}

/* ---- hue */

static void to_hsv(const uint8_t *rgb, uint8_t *hsv)
{
    const int r = rgb[0], g = rgb[1], b = rgb[2];
    int most = r > g ? r : g, least = r < g ? r : g;
    most = b > most ? b : most;
    least = b < least ? b : least;
    hsv[0] = hsv[1] = 0;
    hsv[2] = (uint8_t)most;
    if (most == least)
        return;
    const float range = (float)(most - least);
    const float rc = (float)(most - r) / range, gc = (float)(most - g) / range;
    const float bc = (float)(most - b) / range;
    float turn = r == most   ? bc - gc
                 : g == most ? (float)(2.0 + (double)rc - (double)bc)
                             : (float)(4.0 + (double)gc - (double)rc);
    const double whole = (double)turn / 6.0 + 1.0;
    turn = (float)(whole >= 1.0 ? whole - 1.0 : whole);
    hsv[0] = (uint8_t)((double)turn * 255.0);
    hsv[1] = (uint8_t)((double)(range / (float)most) * 255.0);
}

static uint8_t rounded(double x)
{
    return (uint8_t)(int)(x + 0.5);
}

static void to_rgb(const uint8_t *hsv, uint8_t *rgb)
{
    /* which of v, p, q, t is red, green, blue in each sixth of the circle */
    static const uint8_t order[6][3] = { { 0, 3, 1 }, { 2, 0, 1 }, { 1, 0, 3 },
                                         { 1, 2, 0 }, { 3, 1, 0 }, { 0, 1, 2 } };
    const double v = hsv[2], s = (float)hsv[1] / 255.0f;
    const float turn = (float)hsv[0] * 6.0f / 255.0f;
    const int sixth = (int)turn;
    const double part = turn - (float)sixth;
    const uint8_t value[4] = { hsv[2], rounded(v * (1.0 - s)), rounded(v * (1.0 - s * part)),
                               rounded(v * (1.0 - s * (1.0 - part))) };
    for (int c = 0; c < 3; c++)
        rgb[c] = hsv[1] == 0 ? hsv[2] : value[order[sixth % 6][c]];
}

void hone__image_hue(hone__image *image, uint8_t turn)
{
    if (image->channels == 1)
        return;
    const size_t n = pixels_of(image);
    for (size_t i = 0; i < n; i++) {
        uint8_t hsv[3];
        to_hsv(image->pixels + 3 * i, hsv);
        hsv[0] = (uint8_t)(hsv[0] + turn);
        to_rgb(hsv, image->pixels + 3 * i);
    }
}

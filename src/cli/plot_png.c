/* plot_png.c: the same curves as pixels, two a unit of the SVG, with letters of its own. */
#include "plot_axes.h"
#include "png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE = 2, LETTER_WIDTH = 5, LETTER_HEIGHT = 7 };

typedef struct {
    int width, height;
    float *planes; /* red, green, blue */
} canvas;

typedef struct {
    float at[3];
} colour;

static colour colour_of(const char *text)
{
    const unsigned long rgb = strtoul(text + 1, NULL, 16);
    return (colour){ { (float)(rgb >> 16 & 255) / 255, (float)(rgb >> 8 & 255) / 255,
                       (float)(rgb & 255) / 255 } };
}

/* ---- lines and points */

static void blend(canvas *c, int x, int y, colour with, double share)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height || !(share > 0))
        return;
    const float part = share < 1 ? (float)share : 1;
    for (int k = 0; k < 3; k++) {
        float *at =
            &c->planes[((size_t)k * (size_t)c->height + (size_t)y) * (size_t)c->width + (size_t)x];
        *at += (with.at[k] - *at) * part;
    }
}

/* From one place to another, both in units; a point is a line of no length. */
static void draw_line(canvas *c, double x0, double y0, double x1, double y1, double thick,
                      colour with)
{
    x0 *= SCALE, y0 *= SCALE, x1 *= SCALE, y1 *= SCALE;
    const double r = thick * SCALE / 2, dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
    for (int y = (int)(fmin(y0, y1) - r - 1); y <= (int)(fmax(y0, y1) + r + 1); y++)
        for (int x = (int)(fmin(x0, x1) - r - 1); x <= (int)(fmax(x0, x1) + r + 1); x++) {
            const double px = x + 0.5 - x0, py = y + 0.5 - y0;
            const double along = length > 0 ? fmin(1, fmax(0, (px * dx + py * dy) / length)) : 0;
            blend(c, x, y, with, r + 0.5 - hypot(px - along * dx, py - along * dy));
        }
}

/* ---- letters: a byte a row, its low five bits from left to right */

static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz.-+/,";
static const unsigned char glyphs[][LETTER_HEIGHT] = {
    { 14, 17, 19, 21, 25, 17, 14 }, { 4, 12, 4, 4, 4, 4, 14 },    { 14, 17, 1, 2, 4, 8, 31 },
    { 31, 2, 4, 2, 1, 17, 14 },     { 2, 6, 10, 18, 31, 2, 2 },   { 31, 16, 30, 1, 1, 17, 14 },
    { 6, 8, 16, 30, 17, 17, 14 },   { 31, 1, 2, 4, 8, 8, 8 },     { 14, 17, 17, 14, 17, 17, 14 },
    { 14, 17, 17, 15, 1, 2, 12 },   { 0, 0, 14, 1, 15, 17, 15 },  { 16, 16, 30, 17, 17, 17, 30 },
    { 0, 0, 14, 16, 16, 17, 14 },   { 1, 1, 15, 17, 17, 17, 15 }, { 0, 0, 14, 17, 31, 16, 14 },
    { 6, 9, 8, 28, 8, 8, 8 },       { 0, 15, 17, 17, 15, 1, 14 }, { 16, 16, 22, 25, 17, 17, 17 },
    { 4, 0, 12, 4, 4, 4, 14 },      { 2, 0, 6, 2, 2, 18, 12 },    { 16, 16, 18, 20, 24, 20, 18 },
    { 12, 4, 4, 4, 4, 4, 14 },      { 0, 0, 26, 21, 21, 17, 17 }, { 0, 0, 22, 25, 17, 17, 17 },
    { 0, 0, 14, 17, 17, 17, 14 },   { 0, 0, 30, 17, 30, 16, 16 }, { 0, 0, 13, 19, 15, 1, 1 },
    { 0, 0, 22, 25, 16, 16, 16 },   { 0, 0, 14, 16, 14, 1, 30 },  { 8, 8, 28, 8, 8, 9, 6 },
    { 0, 0, 17, 17, 17, 19, 13 },   { 0, 0, 17, 17, 17, 10, 4 },  { 0, 0, 17, 17, 21, 21, 10 },
    { 0, 0, 17, 10, 4, 10, 17 },    { 0, 0, 17, 17, 15, 1, 14 },  { 0, 0, 31, 2, 4, 8, 31 },
    { 0, 0, 0, 0, 0, 12, 12 },      { 0, 0, 0, 31, 0, 0, 0 },     { 0, 4, 4, 31, 4, 4, 0 },
    { 0, 1, 2, 4, 8, 16, 0 },       { 0, 0, 0, 0, 12, 4, 8 },
};

/* Capitals have the small letters' forms; what has none is a blank. */
static void draw_letter(canvas *c, int left, int top, char letter, int size, colour with)
{
    const char small = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
    const char *found = small ? strchr(letters, small) : NULL;
    for (int y = 0; found && y < LETTER_HEIGHT * size; y++)
        for (int x = 0; x < LETTER_WIDTH * size; x++)
            if (glyphs[found - letters][y / size] >> (LETTER_WIDTH - 1 - x / size) & 1)
                blend(c, left + x, top + y, with, 1);
}

/* On the line y; share is how much of the text lies before x: 0, 1/2 or 1. */
static void draw_text(canvas *c, double x, double y, double share, const char *text, colour with)
{
    const int size = SCALE, step = (LETTER_WIDTH + 1) * size;
    int left = (int)(x * SCALE - share * (double)strlen(text) * step);
    for (; *text; text++, left += step)
        draw_letter(c, left, (int)(y * SCALE) - LETTER_HEIGHT * size, *text, size, with);
}

/* ---- a plot */

static void draw_numbers(canvas *c, const plot_axes *a, int top)
{
    const colour grid = colour_of("#dddddd"), ink = colour_of("#000000");
    double at[PLOT_MOST_TICKS];
    char text[32];
    const int n = plot_ticks(a, at);
    for (int i = 0; i < n; i++) {
        const double y = top + plot_y(a, at[i]);
        draw_line(c, PLOT_LEFT, y, PLOT_RIGHT, y, 1, grid);
        snprintf(text, sizeof text, "%.6g", at[i]);
        draw_text(c, PLOT_LEFT - 6, y + 4, 1, text, ink);
    }
    for (int64_t i = 1; i <= a->n; i++)
        if (i % plot_epoch_step(a) == 0) {
            snprintf(text, sizeof text, "%lld", (long long)i);
            draw_text(c, plot_x(a, i - 1), top + PLOT_BOTTOM + 18, 0.5, text, ink);
        }
}

static void draw_curve(canvas *c, const plot_axes *a, const plot_line *l, int top)
{
    const colour with = colour_of(l->colour);
    for (int64_t i = 0; i < a->n; i++) {
        if (!isfinite(l->y[i]))
            continue;
        const double x = plot_x(a, i), y = top + plot_y(a, l->y[i]);
        draw_line(c, x, y, x, y, a->n > 100 ? 2 : 4, with);
        if (i > 0 && isfinite(l->y[i - 1]))
            draw_line(c, plot_x(a, i - 1), top + plot_y(a, l->y[i - 1]), x, y, 1.5, with);
    }
}

static void draw_plot(canvas *c, const plot *p, int top)
{
    const plot_axes a = plot_axes_of(p);
    const colour axis = colour_of("#888888");
    draw_text(c, PLOT_LEFT, top + 18, 0, p->title, colour_of("#000000"));
    draw_numbers(c, &a, top);
    draw_line(c, PLOT_LEFT, top + PLOT_TOP, PLOT_LEFT, top + PLOT_BOTTOM, 1, axis);
    draw_line(c, PLOT_LEFT, top + PLOT_BOTTOM, PLOT_RIGHT, top + PLOT_BOTTOM, 1, axis);
    for (int i = 0; i < p->n_lines; i++) {
        draw_curve(c, &a, &p->line[i], top);
        draw_text(c, PLOT_RIGHT - 110 * i, top + 18, 1, p->line[i].name,
                  colour_of(p->line[i].colour));
    }
}

bool plot_write_png(FILE *to, const plot *plots, int n)
{
    canvas c = { PLOT_WIDTH * SCALE, n * PLOT_HEIGHT * SCALE, NULL };
    const size_t floats = (size_t)3 * (size_t)c.width * (size_t)c.height;
    c.planes = malloc(floats * sizeof *c.planes);
    if (!c.planes)
        return false;
    for (size_t i = 0; i < floats; i++)
        c.planes[i] = 1;
    for (int i = 0; i < n; i++)
        draw_plot(&c, &plots[i], i * PLOT_HEIGHT);
    const bool done = png_write(to, c.planes, 3, c.height, c.width);
    free(c.planes);
    return done;
}

/* image_parts.c: pixels copied to and from images, and what panels are cut into. */
#include "loops/image_parts.h"

#include "isa/bf16.h"
#include "loops/every_second.h"

static const hone__gemm_kernel *gemm(void)
{
    return &hone__k->gemm.of[HONE__GEMM_F32];
}

/* ---- pixels of bf16, which are widened and rounded on their way, some at a time; what comes next is
 * asked for, since planes lie far from each other */

enum { LINES = 16, ROOM = 2048, LINE = 64 / sizeof(uint16_t) };

static void widen(int64_t n, float *to, const uint16_t *from)
{
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(to + i, &bits, sizeof bits);
    }
}

void hone__turn_lines(int64_t n, int64_t lines, float *to, int64_t to_rs, const void *from,
                      int64_t step, bool half)
{
    float some[ROOM];
    if (!half) {
        gemm()->transpose(n, lines, to, to_rs, from, step);
        return;
    }
    for (int64_t i = 0; i < n; i += ROOM / LINES) {
        const int64_t len = min64(n - i, ROOM / LINES);
        for (int64_t l = 0; l < lines; l += LINES) {
            const int64_t many = min64(lines - l, LINES);
            const uint16_t *line = (const uint16_t *)from + l * step + i;
            const bool together = step == len;
            for (int64_t j = 0; j < (together ? 1 : many); j++) {
                for (int64_t p = 0; !together && p < len; p += LINE)
                    __builtin_prefetch(line + (j + LINES) * step + p);
                widen(together ? many * len : len, some + j * len, line + j * step);
            }
            gemm()->transpose(len, many, to + i * to_rs + l, to_rs, some, len);
        }
    }
}

static void round_lines(int64_t n, int64_t lines, uint16_t *to, int64_t step, const float *from,
                        int64_t from_rs)
{
    float some[ROOM];
    for (int64_t i = 0; i < n; i += ROOM / LINES) {
        const int64_t len = min64(n - i, ROOM / LINES);
        for (int64_t l = 0; l < lines; l += LINES) {
            const int64_t many = min64(lines - l, LINES);
            gemm()->transpose(many, len, some, len, from + i * from_rs + l, from_rs);
            hone__bf16()->narrow(many, len, to + l * step + i, step, some, len);
        }
    }
}

/* ---- */

/* Lines of rows that follow each other are one. */
static bool in_one_line(const hone__image *m)
{
    return m->y == m->width * m->x || m->height == 1;
}

/* Row y of a sample. */
static void *row_of(const hone__image *m, int64_t sample, int64_t y)
{
    const int64_t at = m->sample * sample + y * m->y;
    return m->half ? (void *)((uint16_t *)(void *)m->p + at) : (void *)(m->p + at);
}

static void gather_pixel(const hone__image *m, const void *row, int64_t x, float *to)
{
    if (m->half)
        widen(m->channels, to, (const uint16_t *)row + x * m->x);
    else
        memcpy(to, (const float *)row + x * m->x, (size_t)m->channels * sizeof *to);
}

void hone__gather_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                         float *to)
{
    hone__gather_apart(m, sample, begin, end, to, hone__padded(m->channels));
}

void hone__gather_apart(const hone__image *m, int64_t sample, int64_t begin, int64_t end, float *to,
                        int64_t pitch)
{
    const int64_t rows = in_one_line(m) ? 1 : end - begin;
    const int64_t pixels = (end - begin) / (rows ? rows : 1) * m->width;
    for (int64_t r = 0; r < rows; r++, to += pixels * pitch) {
        const void *const from = row_of(m, sample, begin + r);
        if (m->channel != 1)
            hone__turn_lines(pixels, m->channels, to, pitch, from, m->channel, m->half);
        for (int64_t i = 0; m->channel == 1 && i < pixels; i++)
            gather_pixel(m, from, i, to + i * pitch);
    }
}

static void scatter_line(const hone__image *m, void *to, int64_t pixels, const float *from)
{
    const int64_t padded = hone__padded(m->channels);
    if (m->half && m->channel != 1)
        round_lines(pixels, m->channels, to, m->channel, from, padded);
    else if (m->half)
        hone__bf16()->narrow(pixels, m->channels, to, m->x, from, padded);
    else if (m->channel != 1)
        gemm()->transpose(m->channels, pixels, to, m->channel, from, padded);
    else
        for (int64_t i = 0; i < pixels; i++)
            memcpy((float *)to + i * m->x, from + i * padded, (size_t)m->channels * sizeof *from);
}

void hone__scatter_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                          const float *from)
{
    const int64_t rows = in_one_line(m) ? 1 : end - begin;
    const int64_t pixels = (end - begin) / (rows ? rows : 1) * m->width;
    for (int64_t r = 0; r < rows; r++, from += pixels * hone__padded(m->channels))
        scatter_line(m, row_of(m, sample, begin + r), pixels, from);
}

hone__ahead hone__ahead_of(const hone__image *m, int64_t first, int64_t last, int64_t begin,
                           int64_t end)
{
    enum { FLOATS = 16 };
    if (m->channel == 1 || m->half || first >= last || begin >= end)
        return (hone__ahead){ 0 };
    const bool follow = m->sample == m->channels * m->channel;
    return (hone__ahead){ .from = m->p + first * m->sample + begin * m->y,
                          .step = m->channel,
                          .pieces = m->channels * (follow ? last - first : 1),
                          .lines = ceil_div((end - begin - 1) * m->y + m->width, FLOATS) };
}

hone__ahead hone__ahead_of_floats(const float *from, int64_t floats)
{
    enum { FLOATS = 16 };
    return (hone__ahead){ .from = from, .pieces = floats > 0, .lines = ceil_div(floats, FLOATS) };
}

hone__gemm_errand hone__next_errand(hone__ahead *ahead, int64_t vectors, int64_t k)
{
    enum { FLOATS = 16, EVERY = 8 };
    hone__ahead *a = ahead, *const end = ahead ? ahead + HONE__AHEADS : NULL;
    while (a != end && a->piece == a->pieces)
        a++;
    if (a == end)
        return (hone__gemm_errand){ 0 };
    const int64_t rows = min64(ceil_div(a->lines - a->line, vectors), k / EVERY);
    const hone__gemm_errand errand = { .rows = rows,
                                       .from = a->from + a->piece * a->step + a->line * FLOATS,
                                       .rs = vectors * FLOATS };
    a->line += rows * vectors;
    if (a->line >= a->lines) {
        a->line = 0;
        a->piece++;
    }
    return errand;
}

void hone__product_panel(const hone__gemm_kernel *kernel, int64_t m, hone__gemm_tile *t,
                         const float *a, float *c, hone__ahead *ahead)
{
    const int64_t vectors = hone__gemm_vectors(kernel, t->nr);
    const int64_t parts = ceil_div(m, hone__gemm_tile_rows(kernel, t->nr, t->k, t->a_cs));
    int64_t row = 0;
    for (int64_t i = 0; i < parts; i++) {
        const int64_t end = hone__cut(m, parts, i + 1);
        t->mr = (int)(end - row);
        t->a = a + row * t->a_rs;
        t->c = c + row * t->c_rs;
        t->errand = hone__next_errand(ahead, vectors, t->k);
        kernel->tile(t);
        row = end;
    }
}

void hone__rows_seen(const hone__direct_axis *a, int64_t height, int64_t first, int64_t last,
                     int64_t *begin, int64_t *end)
{
    *begin = height;
    *end = 0;
    for (int64_t o = first; o < last; o++)
        for (int64_t k = 0, at; k < a->taps; k++)
            if (hone__place_of(a, o, k, &at) && at >= 0 && at < height) {
                *begin = min64(*begin, at);
                *end = hone__most(*end, at + 1);
            }
    *begin = min64(*begin, *end);
}

void hone__choose_columns(const hone__direct_axis *a, int64_t width, int64_t outputs,
                          hone__frame *f)
{
    int64_t least = 0, most = width - 1;
    for (int64_t o = 0; o < outputs; o++)
        for (int64_t k = 0, at; k < a->taps; k++)
            if (hone__place_of(a, o, k, &at)) {
                least = min64(least, at);
                most = hone__most(most, at);
            }
    f->left = -least;
    f->columns = most + 1 - least;
}

void hone__frame_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                        const hone__frame *f, float *compact, float *to)
{
    const int64_t padded = hone__padded(m->channels), right = f->columns - f->left - m->width;
    if (begin < end)
        hone__gather_pixels(m, sample, begin, end, compact);
    for (int64_t y = begin; y < end; y++) {
        memset(to, 0, (size_t)(f->left * f->pitch) * sizeof *to);
        to += f->left * f->pitch;
        if (f->pitch == padded) {
            memcpy(to, compact, (size_t)(m->width * padded) * sizeof *to);
            compact += m->width * padded;
        } else {
            for (int64_t x = 0; x < m->width; x++, compact += padded)
                memcpy(to + x * f->pitch, compact, (size_t)padded * sizeof *to);
        }
        to += m->width * f->pitch;
        memset(to, 0, (size_t)(right * f->pitch) * sizeof *to);
        to += right * f->pitch;
    }
}

typedef struct {
    const hone__image *m;
    int64_t step_y, step_x, height, width;
    float *to;
} thinned;

static void thin_rows(void *ctx, int64_t begin, int64_t end)
{
    const thinned *t = ctx;
    const hone__image *m = t->m;
    for (int64_t r = begin; r < end; r++) {
        const int64_t plane = r / t->height, y = r % t->height * t->step_y;
        const float *from =
            m->p + plane / m->channels * m->sample + plane % m->channels * m->channel + y * m->y;
        float *const to = t->to + r * t->width;
        if (t->step_x == 2)
            hone__every_second(t->width, to, from);
        for (int64_t i = 0; t->step_x != 2 && i < t->width; i++)
            to[i] = from[i * t->step_x];
    }
}

void hone__thin_planes(const hone__image *m, int64_t n, int64_t step_y, int64_t step_x, float *to)
{
    thinned t = { m, step_y, step_x, ceil_div(m->height, step_y), ceil_div(m->width, step_x), to };
    hone__parallel_for(n * m->channels * t.height, 1, 4 + 0.3 * (double)t.width, thin_rows, &t);
}

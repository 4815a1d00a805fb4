/* conv.c: panels of windows of an image. */
#include "loops/conv.h"

#include "isa/isa.h"
#include "loops/every_second.h"

#include <string.h>

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* `bytes`, a multiple of 4: a few lines at most, for which a call takes longer than the copy. */
static inline void copy(char *to, const char *from, int64_t bytes)
{
    int64_t i = 0;
    for (; i + 16 <= bytes; i += 16)
        memcpy(to + i, from + i, 16);
    for (; i < bytes; i += 4)
        memcpy(to + i, from + i, 4);
}

static inline void clear(char *to, int64_t bytes)
{
    static const char zeros[16];
    int64_t i = 0;
    for (; i + 16 <= bytes; i += 16)
        memcpy(to + i, zeros, 16);
    for (; i < bytes; i += 4)
        memcpy(to + i, zeros, 4);
}

/* to[i * to_step] = from[i * from_step] for i < n. */
static void spread(int64_t size, int64_t n, char *to, int64_t to_step, const char *from,
                   int64_t from_step)
{
    for (int64_t i = 0; i < n; i++) {
        if (size == 4)
            memcpy(to + i * to_step * 4, from + i * from_step * 4, 4);
        else
            memcpy(to + i * to_step * 8, from + i * from_step * 8, 8);
    }
}

/* n positions in a row of the grid at one tap, the first of which is at `at` / div in a row of the
 * image, and outside of it only if the image ends there. */
static void take_any(const hone__conv_windows *w, const char *row, int64_t at, int64_t n, char *to)
{
    const hone__conv_axis *x = &w->x;
    const int64_t size = hone__gemm_size(w->dtype);
    clear(to, n * size);
    const int64_t outside = at < 0 ? ceil_div(-at, x->mul) : 0;
    const int64_t rest = (at + outside * x->mul) % x->div;
    const int64_t first = outside + (rest ? x->div - rest : 0); /* mul is 1 if there is a rest */
    const int64_t from = (at + first * x->mul) / x->div;
    if (first >= n || from >= x->extent)
        return;
    const int64_t many = min64(ceil_div(n - first, x->div), ceil_div(x->extent - from, x->mul));
    spread(size, many, to + first * size, x->div, row + from * x->stride * size,
           x->mul * x->stride);
}

/* How a row is taken: element by element, or what lies in the image as a copy or as every second one, with
 * zeros on both sides. */
typedef enum { ANY, COPY, SECOND } way;

static way way_of(const hone__conv_windows *w)
{
    if (w->x.div != 1 || w->x.stride != 1 || w->x.mul > 2)
        return ANY;
    if (w->x.mul == 1)
        return COPY;
    return hone__gemm_size(w->dtype) == sizeof(float) ? SECOND : ANY;
}

static inline void take(const hone__conv_windows *w, way by, const char *row, int64_t at, int64_t n,
                        char *to)
{
    const int64_t size = hone__gemm_size(w->dtype);
    if (!row) {
        clear(to, n * size);
        return;
    }
    if (by == ANY) {
        take_any(w, row, at, n, to);
        return;
    }
    const int shift = by == SECOND;
    const int64_t before = at < 0 ? (-at + shift) >> shift : 0, first = min64(n, before);
    const int64_t there = w->x.extent > at ? (w->x.extent - at + shift) >> shift : 0;
    const int64_t end = there < first ? first : min64(n, there);
    const char *const from = row + (at + (first << shift)) * size;
    clear(to, first * size);
    if (by == COPY)
        copy(to + first * size, from, (end - first) * size);
    else
        hone__every_second(end - first, (float *)(void *)to + first,
                           (const float *)(const void *)from);
    clear(to + end * size, (n - end) * size);
}

/* What tap k sees from place `at` of an axis of the grid; NULL: nothing. */
static inline const char *step_to(const hone__conv_axis *a, const char *image, int64_t at,
                                  int64_t k, int64_t size)
{
    int64_t to = at * a->mul + a->off + k * a->step;
    if (to < 0 || (a->div > 1 && to % a->div != 0))
        return NULL;
    to = a->div > 1 ? to / a->div : to;
    return to < a->extent ? image + to * a->stride * size : NULL;
}

/* A tap of a window, in its parts. */
typedef struct {
    int64_t channel, z, y, x;
} place;

static place tap_at(const hone__conv_windows *w, int64_t tap)
{
    place k = { .x = tap % w->x.taps };
    tap /= w->x.taps;
    k.y = tap % w->y.taps;
    k.channel = tap / w->y.taps;
    if (w->z.taps > 1) {
        k.z = k.channel % w->z.taps;
        k.channel /= w->z.taps;
    }
    return k;
}

/* What the same positions of the next row of the grid see anew: images are read a few lines of a row at a time, which the
 * machine takes for no stream. */
static inline void ask_below(const hone__conv_windows *w, const char *from, int64_t n)
{
    enum { LINE = 64 };
    const int64_t size = hone__gemm_size(w->dtype);
    if (w->x.stride != 1)
        return;
    from += w->y.mul * w->y.stride * size;
    for (int64_t i = 0; i < n * w->x.mul * size; i += LINE)
        __builtin_prefetch(from + i);
}

/* n positions from [z, y, x] on, in one row of the grid, at taps [tap, tap + taps): a row each,
 * to_rs elements apart. */
static void fill_run(const hone__conv_windows *w, const char *image, place from, int64_t n,
                     int64_t tap, int64_t taps, char *to, int64_t to_rs)
{
    const way by = way_of(w);
    const int64_t size = hone__gemm_size(w->dtype), to_bytes = to_rs * size;
    const int64_t at = from.x * w->x.mul + w->x.off;
    place k = tap_at(w, tap);
    while (taps > 0) {
        const char *plane = image + k.channel * w->channel_stride * size;
        plane = step_to(&w->z, plane, from.z, k.z, size);
        for (; k.y < w->y.taps && taps > 0; k.y++, k.x = 0) {
            const char *row = plane ? step_to(&w->y, plane, from.y, k.y, size) : NULL;
            const int64_t end = min64(w->x.taps, k.x + taps);
            taps -= end - k.x;
            if (row && k.y + w->y.mul >= w->y.taps)
                ask_below(w, row + at * size, n);
            for (; k.x < end; k.x++, to += to_bytes)
                take(w, by, row, at + k.x * w->x.step, n, to);
        }
        k.y = 0;
        if (++k.z == w->z.taps) {
            k.z = 0;
            k.channel++;
        }
    }
}

/* n positions from `at` on. */
static void fill(const hone__conv_windows *w, const char *image, int64_t at, int64_t n, int64_t tap,
                 int64_t taps, char *to, int64_t to_rs)
{
    for (int64_t j = 0, run; j < n; j += run) {
        place from = { .y = (at + j) / w->width, .x = (at + j) % w->width };
        if (w->depth > 1) {
            from.z = from.y / w->height;
            from.y %= w->height;
        }
        run = min64(n - j, w->width - from.x);
        fill_run(w, image, from, run, tap, taps, to + j * hone__gemm_size(w->dtype), to_rs);
    }
}

/* The columns of a panel that nothing is in. */
static void clear_rest(int64_t size, int valid, int width, int64_t k, char *panel)
{
    for (int64_t q = 0; valid < width && q < k; q++)
        clear(panel + (q * width + valid) * size, (width - valid) * size);
}

static void pack_positions(const hone__gemm_source *source, const void *image, int64_t at,
                           int valid, int64_t tap, int64_t taps, int width, void *panel)
{
    const hone__conv_windows *w = (const hone__conv_windows *)source;
    clear_rest(hone__gemm_size(w->dtype), valid, width, taps, panel);
    fill(w, image, at, valid, tap, taps, panel, width);
}

enum { RUN = 32, MOST_WIDTH = 64, MOST_SIZE = 8 };

/* Positions lie side by side in the image, taps in the panel: a few of the former are taken at a
 * time, and turned. */
static void pack_taps(const hone__gemm_source *source, const void *image, int64_t tap, int valid,
                      int64_t at, int64_t positions, int width, void *panel)
{
    const hone__conv_windows *w = (const hone__conv_windows *)source;
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[w->dtype];
    const int64_t size = hone__gemm_size(w->dtype);
    _Alignas(64) char rows[MOST_WIDTH * RUN * MOST_SIZE];
    clear_rest(size, valid, width, positions, panel);
    for (int64_t q = 0; q < positions; q += RUN) {
        const int64_t n = min64(RUN, positions - q);
        fill(w, image, at + q, n, tap, valid, rows, RUN);
        kernel->transpose(n, valid, (char *)panel + q * width * size, width, rows, RUN);
    }
}

void hone__conv_windows_init(hone__conv_windows *windows, bool by_taps)
{
    windows->source.pack = by_taps ? pack_taps : pack_positions;
}

/* image_parts.h: what the drivers of winograd.h and direct.h share. */
#ifndef HONE_LOOPS_IMAGE_PARTS_H
#define HONE_LOOPS_IMAGE_PARTS_H

#include "gemm/parts.h"
#include "isa/images.h"
#include "loops/direct.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

/** Where part i of `parts` of a total begins, as even as can be. */
static inline int64_t hone__cut(int64_t total, int64_t parts, int64_t i)
{
    return i * (total / parts) + min64(i, total % parts);
}

static inline int64_t hone__most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** All threads of a team go on together. */
static inline void hone__meet(int n_threads)
{
    if (n_threads > 1)
        hone__team_barrier();
}

static inline int64_t hone__up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/** Channels of a pixel with those that are +0. */
static inline int64_t hone__padded(int64_t channels)
{
    return hone__up(channels, HONE__IMAGE_CHANNELS);
}

/** Bytes of a buffer of n floats. */
static inline size_t hone__floats(int64_t n)
{
    return hone__bytes(hone__up(n, HONE__IMAGE_CHANNELS), sizeof(float));
}

/** to[0, padded) = n biases, then +0. */
static inline void hone__gather_bias(float *to, int64_t padded, const float *bias, int64_t n,
                                     int64_t step)
{
    for (int64_t o = 0; o < padded; o++)
        to[o] = o < n ? bias[o * step] : 0;
}

/** Elements between two points of so many: an odd number of lines, so that points don't meet in
 * one set of L1. */
static inline int64_t hone__point(int64_t elements)
{
    return hone__up(elements, 16) + (hone__up(elements, 16) / 16 % 2 ? 0 : 16);
}

/** If pixels can be read, or written, where the image lies. */
static inline bool hone__pixels_in_place(const hone__image *m)
{
    return m->channel == 1 && m->channels % HONE__IMAGE_CHANNELS == 0 && !m->half;
}

/** to[i * to_rs + l] = element i of line l, as hone__gemm_kernel's transpose; lines are f32 or bf16,
 * `step` elements from one to the next. */
void hone__turn_lines(int64_t n, int64_t lines, float *to, int64_t to_rs, const void *from,
                      int64_t step, bool half);

/** Rows [begin, end) of a sample as pixels [rows, width, padded channels]; what is past the channels
 * is left as it is. */
void hone__gather_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                         float *to);
/** The same, `pitch` elements from pixel to pixel. */
void hone__gather_apart(const hone__image *m, int64_t sample, int64_t begin, int64_t end, float *to,
                        int64_t pitch);
/** The reverse. */
void hone__scatter_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                          const float *from);

/** Rows of pixels between columns of +0: `left` before them, `columns` in all, `pitch` elements from
 * one to the next. */
typedef struct {
    int64_t left, columns, pitch;
} hone__frame;

/** Whether tap k of output o exists on the axis; then where it is. */
static inline bool hone__place_of(const hone__direct_axis *a, int64_t o, int64_t k, int64_t *at)
{
    const int64_t to = o * a->mul + a->off + k * a->step;
    if (a->div > 1 && to % a->div != 0)
        return false;
    *at = to / a->div;
    return true;
}

/** Rows [begin, end) of an image that outputs of rows [first, last) see. */
void hone__rows_seen(const hone__direct_axis *a, int64_t height, int64_t first, int64_t last,
                     int64_t *begin, int64_t *end);

/** left and columns, for what `outputs` see beside an image. */
void hone__choose_columns(const hone__direct_axis *a, int64_t width, int64_t outputs,
                          hone__frame *f);

/** Rows [begin, end) of a sample in a frame, by way of `compact`, which has room for them. */
void hone__frame_pixels(const hone__image *m, int64_t sample, int64_t begin, int64_t end,
                        const hone__frame *f, float *compact, float *to);

/** Rows of pixels of a sample that lie at `base`, row `first` first. */
typedef struct {
    const float *base, *zeros;
    int64_t first, height, row, step;
} hone__rows_of;

static inline hone__pixels hone__row_at(const hone__rows_of *r, int64_t y)
{
    return y < 0 || y >= r->height ? (hone__pixels){ r->zeros, 0 }
                                   : (hone__pixels){ r->base + (y - r->first) * r->row, r->step };
}

/** Columns of panels of a product of `width` columns, a multiple of HONE__IMAGE_CHANNELS: even, of
 * whole vectors. Column i's panel begins at hone__panel(.., i). */
static inline int64_t hone__panels(const hone__gemm_kernel *kernel, int64_t width)
{
    return (width + kernel->nr - 1) / kernel->nr;
}

static inline int64_t hone__panel(const hone__gemm_kernel *kernel, int64_t width, int64_t i)
{
    const int64_t vectors = width / kernel->vl, panels = hone__panels(kernel, width);
    const int64_t longer = vectors % panels;
    return (i * (vectors / panels) + (i < longer ? i : longer)) * kernel->vl;
}

/** Pieces of memory, `step` elements from one to the next, that tiles ask for on their way (gemm_kernels.h: errands):
 * planes lie so far from each other that the machine takes what is read of them for no stream. */
typedef struct {
    const float *from;
    int64_t step, pieces, lines; /* lines: of a piece */
    int64_t piece, line;         /* the next one */
} hone__ahead;

/** Rows [begin, end) of samples [first, last). */
hone__ahead hone__ahead_of(const hone__image *m, int64_t first, int64_t last, int64_t begin,
                           int64_t end);

/** So many floats in one piece. */
hone__ahead hone__ahead_of_floats(const float *from, int64_t floats);

/** What the next tile of so many vectors of columns and k asks for, of the first of HONE__AHEADS that isn't done; NULL:
 * nothing. */
enum { HONE__AHEADS = 3 };
hone__gemm_errand hone__next_errand(hone__ahead *ahead, int64_t vectors, int64_t k);

/** C [m, columns of the panel] = A B, a chain each, in tiles of even heights. t: all but c, a, mr. ahead: as above. */
void hone__product_panel(const hone__gemm_kernel *kernel, int64_t m, hone__gemm_tile *t,
                         const float *a, float *c, hone__ahead *ahead);

#endif

/* half_windows.c: see half_windows.h. */
#include "loops/half_windows.h"

#include "gemm/bf16_kernels.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_ELEMENT 0.3

/* ---- the copy */

/* Columns of a padded row that are some stride apart, beside each other. */
static int64_t columns(const hone__half_axis *x)
{
    const int64_t seen = (x->out - 1) * x->stride + (x->taps - 1) * x->dilation + 1;
    return (seen + x->stride - 1) / x->stride;
}

/* Where in the copy the i-th column of what is padded is. */
static int64_t column_at(const hone__half_axis *x, int64_t i)
{
    return i % x->stride * columns(x) + i / x->stride;
}

static int64_t rows(const hone__half_axis *y)
{
    return (y->out - 1) * y->stride + (y->taps - 1) * y->dilation + 1;
}

typedef struct {
    const hone__half_windows *w;
    const uint16_t *images;
} copying;

/* Does a tap see what is that far from a multiple of the stride? */
static bool is_seen(const hone__half_axis *a, int64_t at)
{
    for (int64_t t = 0; t < a->taps; t++)
        if ((at - t * a->dilation) % a->stride == 0)
            return true;
    return false;
}

/* to[i] = from[i * step] */
static void thin(int64_t n, uint16_t *to, const uint16_t *from, int64_t step)
{
    int64_t i = 0;
    for (; step == 2 && i + 1 < n; i++) { /* two at a time, which becomes vector code */
        uint32_t both;
        memcpy(&both, from + 2 * i, sizeof both);
        to[i] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (uint16_t)both : (uint16_t)(both >> 16);
    }
    for (; i < n; i++)
        to[i] = from[i * step];
}

/* The same of two planes. */
static void pair_up(int64_t n, uint32_t *restrict to, const uint16_t *restrict a,
                    const uint16_t *restrict b, int64_t step)
{
    for (int64_t i = 0; step == 1 && i < n; i++)
        to[i] = (uint32_t)b[i] << 16 | a[i];
    for (int64_t i = 0; step != 1 && i < n; i++)
        to[i] = (uint32_t)b[i * step] << 16 | a[i * step];
}

/* Columns j, j + stride ... of all rows that are seen. */
static void copy_columns(const hone__half_windows *w, int64_t j, int64_t width,
                         const uint16_t *from, void *to)
{
    const hone__half_axis *y = &w->y, *x = &w->x;
    const int64_t n = (width - j + x->stride - 1) / x->stride, at = column_at(x, x->before + j);
    const int64_t end = hone__min(y->extent, rows(y) - y->before);
    for (int64_t first = 0; first < hone__min(y->stride, end); first++) {
        if (!is_seen(y, y->before + first))
            continue;
        for (int64_t i = first; i < end; i += y->stride) {
            const int64_t place = (y->before + i) * w->row + at;
            uint16_t *const row = (uint16_t *)to + place;
            const uint16_t *of = from + i * x->extent + j;
            if (w->pairs)
                pair_up(n, (uint32_t *)to + place, of, of + y->extent * x->extent, x->stride);
            else if (x->stride == 1)
                memcpy(row, of, (size_t)n * sizeof *row);
            else
                thin(n, row, of, x->stride);
        }
    }
}

static size_t element_bytes(const hone__half_windows *w)
{
    return w->pairs ? sizeof(uint32_t) : sizeof(uint16_t);
}

static void copy_plane(const hone__half_windows *w, const uint16_t *from, void *to)
{
    const hone__half_axis *x = &w->x;
    const int64_t width = hone__min(x->extent, columns(x) * x->stride - x->before);
    memset(to, 0, (size_t)w->channel * element_bytes(w));
    for (int64_t j = 0; j < hone__min(x->stride, width); j++)
        if (is_seen(x, x->before + j))
            copy_columns(w, j, width, from, to);
}

static void copy_planes(void *ctx, int64_t begin, int64_t end)
{
    const copying *c = ctx;
    const hone__half_windows *w = c->w;
    const int64_t plane = w->y.extent * w->x.extent * (w->pairs ? 2 : 1);
    for (int64_t i = begin; i < end; i++)
        copy_plane(w, c->images + i * plane, (char *)w->copy + i * w->channel * element_bytes(w));
}

/* ---- panels */

/* A row of places or a part of it: where its window lies, from the tap's beginning on; NOWHERE: there
 * are no such places. */
typedef struct {
    int64_t at, n;
} run;

enum { NOWHERE = -1 };

/* Columns [p, p + k) in runs; how many. */
static int cut_runs(const hone__half_windows *w, int64_t p, int64_t k, run *to)
{
    int n = 0;
    for (int64_t done = 0; done < k; done += to[n++].n) {
        const int64_t sample = (p + done) / w->filled, place = (p + done) % w->filled;
        if (place >= w->places) {
            to[n] = (run){ NOWHERE, hone__min(k - done, w->filled - place) };
            continue;
        }
        const bool together = w->y.stride * w->row == w->x.out; /* rows side by side */
        const int64_t columns = together ? w->places : w->x.out;
        const int64_t y = place / columns, x = place % columns;
        to[n] = (run){ sample * w->sample + y * w->y.stride * w->row + x,
                       hone__min(k - done, columns - x) };
    }
    return n;
}

static void pack(const hone__gemm_source *source, const void *base, int64_t i, int valid, int64_t p,
                 int64_t k, int width, void *panel)
{
    const hone__half_windows *w = (const hone__half_windows *)source;
    const int64_t taps = w->y.taps * w->x.taps;
    run runs[HONE__GEMM_ALONG];
    (void)base;
    const int n = cut_runs(w, p, k, runs);
    uint16_t *to = panel;
    for (int j = 0; j < valid; j++, to += width) {
        const uint16_t *from =
            (const uint16_t *)w->image + (i + j) / taps * w->channel + w->tap[(i + j) % taps];
        uint16_t *at = to;
        for (int r = 0; r < n; at += runs[r++].n) {
            if (runs[r].at != NOWHERE)
                hone__copy_run(at, from + runs[r].at, runs[r].n);
            for (int64_t q = 0; runs[r].at == NOWHERE && q < runs[r].n; q++)
                at[q] = HONE__BF16_PAD_A;
        }
    }
}

static bool lies_so(const hone__half_axis *a, int64_t seen)
{
    return a->stride == 1 && a->before == 0 && seen == a->extent;
}

bool hone__half_windows_begin(hone__half_windows *w, const uint16_t *images)
{
    const hone__half_axis *y = &w->y, *x = &w->x;
    w->source = (hone__gemm_source){ .pack = pack, .along = true };
    w->places = w->filled = y->out * x->out;
    w->row = columns(x) * x->stride;
    w->channel = rows(y) * w->row;
    const int64_t planes = w->pairs ? w->channels / 2 : w->channels;
    w->sample = planes * w->channel;
    for (int64_t t = 0; t < y->taps * x->taps; t++)
        w->tap[t] = t / x->taps * y->dilation * w->row + column_at(x, t % x->taps * x->dilation);
    w->image = images;
    w->copy = NULL;
    if (!w->pairs && lies_so(y, rows(y)) && lies_so(x, w->row))
        return true;
    w->bytes = hone__bytes(w->n, hone__bytes(w->sample, element_bytes(w)));
    if (!(w->copy = hone__pool_alloc(w->bytes)))
        return false;
    w->image = w->copy;
    copying c = { w, images };
    hone__parallel_for(w->n * planes, 1, NS_ELEMENT * (double)w->channel, copy_planes, &c);
    return true;
}

void hone__half_windows_end(hone__half_windows *w)
{
    if (w->copy)
        hone__pool_free(w->copy, w->bytes);
}

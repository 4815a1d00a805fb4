/* half_conv_weight.c: see half_conv_weight.h.
 *
 *   for some channels, whose sums stay in L2:
 *     for a group of places, a part of a sample or some samples:   rows packed
 *       for a panel of channels:                                   planes turned
 *         for a tap, for a panel of outputs:                       the tile
 *
 * A plane is what a column of the kernel sees of an image, row by row of places without what is between
 * them; a tap is a plane and how far below its beginning the tap's row begins, which is at a pair, rows
 * being of an even number of places. */
#include "loops/half_conv_weight.h"

#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

enum {
    K = HONE__BF16_TILE_K,
    WIDTH = 32,   /* of panels, both */
    GROUP = 1024, /* places */
    SUMS_BYTES = 640 << 10,
    KEPT_BYTES = 1 << 20
};

typedef float tile[WIDTH * WIDTH];

typedef struct {
    int64_t first, rows; /* of the padded image; of planes beyond a part's own */
    int64_t column;
} plane;

typedef struct {
    int plane;
    int64_t below; /* pairs of places */
} tap;

typedef struct {
    const hone__half_conv_weight *g;
    const hone__bf16_kernel *kernel;
    int64_t taps, places;
    int n_planes;
    plane planes[HONE__HALF_TAPS];
    tap of_tap[HONE__HALF_TAPS];
    int64_t rows, parts;             /* of places in a part of a sample; parts of a sample */
    int64_t samples, groups;         /* of a group: 1 if a sample has parts */
    int64_t length, apart;           /* of the longest plane; of what is turned, in elements */
    int64_t channels, outputs;       /* panels */
    int64_t by_channels, by_outputs; /* threads */
    int64_t some;                    /* panels of channels whose sums stay */
    bool keeps;                      /* all packed rows */
    size_t rows_bytes, plane_bytes, room_bytes;
    char *rooms;
} job;

/* A thread's memory. */
typedef struct {
    uint16_t *raw; /* [WIDTH][apart] */
    char *planes;  /* [samples][n_planes] turned */
    char *rows;    /* [groups, if kept][outputs] packed */
    char *window;  /* of a tap, where tiles can't take it from the plane */
    tile *sums;    /* [some][taps][outputs] */
} room;

typedef struct {
    int64_t begin, end;
} range;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t filled(int64_t k)
{
    return ceil_div(k, K) * K;
}

static range share(int64_t total, int64_t parts, int64_t i)
{
    return (range){ total * i / parts, total * (i + 1) / parts };
}

/* ---- groups of places */

/* A part's places in a sample; those of a group are of the first of its samples. */
typedef struct {
    int64_t sample, samples, row, rows;
} group;

static group group_of(const job *j, int64_t i)
{
    const int64_t sample = i / j->parts * j->samples, row = i % j->parts * j->rows;
    return (group){ sample, hone__min(j->samples, j->g->n - sample), row,
                    hone__min(j->rows, j->g->y.out - row) };
}

static int64_t group_places(const job *j, const group *of)
{
    return of->rows * j->g->x.out;
}

static void pack_rows(const job *j, const group *of, range outputs, char *to)
{
    const hone__half_conv_weight *g = j->g;
    const int64_t k = group_places(j, of);
    for (int64_t p = outputs.begin; p < outputs.end; p++) {
        const int64_t first = p * WIDTH, valid = hone__min(WIDTH, g->outputs - first);
        char *at = to + (size_t)(p - outputs.begin) * j->rows_bytes;
        for (int64_t s = of->sample; s < of->sample + of->samples; s++) {
            const uint16_t *from =
                g->of_places + (s * g->outputs + first) * j->places + of->row * g->x.out;
            j->kernel->pack(k, WIDTH, (int)valid, (uint32_t *)(void *)at, from, j->places, 1,
                            HONE__BF16_PAD_A);
            at += filled(k) * WIDTH * (int64_t)sizeof *from;
        }
    }
}

/* ---- planes */

static void fill_zero(uint16_t *to, int64_t n)
{
    if (n > 0)
        memset(to, 0, (size_t)n * sizeof *to);
}

/* Rows that lie side by side in the image, too: copied at once, what came from a neighbour is 0. */
static void copy_together(const hone__half_conv_weight *g, int64_t first, int64_t shift,
                          int64_t rows, const uint16_t *from, uint16_t *to)
{
    const int64_t width = g->x.extent, all = g->y.extent * width;
    const int64_t above = hone__min(rows, first < 0 ? -first : 0);
    const int64_t there = hone__min(rows, g->y.extent - first), end = there > above ? there : above;
    fill_zero(to, above * width);
    fill_zero(to + end * width, (rows - end) * width);
    const int64_t place = first * width + shift; /* of `to` in the image */
    const int64_t begin = hone__min(all, place + above * width);
    const int64_t low = begin < 0 ? 0 : begin, high = hone__min(all, place + end * width);
    if (high > low)
        memcpy(to + (low - place), from + low, (size_t)(high - low) * sizeof *to);
    const int64_t outside = hone__min(width, shift < 0 ? -shift : shift);
    for (int64_t i = above; outside && i < end; i++)
        for (int64_t q = 0; q < outside; q++)
            to[i * width + (shift < 0 ? q : width - 1 - q)] = 0;
}

static void copy_row(const hone__half_axis *x, int64_t shift, const uint16_t *from, uint16_t *to)
{
    int64_t low = shift < 0 ? ceil_div(-shift, x->stride) : 0;
    low = hone__min(low, x->out);
    int64_t high = x->extent > shift ? ceil_div(x->extent - shift, x->stride) : 0;
    high = hone__min(high, x->out);
    high = high > low ? high : low;
    fill_zero(to, low);
    fill_zero(to + high, x->out - high);
    from += low * x->stride + shift;
    if (x->stride == 1)
        hone__copy_run(to + low, from, high - low);
    for (int64_t i = low; x->stride != 1 && i < high; i++, from += x->stride)
        to[i] = *from;
}

/* A channel's. */
static void copy_plane(const job *j, const plane *p, const group *of, const uint16_t *from,
                       uint16_t *to)
{
    const hone__half_axis *y = &j->g->y, *x = &j->g->x;
    const int64_t rows = of->rows + p->rows;
    const int64_t first = of->row * y->stride + p->first - y->before, shift = p->column - x->before;
    if (x->stride == 1 && y->stride == 1 && x->out == x->extent) {
        copy_together(j->g, first, shift, rows, from, to);
    } else {
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = first + i * y->stride;
            if (at < 0 || at >= y->extent)
                fill_zero(to + i * x->out, x->out);
            else
                copy_row(x, shift, from + at * x->extent, to + i * x->out);
        }
    }
    fill_zero(to + rows * x->out, filled(rows * x->out) - rows * x->out);
}

static void turn_planes(const job *j, const room *r, const group *of, int64_t channels)
{
    const hone__half_conv_weight *g = j->g;
    const int64_t image = g->y.extent * g->x.extent, first = channels * WIDTH;
    const int64_t valid = hone__min(WIDTH, g->channels - first);
    fill_zero(r->raw + valid * j->apart, (WIDTH - valid) * j->apart);
    for (int64_t s = 0; s < of->samples; s++) {
        const uint16_t *from = g->images + ((of->sample + s) * g->channels + first) * image;
        for (int p = 0; p < j->n_planes; p++) {
            const plane *const to = &j->planes[p];
            for (int64_t c = 0; c < valid; c++)
                copy_plane(j, to, of, from + c * image, r->raw + c * j->apart);
            char *const panel = r->planes + (size_t)(s * j->n_planes + p) * j->plane_bytes;
            j->kernel->pack(filled((of->rows + to->rows) * g->x.out), WIDTH, WIDTH,
                            (uint32_t *)(void *)panel, r->raw, j->apart, 1, HONE__BF16_PAD_B);
        }
    }
}

/* What a tap sees in all samples, filled up with 0. */
static const void *window_of(const job *j, const room *r, const group *of, const tap *t)
{
    enum { ROW = WIDTH * sizeof(uint32_t) };
    const int64_t k = group_places(j, of);
    const char *from = r->planes + (size_t)t->plane * j->plane_bytes + t->below * ROW;
    if (of->samples == 1 && k % K == 0)
        return from;
    char *to = r->window;
    for (int64_t s = 0; s < of->samples; s++, from += (size_t)j->n_planes * j->plane_bytes) {
        memcpy(to, from, (size_t)(k / 2) * ROW);
        memset(to + k / 2 * ROW, 0, (size_t)(filled(k) - k) / 2 * ROW);
        to += filled(k) / 2 * ROW;
    }
    return r->window;
}

/* ---- sums */

static tile *sums_at(const job *j, const room *r, range outputs, int64_t channels, int64_t output)
{
    const int64_t panels = outputs.end - outputs.begin;
    return r->sums + channels * j->taps * panels + output - outputs.begin;
}

/* A panel of channels of an output, of[tap * step + channel], from a sum's row, which is mostly 0 at
 * first, and to it. */
static inline void take_row(int64_t taps, int64_t valid, int64_t step, float *of, const float *from)
{
    uint32_t any = 0;
    for (int64_t i = 0; i < valid * taps; i++) {
        uint32_t bits;
        memcpy(&bits, from + i, sizeof bits);
        any |= bits;
    }
    for (int64_t t = 0; t < taps; t++) {
        memset(of + t * step, 0, WIDTH * sizeof *of);
        for (int64_t c = 0; any && c < valid; c++)
            of[t * step + c] = from[c * taps + t];
    }
}

static inline void give_row(int64_t taps, int64_t valid, int64_t step, const float *of, float *to)
{
    for (int64_t c = 0; c < valid; c++)
        for (int64_t t = 0; t < taps; t++)
            to[c * taps + t] = of[t * step + c];
}

/* Before the first group (`begins`) and after the last. */
static void move_sums(const job *j, const room *r, range outputs, range channels, bool begins)
{
    const hone__half_conv_weight *g = j->g;
    const int64_t taps = j->taps, step = (outputs.end - outputs.begin) * WIDTH * WIDTH;
    for (int64_t p = channels.begin; p < channels.end; p++) {
        const int64_t first = p * WIDTH, valid = hone__min(WIDTH, g->channels - first);
        for (int64_t o = outputs.begin * WIDTH; o < hone__min(outputs.end * WIDTH, g->outputs);
             o++) {
            float *const at =
                (*sums_at(j, r, outputs, p - channels.begin, o / WIDTH)) + o % WIDTH * WIDTH;
            float *const sum = g->sum + (o * g->channels + first) * taps;
            if (begins && taps == 9)
                take_row(9, valid, step, at, sum);
            else if (begins)
                take_row(taps, valid, step, at, sum);
            else if (taps == 9)
                give_row(9, valid, step, at, sum);
            else
                give_row(taps, valid, step, at, sum);
        }
    }
}

static int width_of(int64_t valid)
{
    return valid > WIDTH / 2 ? WIDTH : WIDTH / 2;
}

static void multiply(const job *j, const room *r, const group *of, range outputs, int64_t channels,
                     int64_t place, const char *rows)
{
    const hone__half_conv_weight *g = j->g;
    hone__gemm_tile t = { .k = filled(group_places(j, of)) * of->samples,
                          .a_rs = 1,
                          .a_cs = WIDTH,
                          .b_rs = WIDTH,
                          .c_rs = WIDTH,
                          .nr = width_of(g->channels - channels * WIDTH),
                          .resume = true };
    for (int64_t q = 0; q < j->taps; q++) {
        t.b = window_of(j, r, of, &j->of_tap[q]);
        for (int64_t o = outputs.begin; o < outputs.end; o++) {
            t.a = rows + (size_t)(o - outputs.begin) * j->rows_bytes;
            t.mr = width_of(g->outputs - o * WIDTH);
            t.c = sums_at(j, r, outputs, place, o) + q * (outputs.end - outputs.begin);
            j->kernel->tiles(&t);
        }
    }
}

/* ---- shares */

static size_t lay_out(const job *j, char *at, room *r)
{
    const int64_t outputs = ceil_div(j->outputs, j->by_outputs);
    const int64_t kept = j->keeps ? j->groups : 1;
    size_t used = 0;
#define TAKE(member, bytes)                                                                        \
    (r->member = (void *)(at + used), used += ((size_t)(bytes) + 127) / 64 * 64)
    TAKE(raw, hone__bytes(WIDTH * j->apart, sizeof(uint16_t)));
    TAKE(planes, hone__bytes(j->samples * j->n_planes, j->plane_bytes));
    TAKE(rows, hone__bytes(kept * outputs, j->rows_bytes));
    TAKE(window, j->rows_bytes);
    TAKE(sums, hone__bytes(j->some * j->taps * outputs, sizeof(tile)));
#undef TAKE
    return used;
}

static void run_channels(const job *j, const room *r, range outputs, range channels, bool first)
{
    move_sums(j, r, outputs, channels, true);
    for (int64_t i = 0; i < j->groups; i++) {
        const group of = group_of(j, i);
        const int64_t panels = outputs.end - outputs.begin;
        char *const rows = r->rows + (j->keeps ? (size_t)(i * panels) * j->rows_bytes : 0);
        if (first || !j->keeps)
            pack_rows(j, &of, outputs, rows);
        for (int64_t p = channels.begin; p < channels.end; p++) {
            turn_planes(j, r, &of, p);
            multiply(j, r, &of, outputs, p, p - channels.begin, rows);
        }
    }
    move_sums(j, r, outputs, channels, false);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    lay_out(j, j->rooms + (size_t)thread * j->room_bytes, &r);
    const int64_t shares = j->by_channels * j->by_outputs;
    j->kernel->begin();
    for (int64_t i = thread; i < shares; i += n_threads) {
        const range outputs = share(j->outputs, j->by_outputs, i / j->by_channels);
        const range mine = share(j->channels, j->by_channels, i % j->by_channels);
        for (int64_t p = mine.begin; p < mine.end; p += j->some)
            run_channels(j, &r, outputs, (range){ p, hone__min(p + j->some, mine.end) },
                         p == mine.begin);
    }
    j->kernel->end();
}

/* ---- decisions */

static void find_planes(job *j)
{
    const hone__half_axis *y = &j->g->y, *x = &j->g->x;
    for (int64_t t = 0; t < j->taps; t++) {
        const int64_t row = t / x->taps * y->dilation, column = t % x->taps * x->dilation;
        int p = 0;
        for (; p < j->n_planes; p++) {
            const int64_t below = row - j->planes[p].first;
            if (j->planes[p].column == column && below % y->stride == 0)
                break;
        }
        if (p == j->n_planes)
            j->planes[j->n_planes++] = (plane){ row, 0, column };
        const int64_t below = (row - j->planes[p].first) / y->stride;
        j->planes[p].rows = below;
        j->of_tap[t] = (tap){ p, below * x->out / 2 };
    }
}

/* Rows of so many outputs that fill whole tiles. */
static int64_t whole_rows(int64_t out)
{
    int64_t rows = 1;
    while (rows * out % K != 0)
        rows++;
    return rows;
}

/* Parts begin where tiles do. */
static void cut_places(job *j)
{
    const hone__half_axis *y = &j->g->y, *x = &j->g->x;
    const int64_t unit = whole_rows(x->out);
    const int64_t most = GROUP / (unit * x->out);
    j->rows = hone__min(y->out, unit * (most < 1 ? 1 : most));
    j->parts = ceil_div(y->out, j->rows);
    const int64_t samples = j->parts > 1 ? 1 : GROUP / filled(j->places);
    j->samples = hone__min(j->g->n, samples < 1 ? 1 : samples);
    j->groups = j->parts * ceil_div(j->g->n, j->samples);
}

static double ns_of(const hone__half_conv_weight *g)
{
    const double products = (double)(g->n * g->y.out * g->x.out) *
                            (double)(g->outputs * g->channels * g->y.taps * g->x.taps);
    return 2.0 * products / hone__bf16_in(true)->shape.flops_per_ns;
}

/* Windows are cut into more shares than panels of channels and outputs are, but take twice as long; and
 * rows that are too long for a group to stay in a cache are theirs. */
bool hone__half_conv_weight_suits(const hone__half_conv_weight *g)
{
    const hone__bf16_kernel *kernel = hone__bf16_in(true);
    const int64_t half = WIDTH / 2, taken = ceil_div(g->channels, half) * half;
    const int64_t shares = ceil_div(g->channels, WIDTH) * ceil_div(g->outputs, WIDTH);
    return hone__bf16_tiles_now() && kernel->tiled && kernel->shape.mr == WIDTH &&
           kernel->shape.nr == WIDTH && g->x.out % 2 == 0 && 4 * g->channels >= 3 * taken &&
           whole_rows(g->x.out) * g->x.out <= 4 * GROUP &&
           hone__team_for(ns_of(g), INT64_MAX) <= 2 * shares;
}

bool hone__half_conv_weight_run(const hone__half_conv_weight *g)
{
    job j = { .g = g,
              .kernel = hone__bf16_in(true),
              .taps = g->y.taps * g->x.taps,
              .places = g->y.out * g->x.out,
              .channels = ceil_div(g->channels, WIDTH),
              .outputs = ceil_div(g->outputs, WIDTH) };
    find_planes(&j);
    cut_places(&j);
    for (int p = 0; p < j.n_planes; p++) {
        const int64_t length = filled((j.rows + j.planes[p].rows) * g->x.out);
        j.length = length > j.length ? length : j.length;
    }
    j.apart =
        j.length % (1 << 9) == 0 ? j.length + K : j.length; /* rows in other sets of a cache */
    j.plane_bytes = (size_t)j.length * WIDTH * sizeof(uint16_t);
    j.rows_bytes = (size_t)(filled(j.rows * g->x.out) * j.samples * WIDTH) * sizeof(uint16_t);
    j.keeps = hone__bytes(j.groups * j.outputs, j.rows_bytes) <= KEPT_BYTES;
    const int threads = hone__team_for(ns_of(g), j.channels * j.outputs);
    j.by_channels = hone__min(threads, j.channels);
    j.by_outputs = hone__min(threads / j.by_channels, j.outputs);
    const int64_t of_panel = j.taps * ceil_div(j.outputs, j.by_outputs) * (int64_t)sizeof(tile);
    const int64_t most = SUMS_BYTES / of_panel;
    j.some = j.groups == 1 || most < 1 ? 1 : hone__min(most, ceil_div(j.channels, j.by_channels));
    room none;
    j.room_bytes = lay_out(&j, NULL, &none);
    const size_t bytes = hone__bytes(threads, j.room_bytes);
    if (!(j.rooms = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(j.rooms, bytes);
    return true;
}

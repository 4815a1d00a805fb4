/* half_conv.c: see half_conv.h. Weights are packed once for all samples: rows of the product are outputs,
 * columns the places of all samples. A thread takes a few panels of columns at a time, which stay in
 * its L2 while the panels of weights pass. */
#include "loops/half_conv.h"

#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

enum { SOME = 64, WIDEST = 64, BLOCK_PANELS = 8, BLOCKS = 4, AHEAD = 32 };

/* Of panels of columns: more where weights come from beyond L2 for each block, which is 2 MB on CPUs with
 * tiles. */
enum { BLOCK_BYTES = 384 << 10, LARGE_BLOCK_BYTES = 1280 << 10, LARGE_WEIGHTS = 2 << 20 };

typedef struct {
    const hone__half_conv *conv;
    const hone__bf16_kernel *kernel;
    bool tiles;
    int64_t k, places, all; /* all: places of all samples */
    int64_t columns; /* that lie side by side, there and in the results: rows together if they do */
    int64_t a_panels, b_panels, blocks, block_panels;
    size_t a_bytes, b_bytes, room_bytes;
    char *a, *rooms;
} job;

typedef hone__bf16_run run; /* places of a row; `to` is where their results go */

typedef struct {
    int64_t first, n; /* places */
    int n_runs;
    bool together, alike; /* results side by side; runs of one length */
    run runs[WIDEST];
} columns;

/* A thread's memory. */
typedef struct {
    columns *of;
    char *b;
    uint16_t *some, *turned;
    float *sums;
    uint16_t *rounded;
} room;

static size_t lay_out(const job *j, char *at, room *r)
{
    const int64_t mr = j->kernel->shape.mr, nr = j->kernel->shape.nr;
    size_t used = 0;
#define TAKE(member, bytes)                                                                        \
    (r->member = (void *)(at + used), used += ((size_t)(bytes) + 127) / 64 * 64)
    TAKE(of, hone__bytes(j->block_panels, sizeof(columns)));
    TAKE(b, hone__bytes(j->block_panels, j->b_bytes));
    TAKE(some, SOME * WIDEST * sizeof(uint16_t));
    TAKE(turned, hone__bytes(mr * j->k, sizeof(uint16_t)));
    TAKE(sums, hone__bytes(mr * nr, sizeof(float)));
    TAKE(rounded, hone__bytes(mr * nr, sizeof(uint16_t)));
#undef TAKE
    return used;
}

/* ---- weights */

/* Asks for what comes after a row's weights of some channels: those of the row's next channels, or, where
 * rows lie side by side, of all rows and one channel. */
static inline void ask_ahead(const hone__half_conv *c, const uint16_t *from, int64_t first,
                             int64_t some, int64_t r, int64_t rows)
{
    const bool by_rows = c->w_in == c->taps;
    const uint16_t *at = by_rows ? from + r * c->w_out + (first + some) * c->w_in
                                 : from + (first + some + r) * c->w_in;
    const int64_t n = (by_rows ? some : rows) * c->taps;
    for (int64_t i = 0; i < n; i += some)
        __builtin_prefetch(at + i);
}

/* to[r * k + ..] = a row's weights as k counts them: lines of them at a time, since rows and taps may
 * be pages apart, there and here. */
static void turn_weights(const job *j, int64_t rows, const uint16_t *from, uint16_t *to)
{
    enum { LINE = 64 / sizeof *to };
    const hone__half_conv *c = j->conv;
    const int64_t channels = c->windows->channels, w_in = c->w_in;
    const int64_t by_channel = j->tiles ? 1 : c->taps, by_tap = j->tiles ? channels : 1;
    for (int64_t first = 0; first < channels; first += LINE) {
        const int64_t n = hone__min(LINE, channels - first);
        for (int64_t r = 0; r < rows; r++) {
            ask_ahead(c, from, first, LINE, r, rows);
            for (int64_t t = 0; t < c->taps; t++) {
                const uint16_t *x = from + r * c->w_out + first * w_in + c->which[t];
                uint16_t *at = to + r * j->k + first * by_channel + t * by_tap;
                for (int64_t i = 0; i < n; i++)
                    at[i * by_channel] = x[i * w_in];
            }
        }
    }
}

static void pack_weights(const job *j, int64_t panel, uint16_t *turned)
{
    const hone__half_conv *c = j->conv;
    const int mr = j->kernel->shape.mr;
    const int64_t first = panel * mr, rows = hone__min(mr, c->outputs - first);
    uint32_t *const to = (uint32_t *)(void *)(j->a + (size_t)panel * j->a_bytes);
    const uint16_t *from = c->weight + first * c->w_out;
    int64_t row_step = c->w_out;
    bool as_it_lies = c->w_in == c->taps && (!j->tiles || c->taps == 1);
    for (int64_t t = 0; t < c->taps; t++)
        as_it_lies = as_it_lies && c->which[t] == t;
    if (!as_it_lies) {
        turn_weights(j, rows, from, turned);
        from = turned;
        row_step = j->k;
    }
    j->kernel->pack(j->k, mr, (int)rows, to, from, row_step, 1, HONE__BF16_PAD_A);
    if (j->tiles && j->kernel->regroup)
        j->kernel->regroup(j->k, mr, to, HONE__BF16_PAD_A);
}

/* ---- windows */

static void cut_runs(const job *j, int64_t first, int64_t n, columns *to)
{
    const hone__half_conv *c = j->conv;
    *to = (columns){ .first = first, .n = n, .together = c->to_column == 1, .alike = true };
    for (int64_t done = 0; done < n; done += to->runs[to->n_runs++].n) {
        const int64_t sample = (first + done) / j->places, place = (first + done) % j->places;
        const int64_t y = place / j->columns, x = place % j->columns;
        run *const r = &to->runs[to->n_runs];
        *r = (run){ .from = sample * c->windows->sample + y * c->row_step + x,
                    .to = sample * c->to_sample + y * c->to_row + x * c->to_column,
                    .n = hone__min(n - done, j->columns - x) };
        to->together = to->together && r->to == to->runs[0].to + done;
        to->alike = to->alike && r->n == to->runs[0].n;
    }
}

/* Of `some` k from k on: rows of WIDEST elements. */
static inline void gather(const job *j, const columns *of, int64_t len, int64_t k, int64_t some,
                          uint16_t *to)
{
    const hone__half_conv *c = j->conv;
    const int64_t channel = c->windows->channel, channels = c->windows->channels;
    int64_t i = j->tiles ? k % channels : k / c->taps, t = j->tiles ? k / channels : k % c->taps;
    const int64_t ahead = (j->tiles ? AHEAD : AHEAD / c->taps + 1) * channel;
    for (int64_t n_k = 0; n_k < some; n_k++, to += WIDEST) {
        const uint16_t *from = (const uint16_t *)c->windows->image + i * channel + c->at[t];
        uint16_t *at = to;
        for (int r = 0; r < of->n_runs; r++) {
            const int64_t n = len ? len : of->runs[r].n;
            __builtin_prefetch(from + of->runs[r].from + ahead);
            hone__copy_run(at, from + of->runs[r].from, n);
            at += n;
        }
        if (j->tiles && ++i == channels) {
            i = 0;
            t++;
        } else if (!j->tiles && ++t == c->taps) {
            t = 0;
            i++;
        }
    }
}

/* Pairs of channels as they lie: a tap's rows of the panel after those of another. */
static void lay_pairs(const job *j, const columns *of, uint32_t *to)
{
    const hone__half_conv *c = j->conv;
    const int64_t pairs = c->windows->channels / 2, nr = j->kernel->shape.nr;
    const size_t bytes = hone__bf16_panel_bytes(j->kernel, true, (int)nr, j->k);
    const int64_t rows = (int64_t)(bytes / sizeof *to) / nr;
    for (int64_t t = 0; t < c->taps; t++, to += pairs * nr)
        j->kernel->lay((const uint32_t *)c->windows->image + c->at[t], c->windows->channel, pairs,
                       of->n_runs, of->runs, to);
    memset(to, 0, (size_t)((rows - c->taps * pairs) * nr) * sizeof *to);
}

static void pack_windows(const job *j, const columns *of, uint16_t *some_k, char *panel)
{
    const hone__half_conv *c = j->conv;
    const int nr = j->kernel->shape.nr;
    uint32_t *const all = (uint32_t *)(void *)panel;
    const bool direct = c->taps == 1 && of->n_runs == 1;
    if (c->windows->pairs) {
        lay_pairs(j, of, all);
        return;
    }
    if (direct)
        j->kernel->pack(j->k, nr, (int)of->n, all,
                        (const uint16_t *)c->windows->image + c->at[0] + of->runs[0].from, 1,
                        c->windows->channel, HONE__BF16_PAD_B);
    for (int64_t k = 0; !direct && k < j->k; k += SOME) {
        const int64_t some = hone__min(SOME, j->k - k), len = of->alike ? of->runs[0].n : 0;
        if (len == 32)
            gather(j, of, 32, k, some, some_k);
        else if (len == 16)
            gather(j, of, 16, k, some, some_k);
        else if (len == 8)
            gather(j, of, 8, k, some, some_k);
        else if (len == 4)
            gather(j, of, 4, k, some, some_k);
        else
            gather(j, of, 0, k, some, some_k);
        uint32_t *const to =
            (uint32_t *)(void *)(panel + hone__bf16_panel_bytes(j->kernel, j->tiles, nr, k));
        j->kernel->pack(some, nr, (int)of->n, to, some_k, 1, WIDEST, HONE__BF16_PAD_B);
    }
    if (j->tiles && j->kernel->regroup)
        j->kernel->regroup(j->k, nr, all, HONE__BF16_PAD_B);
}

/* ---- the product */

/* Results of some outputs from `output` on, `step` elements a row. */
static void scatter(const job *j, const columns *of, int64_t output, int rows, const char *from,
                    int64_t step)
{
    const hone__half_conv *c = j->conv;
    const int64_t size = c->narrow ? sizeof(uint16_t) : sizeof(float);
    for (int i = 0; i < rows; i++, from += step * size) {
        const char *at = from;
        for (int r = 0; r < of->n_runs; r++) {
            const run *u = &of->runs[r];
            char *to = (char *)c->to + ((output + i) * c->to_output + u->to) * size;
            if (c->to_column == 1)
                memcpy(to, at, (size_t)(u->n * size));
            for (int64_t x = 0; c->to_column != 1 && x < u->n; x++) {
                if (c->narrow)
                    ((uint16_t *)(void *)to)[x * c->to_column] =
                        ((const uint16_t *)(const void *)at)[x];
                else
                    ((float *)(void *)to)[x * c->to_column] = ((const float *)(const void *)at)[x];
            }
            at += u->n * size;
        }
    }
}

static void multiply(const job *j, const room *r, int64_t panel, const columns *of, const char *b)
{
    const hone__half_conv *c = j->conv;
    const int mr = j->kernel->shape.mr, nr = j->kernel->shape.nr;
    const int64_t output = panel * mr;
    const int rows = (int)hone__min(mr, c->outputs - output);
    const hone__gemm_tile t = { .k = j->k,
                                .a = j->a + (size_t)panel * j->a_bytes,
                                .a_rs = 1,
                                .a_cs = mr,
                                .b = b,
                                .b_rs = nr,
                                .c = r->sums,
                                .c_rs = nr,
                                .mr = rows,
                                .nr = (int)of->n };
    const bool rounds =
        c->narrow && !c->bias && j->tiles == j->kernel->tiled && j->kernel->tile_narrow;
    if (rounds && of->together) {
        j->kernel->tile_narrow(&t, (uint16_t *)c->to + output * c->to_output + of->runs[0].to,
                               c->to_output);
        return;
    }
    if (rounds) {
        j->kernel->tile_narrow(&t, r->rounded, nr);
        scatter(j, of, output, rows, (const char *)r->rounded, nr);
        return;
    }
    if (j->tiles)
        j->kernel->tiles(&t);
    else
        j->kernel->tile(&t);
    if (c->bias)
        j->kernel->follow(rows, of->n, r->sums, nr, c->bias + output, 1, 0, false);
    if (c->narrow && of->together) {
        j->kernel->narrow(rows, of->n, (uint16_t *)c->to + output * c->to_output + of->runs[0].to,
                          c->to_output, r->sums, nr);
        return;
    }
    if (c->narrow)
        j->kernel->narrow(rows, of->n, r->rounded, nr, r->sums, nr);
    scatter(j, of, output, rows, c->narrow ? (const char *)r->rounded : (const char *)r->sums, nr);
}

static int64_t cut(int64_t total, int64_t parts, int64_t i)
{
    return i * (total / parts) + hone__min(i, total % parts);
}

static void run_block(const job *j, const room *r, int64_t block)
{
    const int nr = j->kernel->shape.nr;
    const int64_t begin = cut(j->b_panels, j->blocks, block);
    const int64_t n = cut(j->b_panels, j->blocks, block + 1) - begin;
    for (int64_t p = 0; p < n; p++) {
        const int64_t first = (begin + p) * nr;
        cut_runs(j, first, hone__min(nr, j->all - first), &r->of[p]);
        pack_windows(j, &r->of[p], r->some, r->b + (size_t)p * j->b_bytes);
    }
    for (int64_t i = 0; i < j->a_panels; i++)
        for (int64_t p = 0; p < n; p++)
            multiply(j, r, i, &r->of[p], r->b + (size_t)p * j->b_bytes);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    lay_out(j, j->rooms + (size_t)thread * j->room_bytes, &r);
    for (int64_t i = cut(j->a_panels, n_threads, thread);
         i < cut(j->a_panels, n_threads, thread + 1); i++)
        pack_weights(j, i, r.turned);
    if (n_threads > 1)
        hone__team_barrier();
    if (j->kernel->begin)
        j->kernel->begin();
    for (int64_t b = cut(j->blocks, n_threads, thread); b < cut(j->blocks, n_threads, thread + 1);
         b++)
        run_block(j, &r, b);
    if (j->kernel->end)
        j->kernel->end();
}

bool hone__half_conv_wants_pairs(int64_t channels, int64_t taps)
{
    const bool tiles = hone__bf16_tiles_now();
    return tiles && hone__bf16_in(tiles)->lay && channels % 2 == 0 && taps > 1;
}

bool hone__half_conv_run(const hone__half_conv *c)
{
    job j = { .conv = c,
              .tiles = hone__bf16_tiles_now(),
              .k = c->windows->channels * c->taps,
              .places = c->rows * c->columns,
              .all = c->windows->n * c->rows * c->columns };
    j.kernel = hone__bf16_in(j.tiles);
    const bool side_by_side = c->row_step == c->columns && c->to_row == c->columns * c->to_column;
    j.columns = side_by_side ? j.places : c->columns;
    const hone__gemm_kernel *shape = &j.kernel->shape;
    HONE_ASSERT(shape->nr <= WIDEST);
    j.a_panels = (c->outputs + shape->mr - 1) / shape->mr;
    j.b_panels = (j.all + shape->nr - 1) / shape->nr;
    j.a_bytes = hone__bf16_panel_bytes(j.kernel, j.tiles, shape->mr, j.k);
    j.b_bytes = hone__bf16_panel_bytes(j.kernel, j.tiles, shape->nr, j.k);
    const double flops = 2.0 * (double)j.all * (double)c->outputs * (double)j.k;
    const int threads = hone__team_for(flops / shape->flops_per_ns, j.b_panels);
    const bool large = j.kernel->tiled && hone__bytes(j.a_panels, j.a_bytes) > LARGE_WEIGHTS;
    const int64_t fit = (large ? LARGE_BLOCK_BYTES : BLOCK_BYTES) / (int64_t)j.b_bytes;
    const int64_t few = j.b_panels / (threads > 1 ? BLOCKS * threads : 1);
    const int64_t most = hone__min(hone__min(fit, few), BLOCK_PANELS);
    j.block_panels = most < 1 ? 1 : most;
    j.blocks = (j.b_panels + j.block_panels - 1) / j.block_panels;
    room none;
    j.room_bytes = lay_out(&j, NULL, &none);
    const size_t weights = (hone__bytes(j.a_panels, j.a_bytes) + 127) / 64 * 64;
    const size_t bytes = weights + hone__bytes(threads, j.room_bytes);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.a = all;
    j.rooms = all + weights;
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

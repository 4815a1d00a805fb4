/* direct.c: see direct.h. A block is a band of output rows of a sample, or a few small samples. Its
 * pixels are copied into rows with columns of +0 beside them; then each panel of outputs passes
 * over the block, row by row, tap by tap: a row of the product is a position, and what it multiplies
 * for a tap lies in one piece. */
#include "loops/direct.h"

#include "gemm/blocks.h"
#include "loops/image_parts.h"

enum { LEAST_CHANNELS = 16, POSITIONS = 256, NARROW = 6, PAGE = 4096 };

bool hone__direct_suits(int64_t channels, int64_t outputs, int64_t taps)
{
    return channels >= LEAST_CHANNELS && outputs >= LEAST_CHANNELS && taps <= HONE__DIRECT_TAPS;
}

typedef struct {
    const hone__direct *d;
    const hone__gemm_kernel *kernel;
    hone__gemm_epilogue finish;
    int64_t k, out; /* channels; outputs with padding */
    hone__frame frame;
    bool joined;                                          /* the taps of a row lie in one piece */
    int64_t widest;                                       /* of a panel */
    int64_t samples, bands, band_rows, blocks, most_rows; /* most_rows: of pixels, a sample */
    float *weights, *bias;
    char *rooms;
    size_t room_bytes;
    bool out_in_place, far; /* far: weights are more than L2 holds beside the rest */
} job;

/* A thread's memory: pixels as they are gathered, in their rows, and outputs. */
typedef struct {
    float *compact, *x, *y;
} room;

static size_t lay_out(const job *j, char *at, room *r)
{
    const hone__image *in = &j->d->in, *out = &j->d->out;
    const int64_t rows_out = j->samples > 1 ? j->samples * out->height : j->band_rows;
    const size_t sizes[] = {
        hone__floats(j->most_rows * in->width * hone__padded(j->k)),
        hone__floats(j->samples * j->most_rows * j->frame.columns * j->frame.pitch),
        j->out_in_place ? 0 : hone__floats(rows_out * out->width * j->out),
    };
    float **const to[] = { &r->compact, &r->x, &r->y };
    size_t used = 0;
    for (int i = 0; i < 3; i++) {
        *to[i] = (float *)(void *)(at + (at ? used : 0));
        used += sizes[i];
    }
    return used;
}

/* ---- weights: [panels][taps][channels][width of the panel] */

static int64_t panels(const job *j)
{
    return ceil_div(j->out, j->widest);
}

static int64_t panel(const job *j, int64_t i)
{
    return hone__cut(j->out / j->kernel->vl, panels(j), i) * j->kernel->vl;
}

/* to[c * width + o] = from[o * w_out + c * w_in] of one tap, n channels; one of the strides is 1. */
static void turn_tap(const job *j, int64_t n, int64_t valid, float *to, int64_t width,
                     const float *from)
{
    const hone__direct *d = j->d;
    if (d->w_out != 1) {
        j->kernel->transpose(n, valid, to, width, from, d->w_out);
        return;
    }
    for (int64_t c = 0; c < n; c++)
        memcpy(to + c * width, from + c * d->w_in, (size_t)valid * sizeof *to);
}

/* Channels [begin, end) of all panels. */
static void turn_weights(const job *j, int thread, int n_threads)
{
    const hone__direct *d = j->d;
    const int64_t taps = d->y.taps * d->x.taps;
    const int64_t begin = hone__cut(j->k, n_threads, thread),
                  end = hone__cut(j->k, n_threads, thread + 1);
    for (int64_t p = 0; p < panels(j); p++) {
        const int64_t at = panel(j, p), width = panel(j, p + 1) - at;
        const int64_t valid = hone__most(0, min64(width, d->out.channels - at));
        const float *const from = d->weight + at * d->w_out;
        float *const to = j->weights + at * taps * j->k;
        if (taps == 1)
            turn_tap(j, end - begin, valid, to + begin * width, width, from + begin * d->w_in);
        for (int64_t c = begin; c < end; c++) {
            float *const row = to + c * width;
            if (taps > 1)
                j->kernel->transpose(taps, valid, row, j->k * width, from + c * d->w_in, d->w_out);
            for (int64_t t = 0; valid < width && t < taps; t++)
                memset(row + t * j->k * width + valid, 0, (size_t)(width - valid) * sizeof *row);
        }
    }
}

/* ---- a block */

/* A tap, or taps that lie in one piece. */
typedef struct {
    const float *a, *b;
    int64_t k;
} tap;

/* Those of the outputs o, o + div, .. of a row; a: of the first output. */
static int taps_of(const job *j, const float *pixels, int64_t first_row, int64_t row, int64_t o,
                   const float *weights, int64_t width, tap *to)
{
    const hone__direct *d = j->d;
    int n = 0;
    for (int64_t ky = 0, y; ky < d->y.taps; ky++) {
        if (!hone__place_of(&d->y, row, ky, &y) || y < 0 || y >= d->in.height)
            continue;
        const float *const line = pixels + (y - first_row) * j->frame.columns * j->frame.pitch;
        for (int64_t kx = 0, x; kx < (j->joined ? 1 : d->x.taps); kx++)
            if (hone__place_of(&d->x, o, kx, &x))
                to[n++] = (tap){ line + (x + j->frame.left) * j->frame.pitch,
                                 weights + (ky * d->x.taps + kx) * j->k * width,
                                 j->joined ? d->x.taps * j->k : j->k };
    }
    return n;
}

/* Outputs that see nothing. */
static void clear_columns(int64_t n, int64_t width, float *c, int64_t c_rs, const float *bias)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++)
            c[i * c_rs + o] = bias ? bias[o] : 0;
}

/* n outputs of a panel, a_rs and c_rs elements apart, tap by tap; the sums wait in c. */
static void run_outputs(const job *j, hone__gemm_tile t, const tap *taps, int n_taps, int64_t n,
                        float *c, hone__ahead *ahead)
{
    const int64_t vectors = hone__gemm_vectors(j->kernel, t.nr);
    const int64_t parts = ceil_div(n, hone__gemm_tile_rows(j->kernel, t.nr, taps->k, t.a_cs));
    int64_t at = 0;
    for (int64_t i = 0; i < parts; i++) {
        const int64_t end = hone__cut(n, parts, i + 1);
        t.mr = (int)(end - at);
        t.c = c + at * t.c_rs;
        for (int k = 0; k < n_taps; k++) {
            t.k = taps[k].k;
            t.a = taps[k].a + at * t.a_rs;
            t.b = taps[k].b;
            t.resume = k > 0;
            t.errand = hone__next_errand(ahead, vectors, t.k);
            t.finish = k + 1 == n_taps && j->bias ? &j->finish : NULL;
            j->kernel->tile(&t);
        }
        at = end;
    }
}

/* A row of outputs of one panel; c: of the row's first. */
static void run_row(const job *j, const float *pixels, int64_t first_row, int64_t row, int64_t p,
                    float *c, int64_t step, hone__ahead *ahead)
{
    const hone__direct *d = j->d;
    const int64_t at = panel(j, p), width = panel(j, p + 1) - at;
    const float *const weights = j->weights + at * d->y.taps * d->x.taps * j->k;
    tap taps[HONE__DIRECT_TAPS];
    for (int64_t o = 0; o < d->x.div && o < d->out.width; o++) {
        const int64_t n = ceil_div(d->out.width - o, d->x.div);
        const int n_taps = taps_of(j, pixels, first_row, row, o, weights, width, taps);
        float *const first = c + o * step + at;
        const hone__gemm_tile t = { .a_rs = d->x.mul * j->frame.pitch,
                                    .a_cs = 1,
                                    .b_rs = width,
                                    .c = first,
                                    .c_rs = d->x.div * step,
                                    .nr = (int)width,
                                    .bias = j->bias ? j->bias + at : NULL };
        if (n_taps == 0)
            clear_columns(n, width, first, t.c_rs, t.bias);
        else
            run_outputs(j, t, taps, n_taps, n, first, ahead);
    }
}

/* Samples [first, end), rows of outputs [begin_row, end_row), which see [seen, seen_end). */
typedef struct {
    int64_t first, end, begin_row, end_row, seen, seen_end;
} block;

static block block_at(const job *j, int64_t i)
{
    const int64_t band = i % j->bands, first = i / j->bands * j->samples, height = j->d->out.height;
    block b = { .first = first,
                .end = min64(first + j->samples, j->d->n),
                .begin_row = hone__cut(height, j->bands, band),
                .end_row = hone__cut(height, j->bands, band + 1) };
    hone__rows_seen(&j->d->y, j->d->in.height, b.begin_row, b.end_row, &b.seen, &b.seen_end);
    return b;
}

static hone__ahead weights_ahead(const job *j, int64_t p)
{
    const int64_t at = panel(j, p), taps = j->d->y.taps * j->d->x.taps;
    return hone__ahead_of_floats(j->weights + at * taps * j->k,
                                 (panel(j, p + 1) - at) * taps * j->k);
}

/* next: what the same thread does then, or NULL. */
static void run_block(const job *j, const room *r, const block *b, const block *next)
{
    const hone__image *out = &j->d->out, *in = &j->d->in;
    const int64_t first = b->first, end = b->end, begin_row = b->begin_row, end_row = b->end_row;
    const int64_t rows = end_row - begin_row, seen = b->seen, seen_end = b->seen_end;
    hone__ahead ahead[HONE__AHEADS] = { { 0 },
                                        hone__ahead_of(out, first, end, begin_row, end_row),
                                        next ? hone__ahead_of(in, next->first, next->end,
                                                              next->seen, next->seen_end)
                                             : (hone__ahead){ 0 } };
    const int64_t sample_pixels = j->most_rows * j->frame.columns * j->frame.pitch;
    for (int64_t s = first; s < end; s++)
        hone__frame_pixels(in, s, seen, seen_end, &j->frame, r->compact,
                           r->x + (s - first) * sample_pixels);
    const int64_t step = j->out_in_place ? out->x : j->out;
    const int64_t row_step = j->out_in_place ? out->y : out->width * j->out;
    for (int64_t p = 0; p < panels(j); p++) {
        if (j->far)
            ahead[0] = weights_ahead(j, p + 1 < panels(j) ? p + 1 : 0);
        for (int64_t s = first; s < end; s++) {
            float *c = j->out_in_place ? out->p + s * out->sample + begin_row * out->y
                                       : r->y + (s - first) * rows * row_step;
            for (int64_t row = begin_row; row < end_row; row++, c += row_step)
                run_row(j, r->x + (s - first) * sample_pixels, seen, row, p, c, step, ahead);
        }
    }
    for (int64_t s = first; !j->out_in_place && s < end; s++)
        hone__scatter_pixels(out, s, begin_row, end_row, r->y + (s - first) * rows * row_step);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    turn_weights(j, thread, n_threads);
    hone__meet(n_threads);
    room r;
    lay_out(j, j->rooms + j->room_bytes * (size_t)thread, &r);
    if (hone__padded(j->k) != j->k) /* channels of none: never multiplied, but copied */
        memset(r.compact, 0, hone__floats(j->most_rows * j->d->in.width * hone__padded(j->k)));
    const int64_t end = hone__cut(j->blocks, n_threads, thread + 1);
    for (int64_t i = hone__cut(j->blocks, n_threads, thread); i < end; i++) {
        const block b = block_at(j, i), next = block_at(j, i + 1);
        run_block(j, &r, &b, i + 1 < end ? &next : NULL);
    }
}

/* ---- all of it */

static void choose_blocks(job *j, int threads)
{
    const hone__image *out = &j->d->out;
    const int64_t a_sample = out->height * out->width, n = j->d->n;
    if (2 * a_sample <= POSITIONS) {
        const int64_t blocks = hone__up(ceil_div(n * a_sample, POSITIONS), threads);
        j->samples = ceil_div(n, min64(blocks, n));
        j->bands = 1;
    } else {
        j->samples = 1;
        j->bands = min64(out->height, ceil_div(a_sample, POSITIONS));
    }
    j->band_rows = ceil_div(out->height, j->bands);
    j->blocks = ceil_div(n, j->samples) * j->bands;
    for (int64_t b = 0, begin, end; b < j->bands; b++) {
        hone__rows_seen(&j->d->y, j->d->in.height, hone__cut(out->height, j->bands, b),
                        hone__cut(out->height, j->bands, b + 1), &begin, &end);
        j->most_rows = hone__most(j->most_rows, end - begin);
    }
}

static void choose_layout(job *j)
{
    const hone__direct *d = j->d;
    const int64_t pixel = hone__padded(j->k);
    const bool pages = d->x.mul * pixel * (int64_t)sizeof(float) % PAGE == 0;
    j->frame.pitch = pixel + (pages ? 16 : 0);
    j->joined = j->frame.pitch == j->k && d->x.div == 1 && d->x.step == 1;
    const int64_t positions = ceil_div(d->out.width, d->x.div);
    j->widest = positions <= NARROW ? j->kernel->wide : j->kernel->nr;
    hone__choose_columns(&d->x, d->in.width, d->out.width, &j->frame);
}

bool hone__direct_run(const hone__direct *d)
{
    job j = { .d = d,
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .finish = { .alpha = 1, .bias_cs = 1 },
              .k = d->in.channels,
              .out = hone__padded(d->out.channels),
              .out_in_place = hone__pixels_in_place(&d->out) };
    const int64_t taps = d->y.taps * d->x.taps;
    const double flops = 2.0 * (double)(d->n * d->out.height * d->out.width) *
                         (double)(taps * j.k * j.out) / (double)(d->y.div * d->x.div);
    const int threads = hone__team_for(flops / j.kernel->flops_per_ns, d->n * d->out.height);
    choose_layout(&j);
    choose_blocks(&j, threads);
    room unused;
    j.room_bytes = lay_out(&j, NULL, &unused);
    const size_t weight_bytes = hone__floats(taps * j.k * j.out);
    j.far = !hone__gemm_fits_l2(2 * (int64_t)weight_bytes);
    const size_t bias_bytes = d->bias ? hone__floats(j.out) : 0;
    const size_t bytes = weight_bytes + bias_bytes + hone__bytes(threads, j.room_bytes);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.weights = (float *)(void *)all;
    j.bias = d->bias ? (float *)(void *)(all + weight_bytes) : NULL;
    j.rooms = all + weight_bytes + bias_bytes;
    if (j.bias)
        hone__gather_bias(j.bias, hone__padded(d->out.channels), d->bias, d->out.channels,
                          d->bias_step);
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

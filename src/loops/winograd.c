/* winograd.c: see winograd.h. */
#include "gemm/blocks.h"
#include "loops/image_parts.h"

enum { LEAST_CHANNELS = 16, WEIGHTS = 8 };

/* Tiles of a block; more where weights come from far for each. */
enum { TILES = 96, MANY_TILES = 192, NEAR_BYTES = 6 << 20, CACHED_BYTES = 8 << 20 };
enum { WIDE_TILES = 24, MANY_WIDE_TILES = 64 }; /* of 4 x 4 outputs */

bool hone__winograd_suits(int64_t channels, int64_t outputs, int64_t out_height, int64_t out_width)
{
    const int64_t tiles = ((out_height + 1) / 2) * ((out_width + 1) / 2);
    return channels >= LEAST_CHANNELS && outputs >= LEAST_CHANNELS &&
           3 * 16 * tiles <= 2 * 9 * out_height * out_width;
}

/* Products of tiles of so many outputs along an axis. */
static int64_t products(int64_t outputs, int64_t height, int64_t width)
{
    return (outputs + 2) * (outputs + 2) * ceil_div(height, outputs) * ceil_div(width, outputs);
}

bool hone__winograd_suits_wide(int64_t out_height, int64_t out_width)
{
    return 10 * products(4, out_height, out_width) <= 9 * products(2, out_height, out_width);
}

/* Steps that add a weight's points of a sample count as products. */
bool hone__winograd_gradient_suits_wide(int64_t out_height, int64_t out_width)
{
    enum { STEPS = 60, WIDE_STEPS = 250 };
    return 10 * (products(4, out_height, out_width) + WIDE_STEPS) <=
           9 * (products(2, out_height, out_width) + STEPS);
}

/* ---- the convolution */

enum { PIECE = 64, PART = 64 }; /* outputs and channels of a few at a time */

typedef struct {
    const hone__winograd *w;
    const hone__winograd_form *form;
    const hone__gemm_kernel *kernel;
    int64_t side, points;              /* outputs of a tile along an axis; products */
    int64_t k, in, out;                /* channels, and with padding, of both sides */
    int64_t tiles_y, tiles_x;          /* of a sample */
    int64_t samples, bands, band_rows; /* a block: samples, or rows of tiles of one */
    int64_t blocks, most_tiles;
    int64_t piece, part; /* outputs and channels whose weights are transformed at a time: all, or */
    bool few;            /* a few, by each thread, for tiles of all samples */
    bool far;            /* weights are more than L2 holds beside the rest */
    float *weights, *bias;
    int64_t weight_point, in_point, out_point;
    float *all_points, *all_sums; /* few: of all tiles */
    char *rooms;
    size_t room_bytes;
    bool in_place, out_in_place;
} job;

/* A thread's memory. */
typedef struct {
    float *zeros, *x, *points, *sums, *y, *weights, *turned;
} room;

static int64_t rows_in(const job *j)
{
    return min64(j->side * j->band_rows + 2, j->w->in.height);
}

/* Where they lie, from NULL: how many bytes. */
static size_t lay_out(const job *j, char *at, room *r)
{
    const size_t sizes[] = {
        hone__floats(j->in),
        j->in_place ? 0 : hone__floats(rows_in(j) * j->w->in.width * j->in),
        j->few ? 0 : hone__floats(j->points * j->in_point),
        j->few ? 0 : hone__floats(j->points * j->out_point),
        j->out_in_place ? 0 : hone__floats(j->side * j->band_rows * j->w->out.width * j->out),
        j->few ? hone__floats(j->points * j->weight_point) : 0,
        j->few ? hone__floats(9 * WEIGHTS * j->piece) : 0,
    };
    float **const to[] = { &r->zeros, &r->x, &r->points, &r->sums, &r->y, &r->weights, &r->turned };
    size_t used = 0;
    for (int i = 0; i < 7; i++) {
        *to[i] = (float *)(void *)(at + (at ? used : 0));
        used += sizes[i];
    }
    return used;
}

static int64_t weight_bytes(const job *j)
{
    return j->points * j->k * j->out * (int64_t)sizeof(float);
}

/* Blocks of about so many tiles, as many as a multiple of the threads. */
static void choose_blocks(job *j, int threads)
{
    const int64_t a_sample = j->tiles_y * j->tiles_x, n = j->w->n;
    const bool far = weight_bytes(j) > NEAR_BYTES;
    const int64_t wide = far ? MANY_WIDE_TILES : WIDE_TILES, plain = far ? MANY_TILES : TILES;
    const int64_t tiles = j->side == 4 ? wide : plain;
    if (2 * a_sample <= tiles) {
        const int64_t blocks = hone__up(ceil_div(n * a_sample, tiles), threads);
        j->samples = ceil_div(n, min64(blocks, n));
        j->bands = 1;
    } else {
        j->samples = 1;
        j->bands = min64(j->tiles_y, ceil_div(a_sample, tiles));
    }
    j->band_rows = ceil_div(j->tiles_y, j->bands);
    j->blocks = ceil_div(n, j->samples) * j->bands;
    j->most_tiles = j->samples * j->band_rows * j->tiles_x;
}

/* Weights that are transformed at a time: for outputs from `first` on, of `many` channels from `channel` on. */
typedef struct {
    int64_t first, channel, many;
} some;

/* Of channels [begin, end) of those, at most WEIGHTS; turned: room for as many. */
static void transform_weights(const job *j, const some *of, float *turned, int64_t begin,
                              int64_t end, float *to)
{
    const hone__winograd *w = j->w;
    const int64_t many = end - begin, outputs = min64(j->piece, w->out.channels - of->first);
    const int64_t size = w->weight_half ? sizeof(uint16_t) : sizeof(float);
    const char *from =
        (const char *)w->weight + ((of->channel + begin) * w->w_in + of->first * w->w_out) * size;
    if (w->w_in == 9)
        hone__turn_lines(9 * many, outputs, turned, j->piece, from, w->w_out, w->weight_half);
    for (int64_t i = 0; w->w_in != 9 && i < many; i++)
        hone__turn_lines(9, outputs, turned + 9 * i * j->piece, j->piece, from + i * w->w_in * size,
                         9, w->weight_half);
    const float *const taps = turned + (w->turned ? 8 * j->piece : 0);
    for (int64_t p = 0; p < hone__panels(j->kernel, j->piece); p++) {
        const int64_t at = hone__panel(j->kernel, j->piece, p);
        const int64_t width = hone__panel(j->kernel, j->piece, p + 1) - at;
        for (int64_t o = at; o < at + width; o += j->kernel->vl)
            j->form->weights(many, taps + o, w->turned ? -j->piece : j->piece, 9 * j->piece,
                             to + at * of->many + begin * width + o - at, j->weight_point, width,
                             !j->few && weight_bytes(j) > CACHED_BYTES);
    }
}

/* The thread's share. */
static void transform_some(const job *j, const some *of, float *turned, float *to, int thread,
                           int n_threads)
{
    const int64_t groups = ceil_div(of->many, WEIGHTS),
                  end = hone__cut(groups, n_threads, thread + 1);
    memset(turned, 0,
           hone__floats(9 * WEIGHTS * j->piece)); /* columns that there are no outputs for */
    for (int64_t i = hone__cut(groups, n_threads, thread); i < end; i++)
        transform_weights(j, of, turned, i * WEIGHTS, min64((i + 1) * WEIGHTS, of->many), to);
}

static void transform_in(const job *j, const room *r, int64_t sample, int64_t first_row,
                         int64_t end_row, int64_t tile)
{
    const hone__image *m = &j->w->in;
    const int64_t y = j->side * first_row - j->w->before_y;
    const int64_t begin = y < 0 ? 0 : min64(y, m->height);
    const int64_t end = min64(j->side * end_row + 2 - j->w->before_y, m->height);
    hone__rows_of rows = { m->p + sample * m->sample, r->zeros, 0, m->height, m->y, m->x };
    if (!j->in_place) {
        if (begin < end)
            hone__gather_pixels(m, sample, begin, end, r->x);
        rows = (hone__rows_of){ r->x, r->zeros, begin, m->height, m->width * j->in, j->in };
    }
    for (int64_t row = first_row; row < end_row; row++, tile += j->tiles_x) {
        hone__winograd_in t = { .channels = j->in,
                                .tiles = j->tiles_x,
                                .x = -j->w->before_x,
                                .width = m->width,
                                .points = r->points + tile * j->in,
                                .point = j->in_point,
                                .tile = j->in };
        for (int64_t i = 0; i < j->side + 2; i++)
            t.rows[i] = hone__row_at(&rows, j->side * row + i - j->w->before_y);
        j->form->in(&t);
    }
}

/* By these weights; sums go on from the channels before. */
static void multiply(const job *j, const some *of, const room *r, int64_t tiles,
                     const float *weights, hone__ahead *ahead)
{
    const int64_t panels = hone__panels(j->kernel, j->piece);
    for (int64_t p = 0; p < j->points; p++)
        for (int64_t i = 0; i < panels; i++) {
            const int64_t at = hone__panel(j->kernel, j->piece, i);
            const int64_t width = hone__panel(j->kernel, j->piece, i + 1) - at;
            if (ahead && j->far) { /* the panel after this one */
                const bool last = i + 1 == panels;
                const float *const next =
                    weights + (last ? (p + 1) * j->weight_point
                                    : p * j->weight_point + (at + width) * of->many);
                ahead[0] =
                    hone__ahead_of_floats(next, last && p + 1 == j->points ? 0 : width * of->many);
            }
            hone__gemm_tile t = { .k = of->many,
                                  .a_rs = j->in,
                                  .a_cs = 1,
                                  .b = weights + p * j->weight_point + at * of->many,
                                  .b_rs = width,
                                  .c_rs = j->out,
                                  .nr = (int)width,
                                  .resume = of->channel > 0 };
            hone__product_panel(j->kernel, tiles, &t, r->points + p * j->in_point + of->channel,
                                r->sums + p * j->out_point + of->first + at, ahead);
        }
}

static void transform_out(const job *j, const room *r, int64_t sample, int64_t first_row,
                          int64_t end_row, int64_t tile)
{
    const hone__image *m = &j->w->out;
    float *base = r->y;
    int64_t row_step = m->width * j->out, step = j->out;
    if (j->out_in_place) {
        base = m->p + sample * m->sample + j->side * first_row * m->y;
        row_step = m->y;
        step = m->x;
    }
    for (int64_t row = first_row; row < end_row; row++, tile += j->tiles_x) {
        hone__winograd_out t = { .channels = j->out,
                                 .tiles = j->tiles_x,
                                 .width = m->width,
                                 .points = r->sums + tile * j->out,
                                 .point = j->out_point,
                                 .tile = j->out,
                                 .step = step,
                                 .bias = j->bias };
        for (int64_t i = 0; i < j->side && j->side * row + i < m->height; i++)
            t.row[i] = base + (j->side * (row - first_row) + i) * row_step;
        j->form->out(&t);
    }
    if (!j->out_in_place)
        hone__scatter_pixels(m, sample, j->side * first_row, min64(j->side * end_row, m->height),
                             r->y);
}

/* Samples [first, end), rows of tiles [begin_row, end_row). */
typedef struct {
    int64_t first, end, begin_row, end_row;
} block;

static block block_at(const job *j, int64_t i)
{
    const int64_t band = i % j->bands, first = i / j->bands * j->samples;
    return (block){ first, min64(first + j->samples, j->w->n),
                    hone__cut(j->tiles_y, j->bands, band),
                    hone__cut(j->tiles_y, j->bands, band + 1) };
}

/* Rows of the image that it reads. */
static hone__ahead ahead_of_in(const job *j, const block *b)
{
    const hone__image *m = &j->w->in;
    const int64_t y = j->side * b->begin_row - j->w->before_y;
    return hone__ahead_of(m, b->first, b->end, hone__most(0, y),
                          min64(j->side * b->end_row + 2 - j->w->before_y, m->height));
}

/* next: what the same thread does then, or NULL. */
static void run_block(const job *j, const room *r, const block *b, const block *next)
{
    const hone__image *out = &j->w->out;
    const int64_t each = (b->end_row - b->begin_row) * j->tiles_x;
    hone__ahead ahead[HONE__AHEADS] = { { 0 },
                                        hone__ahead_of(out, b->first, b->end,
                                                       j->side * b->begin_row,
                                                       min64(j->side * b->end_row, out->height)),
                                        next ? ahead_of_in(j, next) : (hone__ahead){ 0 } };
    for (int64_t s = b->first; s < b->end; s++)
        transform_in(j, r, s, b->begin_row, b->end_row, (s - b->first) * each);
    multiply(j, &(some){ .many = j->k }, r, (b->end - b->first) * each, j->weights, ahead);
    for (int64_t s = b->first; s < b->end; s++)
        transform_out(j, r, s, b->begin_row, b->end_row, (s - b->first) * each);
}

static void begin_room(const job *j, int thread, room *r)
{
    lay_out(j, j->rooms + j->room_bytes * (size_t)thread, r);
    memset(r->zeros, 0, hone__floats(j->in));
    if (!j->in_place && j->in != j->k)
        memset(r->x, 0, hone__floats(rows_in(j) * j->w->in.width * j->in));
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    char *const memory = j->rooms + j->room_bytes * (size_t)thread;
    transform_some(j, &(some){ .many = j->k }, (float *)(void *)memory, j->weights, thread,
                   n_threads);
    hone__meet(n_threads);
    room r;
    begin_room(j, thread, &r);
    const int64_t end = hone__cut(j->blocks, n_threads, thread + 1);
    for (int64_t i = hone__cut(j->blocks, n_threads, thread); i < end; i++) {
        const block b = block_at(j, i), next = block_at(j, i + 1);
        run_block(j, &r, &b, i + 1 < end ? &next : NULL);
    }
}

static void run_piece(const job *j, const room *r, int64_t first)
{
    for (int64_t c = 0; c < j->k; c += j->part) {
        const some of = { first, c, min64(j->part, j->k - c) };
        transform_some(j, &of, r->turned, r->weights, 0, 1);
        multiply(j, &of, r, j->most_tiles, r->weights, NULL);
    }
}

/* The weights of a few outputs at a time stay near, and meet tiles of all samples: of a few channels at a time,
 * whose points stay near, too, as the outputs' sums do. */
static void run_few(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t pieces = j->out / j->piece, each = j->tiles_y * j->tiles_x;
    const int64_t begin = hone__cut(j->w->n, n_threads, thread);
    const int64_t end = hone__cut(j->w->n, n_threads, thread + 1);
    room r;
    begin_room(j, thread, &r);
    r.points = j->all_points;
    r.sums = j->all_sums;
    for (int64_t s = begin; s < end; s++)
        transform_in(j, &r, s, 0, j->tiles_y, s * each);
    hone__meet(n_threads);
    for (int64_t i = hone__cut(pieces, n_threads, thread);
         i < hone__cut(pieces, n_threads, thread + 1); i++)
        run_piece(j, &r, i * j->piece);
    hone__meet(n_threads);
    for (int64_t s = begin; s < end; s++)
        transform_out(j, &r, s, 0, j->tiles_y, s * each);
}

/* If weights are far, and much larger than all tiles' points. */
static void choose_pieces(job *j, int threads)
{
    const int64_t tiles = j->w->n * j->tiles_y * j->tiles_x, of_tile = j->points * (j->in + j->out);
    j->few = weight_bytes(j) > NEAR_BYTES &&
             2 * (double)of_tile * (double)tiles * sizeof(float) <= (double)weight_bytes(j);
    j->piece = j->out;
    j->part = j->k;
    j->far = !hone__gemm_fits_l2(2 * weight_bytes(j));
    if (!j->few)
        return;
    j->piece = hone__gemm_l3_is_far() ? PIECE : PIECE / 2;
    while (j->piece > HONE__IMAGE_CHANNELS && j->out % (j->piece * threads))
        j->piece /= 2;
    j->part = min64(j->k, PART);
    j->band_rows = j->tiles_y;
    j->most_tiles = tiles;
}

bool hone__winograd_run(const hone__winograd *w)
{
    const hone__winograd_form *form = &hone__images()->winograd[w->wide];
    job j = { .w = w,
              .form = form,
              .side = form->outputs,
              .points = (form->outputs + 2) * (form->outputs + 2),
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .k = w->in.channels,
              .in = hone__padded(w->in.channels),
              .out = hone__padded(w->out.channels),
              .tiles_y = ceil_div(w->out.height, form->outputs),
              .tiles_x = ceil_div(w->out.width, form->outputs),
              .in_place = hone__pixels_in_place(&w->in),
              .out_in_place = hone__pixels_in_place(&w->out) };
    const double tiles = (double)(w->n * j.tiles_y * j.tiles_x);
    const double flops = 2 * (double)j.points * tiles * (double)(j.k * j.out);
    const int threads = hone__team_for(flops / j.kernel->flops_per_ns, w->n * j.tiles_y);
    choose_blocks(&j, threads);
    choose_pieces(&j, threads);
    j.weight_point = hone__point(j.part * j.piece);
    j.in_point = hone__point(j.most_tiles * j.in);
    j.out_point = hone__point(j.most_tiles * j.out);
    const size_t all_in = hone__floats(j.points * j.in_point);
    const size_t weights = j.few ? all_in + hone__floats(j.points * j.out_point)
                                 : hone__floats(j.points * j.weight_point);
    const size_t bias_bytes = w->bias ? hone__floats(j.out) : 0,
                 turned = hone__floats(9 * WEIGHTS * j.piece);
    room unused;
    j.room_bytes = lay_out(&j, NULL, &unused);
    j.room_bytes = j.room_bytes > turned ? j.room_bytes : turned;
    const size_t bytes = weights + bias_bytes + hone__bytes(threads, j.room_bytes);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.weights = j.all_points = (float *)(void *)all;
    j.all_sums = (float *)(void *)(all + all_in);
    j.bias = w->bias ? (float *)(void *)(all + weights) : NULL;
    j.rooms = all + weights + bias_bytes;
    if (j.bias)
        hone__gather_bias(j.bias, hone__padded(w->out.channels), w->bias, w->out.channels,
                          w->bias_step);
    hone__parallel_team(threads, j.few ? run_few : run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

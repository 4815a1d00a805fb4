/* winograd_weight.c: the weight's gradient (winograd.h), in steps: pixels of a few samples, or of a
 * band of rows of one, are transformed; then each thread takes a few of its channels at a time, whose
 * points of a sample stay near while they are multiplied, and adds what they got. Points of a band
 * that isn't a sample's last wait for the next one. */
#include "gemm/blocks.h"
#include "loops/image_parts.h"

enum { BAND_OUTPUTS = 4096, PIECE_ROWS = 4, MOST_SAMPLES = 8 };
/* Of a step's points; where L3 is far. */
enum { SAMPLES_BYTES = 4 << 20, NEAR_SAMPLES_BYTES = 1 << 20 };
enum { NEAR_BYTES = 512 << 10, LEAST_CHANNELS = 16, BUFFERS = 4, PAIR = 2 };

typedef struct {
    const hone__winograd_gradient *g;
    const hone__winograd_form *form;
    const hone__gemm_kernel *kernel;
    int64_t side, points;              /* outputs of a tile along an axis; products */
    int64_t in, out;                   /* channels with padding */
    int64_t tiles_y, tiles_x, outputs; /* outputs: channels of dy */
    int64_t samples, bands, band_rows; /* of a step */
    int64_t x_point, dy_point, weight_point;
    int64_t row;              /* of the sum and of products */
    float *sum;               /* [channels * 9, row] */
    float *x, *dy;            /* [samples][points][blocks][tiles][channels of the block] */
    int64_t near, most_tiles; /* channels of x at a time; tiles of a step */
    float *zeros;
    char *rooms;
    size_t room_bytes, x_bytes, pixels_bytes;
    size_t bytes[BUFFERS]; /* of zeros, sum, x, dy */
} job;

/* What one thread does in a step: samples [first, end), rows of tiles [begin_row, end_row). */
typedef struct {
    int64_t first, end, begin_row, end_row;
    bool begins, ends; /* a sample's tiles */
} step;

/* Blocks of channels whose points lie together: dy's are the panels of the product. */
static int64_t blocks(const job *j, bool of_dy)
{
    return of_dy ? hone__panels(j->kernel, j->out) : ceil_div(j->in, j->near);
}

static int64_t block(const job *j, bool of_dy, int64_t i)
{
    return of_dy ? hone__panel(j->kernel, j->out, i) : min64(i * j->near, j->in);
}

/* A few rows of tiles of an image; rows above each other that a tile reads: `rows`. */
static void transform(const job *j, const hone__image *m, int64_t sample, int64_t row, int64_t end,
                      bool of_dy, int64_t tile, float *pixels, hone__winograd_in t)
{
    const int64_t rows = of_dy ? j->side : j->side + 2;
    const int64_t before_y = of_dy ? 0 : j->g->before_y, before_x = of_dy ? 0 : j->g->before_x;
    const int64_t padded = hone__padded(m->channels), y = j->side * row - before_y;
    const int64_t first = y < 0 ? 0 : min64(y, m->height);
    const int64_t last = min64(j->side * (end - 1) + rows - before_y, m->height);
    hone__rows_of of = { m->p + sample * m->sample, j->zeros, 0, m->height, m->y, m->x };
    if (!hone__pixels_in_place(m)) {
        if (first < last)
            hone__gather_pixels(m, sample, first, last, pixels);
        of = (hone__rows_of){ pixels, j->zeros, first, m->height, m->width * padded, padded };
    }
    t.tiles = j->tiles_x;
    t.x = -before_x;
    t.width = m->width;
    float *const points = t.points;
    for (int64_t b = 0; b < blocks(j, of_dy); b++) {
        const int64_t at = block(j, of_dy, b);
        t.channels = t.tile = block(j, of_dy, b + 1) - at;
        t.points = points + at * j->most_tiles + tile * t.tile;
        for (int64_t r = row; r < end; r++, t.points += t.tiles * t.tile) {
            for (int64_t i = 0; i < rows; i++) {
                t.rows[i] = hone__row_at(&of, j->side * r + i - before_y);
                t.rows[i].row += at;
            }
            (of_dy ? j->form->dy : j->form->in)(&t);
        }
    }
}

static void transform_share(const job *j, const step *s, int thread, int n_threads)
{
    const int64_t rows = s->end_row - s->begin_row, pieces = ceil_div(rows, PIECE_ROWS);
    const int64_t all = (s->end - s->first) * pieces;
    float *const pixels = (float *)(void *)(j->rooms + j->room_bytes * (size_t)thread);
    const int64_t end = hone__cut(all, n_threads, thread + 1);
    for (int64_t i = hone__cut(all, n_threads, thread); i < end; i++) {
        const int64_t sample = i / pieces, row = hone__cut(rows, pieces, i % pieces);
        const int64_t row_end = s->begin_row + hone__cut(rows, pieces, i % pieces + 1);
        const int64_t tile = row * j->tiles_x;
        hone__winograd_in t = { .points = j->x + sample * j->points * j->x_point,
                                .point = j->x_point };
        transform(j, &j->g->x, s->first + sample, s->begin_row + row, row_end, false, tile, pixels,
                  t);
        t.points = j->dy + sample * j->points * j->dy_point;
        t.point = j->dy_point;
        transform(j, &j->g->dy, s->first + sample, s->begin_row + row, row_end, true, tile,
                  (float *)(void *)((char *)pixels + j->x_bytes), t);
    }
}

/* Points of a sample's block of channels: a product over the tiles each, panel by panel. */
static void multiply(const job *j, const step *s, int64_t n, int64_t b, float *products)
{
    const int64_t c = block(j, false, b), width = block(j, false, b + 1) - c;
    const int64_t rows = min64(width, j->g->x.channels - c);
    for (int64_t point = 0; point < j->points; point++)
        for (int64_t i = 0; i < blocks(j, true); i++) {
            const int64_t of = n * j->points + point, at = block(j, true, i);
            const int64_t columns = block(j, true, i + 1) - at;
            hone__gemm_tile t = { .k = (s->end_row - s->begin_row) * j->tiles_x,
                                  .a_rs = 1,
                                  .a_cs = width,
                                  .b = j->dy + of * j->dy_point + at * j->most_tiles,
                                  .b_rs = columns,
                                  .c_rs = j->row,
                                  .nr = (int)columns,
                                  .resume = !s->begins };
            hone__product_panel(j->kernel, rows, &t, j->x + of * j->x_point + c * j->most_tiles,
                                products + point * j->weight_point + at, NULL);
        }
}

/* The thread's blocks; room: points of one, of each if they wait. */
static void add_share(const job *j, const step *s, float *room, int thread, int n_threads)
{
    const int64_t first = hone__cut(blocks(j, false), n_threads, thread);
    const int64_t end = hone__cut(blocks(j, false), n_threads, thread + 1);
    for (int64_t b = first; b < end; b++) {
        const int64_t c = block(j, false, b);
        const int64_t last = min64(block(j, false, b + 1), j->g->x.channels);
        float *const products =
            room + (j->bands > 1 ? (b - first) * j->points * j->weight_point : 0);
        for (int64_t n = 0; n < s->end - s->first; n++) {
            multiply(j, s, n, b, products);
            for (int64_t k = c; s->ends && k < last; k++)
                j->form->weights_back(j->out, products + (k - c) * j->row, j->weight_point,
                                      j->sum + 9 * k * j->row, j->row,
                                      j->g->fresh && s->first + n == 0);
        }
    }
}

static step step_at(const job *j, int64_t i)
{
    const int64_t band = i % j->bands, first = i / j->bands * j->samples;
    return (step){ .first = first,
                   .end = min64(first + j->samples, j->g->n),
                   .begin_row = hone__cut(j->tiles_y, j->bands, band),
                   .end_row = hone__cut(j->tiles_y, j->bands, band + 1),
                   .begins = band == 0,
                   .ends = band + 1 == j->bands };
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t steps = ceil_div(j->g->n, j->samples) * j->bands, taps = 9 * j->g->x.channels;
    char *const room = j->rooms + j->room_bytes * (size_t)thread;
    float *const products = (float *)(void *)(room + j->pixels_bytes);
    memset(room, 0, j->pixels_bytes); /* channels of none */
    const int64_t channels = j->g->x.channels, all = blocks(j, false);
    const int64_t c = block(j, false, hone__cut(all, n_threads, thread));
    const int64_t c_end = block(j, false, hone__cut(all, n_threads, thread + 1));
    const int64_t first = 9 * c, mine = 9 * hone__most(0, min64(c_end, channels) - c);
    if (!j->g->fresh)
        j->kernel->transpose(mine, j->outputs, j->sum + first * j->row, j->row, j->g->sum + first,
                             taps);
    for (int64_t i = 0; i < steps; i++) {
        const step s = step_at(j, i);
        transform_share(j, &s, thread, n_threads);
        hone__meet(n_threads);
        add_share(j, &s, products, thread, n_threads);
        hone__meet(n_threads);
    }
    j->kernel->transpose(j->outputs, mine, j->g->sum + first, taps, j->sum + first * j->row,
                         j->row);
}

static void choose_steps(job *j, int threads)
{
    const int64_t tiles = j->tiles_y * j->tiles_x;
    j->bands = min64(j->tiles_y, ceil_div(tiles * j->side * j->side, BAND_OUTPUTS));
    j->band_rows = ceil_div(j->tiles_y, j->bands);
    j->most_tiles = j->band_rows * j->tiles_x;
    j->x_point = hone__point(j->most_tiles * j->in);
    j->dy_point = hone__point(j->most_tiles * j->out);
    j->near = hone__most(LEAST_CHANNELS, NEAR_BYTES / (4 * j->points * j->out));
    const int64_t parts = hone__up(ceil_div(j->in, j->near / LEAST_CHANNELS * LEAST_CHANNELS),
                                   threads); /* even, for each thread as many */
    j->near = min64(hone__up(ceil_div(j->in, parts), LEAST_CHANNELS), j->in);
    j->weight_point = hone__point(j->near * j->row);
    const int64_t bytes = j->points * (j->x_point + j->dy_point) * 4;
    const int64_t most = hone__gemm_l3_is_far() ? NEAR_SAMPLES_BYTES : SAMPLES_BYTES;
    j->samples = j->bands > 1 ? 1 : min64(j->g->n, min64(MOST_SAMPLES, 1 + most / bytes));
}

/* Rows that long are put apart, lest they meet in a few sets of L1. */
static int64_t row_of(int64_t out)
{
    return out % 256 == 0 ? hone__point(out) : out;
}

static job job_of(const hone__winograd_gradient *g)
{
    const hone__winograd_form *form = &hone__images()->winograd[g->wide];
    return (job){ .g = g,
                  .form = form,
                  .side = form->outputs,
                  .points = (form->outputs + 2) * (form->outputs + 2),
                  .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
                  .in = hone__padded(g->x.channels),
                  .out = hone__padded(g->dy.channels),
                  .row = row_of(hone__padded(g->dy.channels)),
                  .outputs = g->dy.channels,
                  .tiles_y = ceil_div(g->dy.height, form->outputs),
                  .tiles_x = ceil_div(g->dy.width, form->outputs) };
}

/* Bytes of the buffers. */
static size_t prepare(job *j, int threads)
{
    choose_steps(j, threads);
    j->x_bytes = hone__floats((j->side * PIECE_ROWS + 2) * j->g->x.width * j->in);
    j->pixels_bytes = j->x_bytes + hone__floats(j->side * PIECE_ROWS * j->g->dy.width * j->out);
    const int64_t parts = ceil_div(blocks(j, false), threads), points = j->samples * j->points;
    j->room_bytes =
        j->pixels_bytes + hone__floats((j->bands > 1 ? parts : 1) * j->points * j->weight_point);
    const int64_t widest = j->in > j->out ? j->in : j->out;
    j->bytes[0] = hone__floats(widest);
    j->bytes[1] = hone__floats(9 * j->g->x.channels * j->row);
    j->bytes[2] = hone__floats(points * j->x_point);
    j->bytes[3] = hone__floats(points * j->dy_point);
    size_t all = hone__bytes(threads, j->room_bytes);
    for (int i = 0; i < BUFFERS; i++)
        all += j->bytes[i];
    return all;
}

static void lay_out(job *j, char *at)
{
    float **const to[BUFFERS] = { &j->zeros, &j->sum, &j->x, &j->dy };
    for (int i = 0; i < BUFFERS; at += j->bytes[i++])
        *to[i] = (float *)(void *)at;
    j->rooms = at;
    memset(j->zeros, 0, j->bytes[0]);
    if (j->out != j->outputs) /* columns of none */
        memset(j->sum, 0, j->bytes[1]);
}

/* One of `parts` shares of the outputs. */
static hone__winograd_gradient outputs_of(const hone__winograd_gradient *g, int64_t parts,
                                          int64_t i)
{
    const int64_t o = hone__cut(g->dy.channels, parts, i), at = o * g->dy.channel;
    hone__winograd_gradient some = *g;
    some.dy.channels = hone__cut(g->dy.channels, parts, i + 1) - o;
    some.dy.p = g->dy.half ? (float *)(void *)((uint16_t *)(void *)g->dy.p + at) : g->dy.p + at;
    some.sum = g->sum + 9 * g->x.channels * o;
    return some;
}

static void run_alone(void *ctx, int thread, int n_threads)
{
    for (const job *const jobs = ctx; thread < PAIR; thread += n_threads)
        run_share((void *)&jobs[thread], 0, 1);
}

bool hone__winograd_add_weight(const hone__winograd_gradient *g)
{
    job whole = job_of(g), halves[PAIR];
    const double tiles = (double)(g->n * whole.tiles_y * whole.tiles_x);
    const double flops = 2 * (double)whole.points * tiles * (double)(whole.in * whole.out);
    const int threads =
        hone__team_for(flops / whole.kernel->flops_per_ns, ceil_div(whole.in, LEAST_CHANNELS));
    const bool alone = threads == PAIR && g->dy.channels % (PAIR * HONE__IMAGE_CHANNELS) == 0;
    hone__winograd_gradient outputs[PAIR];
    size_t bytes = 0, begin[PAIR + 1] = { 0 };
    for (int i = 0; alone && i < PAIR; i++) {
        outputs[i] = outputs_of(g, PAIR, i);
        halves[i] = job_of(&outputs[i]);
        begin[i + 1] = bytes += prepare(&halves[i], 1);
    }
    if (!alone)
        bytes = prepare(&whole, threads);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    for (int i = 0; alone && i < PAIR; i++)
        lay_out(&halves[i], all + begin[i]);
    if (!alone)
        lay_out(&whole, all);
    hone__parallel_team(threads, alone ? run_alone : run_share, alone ? halves : &whole);
    hone__pool_free(all, bytes);
    return true;
}

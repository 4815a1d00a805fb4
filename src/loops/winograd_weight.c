/* winograd_weight.c: the weight's gradient (winograd.h), in steps: pixels of a few samples, or of a
 * band of rows of one, are transformed; then come the products, point by point; then each thread
 * adds what its channels got, sample by sample. */
#include "loops/image_parts.h"

enum { BAND_TILES = 1024, PIECE_ROWS = 4, SAMPLES_BYTES = 4 << 20, MOST_SAMPLES = 8 };

typedef struct {
    const hone__winograd_gradient *g;
    const hone__image_kernels *images;
    const hone__gemm_kernel *kernel;
    int64_t in, out;                   /* channels with padding */
    int64_t tiles_y, tiles_x, outputs; /* outputs: channels of dy */
    int64_t samples, bands, band_rows; /* of a step */
    int64_t x_point, dy_point, weight_point;
    float *sum;               /* [channels * 9, out] */
    float *x, *dy, *products; /* [samples][points][..] */
    float *zeros;
    char *rooms;
    size_t room_bytes, x_bytes;
} job;

/* What one thread does in a step: samples [first, end), rows of tiles [begin_row, end_row). */
typedef struct {
    int64_t first, end, begin_row, end_row;
    bool begins, ends; /* a sample's tiles */
} step;

/* A few rows of tiles of an image; rows above each other that a tile reads: `rows`. */
static void transform(const job *j, const hone__image *m, int64_t sample, int64_t row, int64_t end,
                      int64_t rows, int64_t before_y, int64_t before_x, float *pixels,
                      hone__winograd_in t, void (*run)(const hone__winograd_in *))
{
    const int64_t padded = hone__padded(m->channels), y = 2 * row - before_y;
    const int64_t first = y < 0 ? 0 : min64(y, m->height);
    const int64_t last = min64(2 * end - 2 + rows - before_y, m->height);
    hone__rows_of of = { m->p + sample * m->sample, j->zeros, 0, m->height, m->y, m->x };
    if (!hone__pixels_in_place(m)) {
        if (first < last)
            hone__gather_pixels(m, sample, first, last, pixels);
        of = (hone__rows_of){ pixels, j->zeros, first, m->height, m->width * padded, padded };
    }
    t.channels = t.tile = padded;
    t.tiles = j->tiles_x;
    t.x = -before_x;
    t.width = m->width;
    for (; row < end; row++, t.points += t.tiles * t.tile) {
        for (int64_t i = 0; i < rows; i++)
            t.rows[i] = hone__row_at(&of, 2 * row + i - before_y);
        run(&t);
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
        hone__winograd_in t = {
            .points = j->x + sample * HONE__WINOGRAD_POINTS * j->x_point + tile * j->in,
            .point = j->x_point,
        };
        transform(j, &j->g->x, s->first + sample, s->begin_row + row, row_end, 4, j->g->before_y,
                  j->g->before_x, pixels, t, j->images->winograd[0].in);
        t.points = j->dy + sample * HONE__WINOGRAD_POINTS * j->dy_point + tile * j->out;
        t.point = j->dy_point;
        transform(j, &j->g->dy, s->first + sample, s->begin_row + row, row_end, 2, 0, 0,
                  (float *)(void *)((char *)pixels + j->x_bytes), t, j->images->winograd_dy);
    }
}

/* Point by point and panel by panel, all samples. */
static void multiply_share(const job *j, const step *s, int thread, int n_threads)
{
    const int64_t panels = hone__panels(j->kernel, j->out), all = HONE__WINOGRAD_POINTS * panels;
    const int64_t end = hone__cut(all, n_threads, thread + 1);
    for (int64_t i = hone__cut(all, n_threads, thread); i < end; i++) {
        const int64_t point = i / panels, at = hone__panel(j->kernel, j->out, i % panels);
        const int64_t width = hone__panel(j->kernel, j->out, i % panels + 1) - at;
        for (int64_t n = 0; n < s->end - s->first; n++) {
            const int64_t of = n * HONE__WINOGRAD_POINTS + point;
            hone__gemm_tile t = { .k = (s->end_row - s->begin_row) * j->tiles_x,
                                  .a_rs = 1,
                                  .a_cs = j->in,
                                  .b = j->dy + of * j->dy_point + at,
                                  .b_rs = j->out,
                                  .c_rs = j->out,
                                  .nr = (int)width,
                                  .resume = !s->begins };
            hone__product_panel(j->kernel, j->g->x.channels, &t, j->x + of * j->x_point,
                                j->products + of * j->weight_point + at);
        }
    }
}

static void add_share(const job *j, const step *s, int thread, int n_threads)
{
    const int64_t end = hone__cut(j->g->x.channels, n_threads, thread + 1);
    for (int64_t c = hone__cut(j->g->x.channels, n_threads, thread); c < end; c++)
        for (int64_t n = 0; n < s->end - s->first; n++)
            j->images->winograd_weights_back(
                j->out, j->products + n * HONE__WINOGRAD_POINTS * j->weight_point + c * j->out,
                j->weight_point, j->sum + 9 * c * j->out, j->out);
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
    memset(j->rooms + j->room_bytes * (size_t)thread, 0, j->room_bytes); /* channels of none */
    const int64_t first = hone__cut(j->g->x.channels, n_threads, thread) * 9;
    const int64_t mine = hone__cut(j->g->x.channels, n_threads, thread + 1) * 9 - first;
    j->kernel->transpose(mine, j->outputs, j->sum + first * j->out, j->out, j->g->sum + first,
                         taps);
    for (int64_t i = 0; i < steps; i++) {
        const step s = step_at(j, i);
        transform_share(j, &s, thread, n_threads);
        hone__meet(n_threads);
        multiply_share(j, &s, thread, n_threads);
        hone__meet(n_threads);
        if (s.ends)
            add_share(j, &s, thread, n_threads);
    }
    j->kernel->transpose(j->outputs, mine, j->g->sum + first, taps, j->sum + first * j->out,
                         j->out);
}

static void choose_steps(job *j)
{
    const int64_t tiles = j->tiles_y * j->tiles_x;
    j->bands = min64(j->tiles_y, ceil_div(tiles, BAND_TILES));
    j->band_rows = ceil_div(j->tiles_y, j->bands);
    const int64_t most = j->band_rows * j->tiles_x;
    j->x_point = hone__point(most * j->in);
    j->dy_point = hone__point(most * j->out);
    j->weight_point = hone__point(j->g->x.channels * j->out);
    const int64_t bytes = HONE__WINOGRAD_POINTS * (j->x_point + j->dy_point + j->weight_point) * 4;
    j->samples = j->bands > 1 ? 1 : min64(j->g->n, min64(MOST_SAMPLES, 1 + SAMPLES_BYTES / bytes));
}

bool hone__winograd_add_weight(const hone__winograd_gradient *g)
{
    job j = { .g = g,
              .images = hone__images(),
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .in = hone__padded(g->x.channels),
              .out = hone__padded(g->dy.channels),
              .outputs = g->dy.channels,
              .tiles_y = ceil_div(g->dy.height, 2),
              .tiles_x = ceil_div(g->dy.width, 2) };
    choose_steps(&j);
    const double tiles = (double)(g->n * j.tiles_y * j.tiles_x);
    const double flops = 2 * HONE__WINOGRAD_POINTS * tiles * (double)(j.in * j.out);
    const int threads = hone__team_for(flops / j.kernel->flops_per_ns, HONE__WINOGRAD_POINTS);
    const int64_t points = j.samples * HONE__WINOGRAD_POINTS;
    const int64_t widest = j.in > j.out ? j.in : j.out;
    j.x_bytes = hone__floats((2 * PIECE_ROWS + 2) * g->x.width * j.in);
    j.room_bytes = j.x_bytes + hone__floats(2 * PIECE_ROWS * g->dy.width * j.out);
    const size_t sizes[] = { hone__floats(widest), hone__floats(9 * g->x.channels * j.out),
                             hone__floats(points * j.x_point), hone__floats(points * j.dy_point),
                             hone__floats(points * j.weight_point) };
    float **const to[] = { &j.zeros, &j.sum, &j.x, &j.dy, &j.products };
    size_t bytes = 0;
    for (int i = 0; i < 5; i++)
        bytes += sizes[i];
    const size_t before_rooms = bytes;
    bytes += hone__bytes(threads, j.room_bytes);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    bytes = 0;
    for (int i = 0; i < 5; i++) {
        *to[i] = (float *)(void *)(all + bytes);
        bytes += sizes[i];
    }
    j.rooms = all + before_rooms;
    memset(j.zeros, 0, sizes[0]);
    if (j.out != j.outputs) /* columns of none */
        memset(j.sum, 0, sizes[1]);
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, before_rooms + hone__bytes(threads, j.room_bytes));
    return true;
}

/* tap_weight.c: the gradient by the weight of a kernel of one tap (direct.h): products of the image by dy for each
 * sample, of which the one of more channels is read where it lies, channel by channel, and the pixels of the other are
 * turned: by each of a few threads for itself, as it costs less than to meet and to fetch each other's; by many together. */
#include "loops/direct.h"

#include "loops/image_parts.h"

enum { LEAST_POSITIONS = 49, K = 512, FEW_THREADS = 4 };

static bool in_lines(const hone__image *m)
{
    return m->x == 1 && (m->y == m->width || m->height == 1);
}

bool hone__tap_suits(const hone__direct_gradient *g)
{
    return g->y_axis.taps * g->x_axis.taps == 1 && in_lines(&g->x) && in_lines(&g->dy) &&
           g->dy.height * g->dy.width >= LEAST_POSITIONS;
}

typedef struct {
    const hone__direct_gradient *g;
    const hone__gemm_kernel *kernel;
    const hone__image *a, *b;
    int64_t positions, cols;    /* cols: channels of b with padding */
    int64_t panels, parts;      /* of cols, of a's channels */
    float *sum, *part, *pixels; /* [a's channels, sum_rs], [.., cols]; of b, a block of positions */
    int64_t sum_rs, apart;      /* from a thread's pixels to the next one's; 0: they share them */
} job;

static int64_t panel(const job *j, int64_t i)
{
    return hone__cut(j->cols / j->kernel->vl, j->panels, i) * j->kernel->vl;
}

/* sum += part, of a tile. */
static void add(const job *j, int64_t row, int64_t rows, int64_t at, int64_t cols)
{
    for (int64_t r = row; r < row + rows; r++)
        for (int64_t o = at; o < at + cols; o++)
            j->sum[r * j->sum_rs + o] += j->part[r * j->cols + o];
}

typedef struct { /* a thread's */
    float *pixels;
    int64_t first, stop; /* items */
} share;

/* What an item asks for of the next sample, if that is one block: a stretch of one of the images, rows of as
 * many lines as the tile is vectors wide, one every 8 k. */
static hone__gemm_errand ask_for_next(const job *j, const share *mine, int64_t item, int64_t sample,
                                      int64_t vectors)
{
    enum { LINE = 16, EVERY = 8 };
    if (j->positions > K || sample + 1 == j->g->n)
        return (hone__gemm_errand){ 0 };
    const bool all = (item - mine->first) % 2 == 0 && j->apart > 0; /* of b, which it turns alone */
    const hone__image *const m = (item - mine->first) % 2 ? j->a : j->b;
    const int64_t row = vectors * LINE, rows = m->channels * j->positions / row;
    const int64_t items = all ? mine->stop - mine->first : j->panels * j->parts;
    const int64_t i = all ? item - mine->first : item, shares = (items + 1) / 2;
    const int64_t begin = hone__cut(rows, shares, i / 2), end = hone__cut(rows, shares, i / 2 + 1);
    return (hone__gemm_errand){ .rows = min64(end - begin, j->positions / EVERY),
                                .from = m->p + (sample + 1) * m->sample + begin * row,
                                .rs = row };
}

/* k positions of a sample from `at` on. */
static void run_tile(const job *j, const share *mine, int64_t item, int64_t sample, int64_t at,
                     int64_t k)
{
    static const hone__gemm_epilogue after = { .alpha = 1, .accumulate = 1 };
    const int64_t p = item % j->panels, part = item / j->panels;
    const int64_t col = panel(j, p), cols = min64(panel(j, p + 1), j->b->channels) - col;
    if (cols <= 0) /* a panel of channels of none */
        return;
    const int64_t row = hone__cut(j->a->channels, j->parts, part);
    const int64_t rows = hone__cut(j->a->channels, j->parts, part + 1) - row;
    const bool many = j->positions >= j->g->many_positions, in_parts = many && j->positions > K;
    const hone__gemm_tile t = {
        .k = k,
        .a = j->a->p + sample * j->a->sample + row * j->a->channel + at,
        .a_rs = j->a->channel,
        .a_cs = 1,
        .b = mine->pixels + col,
        .b_rs = j->cols,
        .c = in_parts ? j->part + row * j->cols + col : j->sum + row * j->sum_rs + col,
        .c_rs = in_parts ? j->cols : j->sum_rs,
        .mr = (int)rows,
        .nr = (int)cols,
        .resume = !many || at > 0,
        .finish = many && !in_parts ? &after : NULL,
        .errand = ask_for_next(j, mine, item, sample, ceil_div(cols, j->kernel->vl))
    };
    j->kernel->tile(&t);
    if (in_parts && at + k == j->positions)
        add(j, row, rows, col, cols);
}

/* All but the first columns are channels of none. */
static void turn(const job *j, float *pixels, int64_t sample, int64_t at, int64_t k, int thread,
                 int n_threads)
{
    const int64_t begin = hone__cut(k, n_threads, thread);
    const int64_t end = hone__cut(k, n_threads, thread + 1);
    j->kernel->transpose(end - begin, j->b->channels, pixels + begin * j->cols, j->cols,
                         j->b->p + sample * j->b->sample + at + begin, j->b->channel);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t channels = j->a->channels, items = j->panels * j->parts;
    const int64_t row = hone__cut(channels, n_threads, thread),
                  rows = hone__cut(channels, n_threads, thread + 1) - row;
    const share mine = { j->pixels + j->apart * thread, hone__cut(items, n_threads, thread),
                         hone__cut(items, n_threads, thread + 1) };
    const int turners = j->apart > 0 ? 1 : n_threads;
    float *const sum = j->sum + row * j->sum_rs;
    const bool turned = j->sum != j->g->sum;
    if (turned) {
        j->kernel->transpose(rows, j->b->channels, sum, j->sum_rs, j->g->sum + row, channels);
        hone__meet(n_threads); /* items begin at other rows */
    }
    for (int64_t s = 0; s < j->g->n; s++)
        for (int64_t at = 0; at < j->positions; at += K) {
            const int64_t k = min64(K, j->positions - at);
            hone__meet(turners); /* nobody is in the block before */
            turn(j, mine.pixels, s, at, k, turners > 1 ? thread : 0, turners);
            hone__meet(turners);
            for (int64_t i = mine.first; i < mine.stop; i++)
                run_tile(j, &mine, i, s, at, k);
        }
    if (turned) {
        hone__meet(n_threads);
        j->kernel->transpose(j->b->channels, rows, j->g->sum + row, channels, sum, j->sum_rs);
    }
}

bool hone__tap_add_weight(const hone__direct_gradient *g)
{
    const bool by_dy = g->dy.channels >= g->x.channels;
    job j = { .g = g,
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .a = by_dy ? &g->dy : &g->x,
              .b = by_dy ? &g->x : &g->dy,
              .positions = g->dy.height * g->dy.width };
    j.cols = hone__padded(j.b->channels);
    j.panels = ceil_div(j.cols, j.kernel->wide);
    const int tall = hone__gemm_tile_rows(j.kernel, panel(&j, 1), min64(K, j.positions), 1);
    const int64_t apart = j.a->channel * (int64_t)sizeof(float);
    j.parts =
        ceil_div(j.a->channels, hone__gemm_rows_apart(tall, j.a->channels, j.positions, 1, apart));
    const double flops =
        2.0 * (double)(g->n * j.positions) * (double)(g->x.channels * g->dy.channels);
    const int threads = hone__team_for(flops / j.kernel->flops_per_ns, j.panels * j.parts);
    const size_t sum = by_dy ? 0 : hone__floats(j.a->channels * j.cols);
    const size_t part = j.positions > K ? hone__floats(j.a->channels * j.cols) : 0;
    const size_t block = hone__floats(min64(K, j.positions) * j.cols);
    const bool few = threads <= FEW_THREADS;
    j.apart = few ? (int64_t)(block / sizeof(float)) : 0;
    const size_t bytes = sum + part + hone__bytes(few ? threads : 1, block);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.sum = by_dy ? g->sum : (float *)(void *)all;
    j.sum_rs = by_dy ? g->x.channels : j.cols;
    j.part = (float *)(void *)(all + sum);
    j.pixels = (float *)(void *)(all + sum + part);
    if (j.cols != j.b->channels)
        memset(all, 0, bytes);
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

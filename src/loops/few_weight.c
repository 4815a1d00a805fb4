/* few_weight.c: the gradient by the weight of a convolution of few channels (direct.h), as a first layer has. For each
 * column of the kernel the rows of the image are copied as outputs see them, so that what a row of
 * outputs sees lies in rows at equal distances, one a tap and channel: A of a product with dy's
 * pixels, read in place, a row of outputs after the other. Where each sample has a chain of its own threads take
 * samples, if there are enough, and add a group's chains when all of them are there. */
#include "loops/direct.h"

#include "loops/every_second.h"
#include "loops/image_parts.h"

enum { LEAST_OUTPUTS = 16, LEAST_WIDTH = 8, MOST_CHANNELS = 15, BAND_BYTES = 1 << 18 };
enum { GROUP_BYTES = 1 << 18, LEAST_SAMPLES = 4 }; /* of a group's chains; a thread's */

bool hone__few_suits(const hone__direct_gradient *g)
{
    return g->x.channels <= MOST_CHANNELS && g->dy.channels >= LEAST_OUTPUTS &&
           g->dy.width >= LEAST_WIDTH && g->y_axis.step == 1;
}

typedef struct {
    const hone__direct_gradient *g;
    const hone__gemm_kernel *kernel;
    int64_t rows, out;    /* of A; outputs with padding */
    int64_t line, pitch;  /* rows of A that a row of the image is; elements from one to the next */
    int64_t bands, parts; /* of a sample; of A */
    bool many;            /* a chain from +0 for each sample; else one over all of them */
    int64_t group;        /* samples whose chains are kept; 0: all threads work at each band */
    float *sum, *chains;  /* [rows, out]; as many, a chain each */
    float *bands_at;      /* A and dy of a band, a thread's or all's */
    int64_t chain, a, band; /* floats: of a chain, of A, of both */
} job;

/* What a thread works at, and who else does. */
typedef struct {
    float *a, *dy, *chain;
    int thread, n_threads;
} place;

/* Row r of A is of tap (ky, kx) and channel c: (ky * channels + c) * taps along x + kx. */
static float *weight_of(const job *j, int64_t r, int64_t o)
{
    const hone__direct_gradient *g = j->g;
    const int64_t kx = r % g->x_axis.taps, c = r / g->x_axis.taps % g->x.channels;
    const int64_t ky = r / j->line;
    return g->sum + ((o * g->x.channels + c) * g->y_axis.taps + ky) * g->x_axis.taps + kx;
}

/* A few, mostly, for which a call takes longer. */
static inline void clear(float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = 0;
}

/* What tap kx of a row of outputs sees of a row of the image; NULL: a row outside. */
static void fill_line(const job *j, const float *row, int64_t kx, float *to)
{
    const hone__direct_axis *a = &j->g->x_axis;
    const int64_t n = j->g->dy.width, width = j->g->x.width, at = a->off + kx * a->step;
    const int64_t first = at < 0 ? min64(n, ceil_div(-at, a->mul)) : 0;
    const int64_t there = width > at ? ceil_div(width - at, a->mul) : 0;
    const int64_t end = row ? hone__most(first, min64(n, there)) : first;
    clear(to, first);
    clear(to + end, n - end);
    const int64_t step = a->mul * j->g->x.x;
    const float *from = row ? row + (at + first * a->mul) * j->g->x.x : NULL;
    if (step == 1 && first < end)
        memcpy(to + first, from, (size_t)(end - first) * sizeof *to);
    else if (step == 2)
        hone__every_second(end - first, to + first, from);
    else
        for (int64_t i = first; i < end; i++, from += step)
            to[i] = *from;
}

/* Rows of the image that outputs of rows [begin, end) see, those outside, too. */
static int64_t first_row(const job *j, int64_t begin)
{
    return begin * j->g->y_axis.mul + j->g->y_axis.off;
}

static int64_t rows_seen(const job *j, int64_t outputs)
{
    return (outputs - 1) * j->g->y_axis.mul + j->g->y_axis.taps;
}

static void fill_band(const job *j, const place *p, int64_t sample, int64_t begin, int64_t end)
{
    const int thread = p->thread, n_threads = p->n_threads;
    const hone__image *x = &j->g->x, *dy = &j->g->dy;
    const int64_t first = first_row(j, begin), all = rows_seen(j, end - begin);
    const int64_t stop = hone__cut(all, n_threads, thread + 1);
    for (int64_t r = hone__cut(all, n_threads, thread); r < stop; r++) {
        const int64_t y = first + r;
        float *to = p->a + r * j->line * j->pitch;
        for (int64_t i = 0; i < j->line; i++, to += j->pitch) {
            const float *plane = x->p + sample * x->sample + i / j->g->x_axis.taps * x->channel;
            fill_line(j, y < 0 || y >= x->height ? NULL : plane + y * x->y, i % j->g->x_axis.taps,
                      to);
        }
    }
    const int64_t from = begin + hone__cut(end - begin, n_threads, thread);
    const int64_t upto = begin + hone__cut(end - begin, n_threads, thread + 1);
    if (from < upto)
        hone__gather_pixels(dy, sample, from, upto, p->dy + (from - begin) * dy->width * j->out);
}

/* Rows [r0, r1) of a panel of `cols` columns at `at` of [rows, out]. */
typedef struct {
    int64_t r0, r1, at, cols;
} tile;

/* sum += chain. */
static void add(const job *j, const float *chain, const tile *t)
{
    for (int64_t r = t->r0; r < t->r1; r++)
        for (int64_t o = t->at; o < t->at + t->cols; o++)
            j->sum[r * j->out + o] += chain[r * j->out + o];
}

static void run_tile(const job *j, const place *p, const tile *t, int64_t begin, int64_t end)
{
    const hone__image *dy = &j->g->dy;
    float *const c = j->many ? p->chain : j->sum;
    hone__gemm_tile g = { .k = dy->width,
                          .a_rs = j->pitch,
                          .a_cs = 1,
                          .b_rs = j->out,
                          .c = c + t->r0 * j->out + t->at,
                          .c_rs = j->out,
                          .mr = (int)(t->r1 - t->r0),
                          .nr = (int)t->cols };
    for (int64_t y = begin; y < end; y++) {
        const int64_t row = first_row(j, y) - first_row(j, begin);
        g.a = p->a + (row * j->line + t->r0) * j->pitch;
        g.b = p->dy + (y - begin) * dy->width * j->out + t->at;
        g.resume = !j->many || y > 0;
        j->kernel->tile(&g);
    }
    if (j->many && j->group == 0 && end == dy->height)
        add(j, p->chain, t);
}

static void run_sample(const job *j, const place *p, int64_t sample)
{
    const hone__direct_gradient *g = j->g;
    const int64_t panels = hone__panels(j->kernel, j->out), items = j->parts * panels;
    const int64_t first = hone__cut(items, p->n_threads, p->thread),
                  stop = hone__cut(items, p->n_threads, p->thread + 1);
    for (int64_t b = 0; b < j->bands; b++) {
        const int64_t begin = hone__cut(g->dy.height, j->bands, b);
        const int64_t end = hone__cut(g->dy.height, j->bands, b + 1);
        hone__meet(p->n_threads); /* nobody is in the band before */
        fill_band(j, p, sample, begin, end);
        hone__meet(p->n_threads);
        for (int64_t i = first; i < stop; i++) {
            const int64_t at = hone__panel(j->kernel, j->out, i % panels);
            const tile t = { hone__cut(j->rows, j->parts, i / panels),
                             hone__cut(j->rows, j->parts, i / panels + 1), at,
                             hone__panel(j->kernel, j->out, i % panels + 1) - at };
            run_tile(j, p, &t, begin, end);
        }
    }
}

/* A group's samples, cut over threads; then rows of the sum are. */
static void run_group(const job *j, place p, int64_t first, int thread, int n_threads,
                      const tile *mine)
{
    const int64_t samples = min64(j->group, j->g->n - first);
    const int64_t stop = hone__cut(samples, n_threads, thread + 1);
    for (int64_t s = hone__cut(samples, n_threads, thread); s < stop; s++) {
        p.chain = j->chains + s * j->chain;
        run_sample(j, &p, first + s);
    }
    hone__meet(n_threads);
    for (int64_t s = 0; s < samples; s++)
        add(j, j->chains + s * j->chain, mine);
    hone__meet(n_threads);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const hone__direct_gradient *g = j->g;
    const tile mine = { hone__cut(j->rows, n_threads, thread),
                        hone__cut(j->rows, n_threads, thread + 1), 0, g->dy.channels };
    for (int64_t r = mine.r0; r < mine.r1; r++)
        for (int64_t o = 0; o < g->dy.channels; o++)
            j->sum[r * j->out + o] = *weight_of(j, r, o);
    place p = { .chain = j->chains, .thread = thread, .n_threads = n_threads };
    p.a = j->bands_at;
    if (j->group > 0) {
        p.a += thread * j->band;
        p.thread = 0;
        p.n_threads = 1;
    }
    p.dy = p.a + j->a;
    for (int64_t s = 0; s < g->n; s += hone__most(1, j->group))
        if (j->group > 0)
            run_group(j, p, s, thread, n_threads, &mine);
        else
            run_sample(j, &p, s);
    hone__meet(n_threads);
    for (int64_t r = mine.r0; r < mine.r1; r++)
        for (int64_t o = 0; o < g->dy.channels; o++)
            *weight_of(j, r, o) = j->sum[r * j->out + o];
}

bool hone__few_add_weight(const hone__direct_gradient *g)
{
    job j = { .g = g,
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .line = g->x.channels * g->x_axis.taps,
              .out = hone__padded(g->dy.channels) };
    j.rows = j.line * g->y_axis.taps;
    j.pitch = hone__point(g->dy.width);
    j.many = g->dy.height * g->dy.width >= g->many_positions;
    const int64_t line_bytes = g->dy.width * j.out * (int64_t)sizeof(float);
    j.bands = min64(g->dy.height, ceil_div(g->dy.height * line_bytes, BAND_BYTES));
    const int64_t band = ceil_div(g->dy.height, j.bands);
    const int64_t nr = hone__panel(j.kernel, j.out, 1);
    j.parts = ceil_div(j.rows, hone__gemm_tile_rows(j.kernel, (int)nr, g->dy.width, 1));
    const double flops =
        2.0 * (double)(g->n * g->dy.height * g->dy.width) * (double)(j.rows * j.out);
    const int64_t items = j.parts * hone__panels(j.kernel, j.out);
    const int64_t chains = j.many ? g->n / LEAST_SAMPLES : 0;
    const int threads =
        hone__team_for(flops / j.kernel->flops_per_ns, chains > items ? chains : items);
    const size_t sum = hone__floats(j.rows * j.out),
                 a = hone__floats(rows_seen(&j, band) * j.line * j.pitch);
    const size_t both = a + hone__floats(band * g->dy.width * j.out);
    if (threads > 1 && chains >= threads)
        j.group = min64(g->n, hone__most(threads, GROUP_BYTES / (int64_t)sum));
    const size_t before = sum + hone__bytes(hone__most(1, j.group), sum);
    const size_t bytes = before + hone__bytes(j.group > 0 ? threads : 1, both);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.sum = (float *)(void *)all;
    j.chains = (float *)(void *)(all + sum);
    j.bands_at = (float *)(void *)(all + before);
    j.chain = (int64_t)(sum / sizeof(float));
    j.a = (int64_t)(a / sizeof(float));
    j.band = (int64_t)(both / sizeof(float));
    if (j.out != g->dy.channels) /* outputs of none */
        memset(all, 0, bytes);
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

/* tap_samples.c: a convolution of one tap with few outputs a sample (direct.h): the weight, read where it lies, by what
 * as many samples see as fill the product's columns, side by side. */
#include "loops/direct.h"

#include "loops/image_parts.h"

enum { LEAST_POSITIONS = 9, MOST_POSITIONS = 24, FEW_SAMPLES = 4, ROWS = 16, MOST_COLUMNS = 64 };

typedef struct {
    const hone__direct *d;
    const hone__gemm_kernel *kernel;
    hone__gemm_epilogue finish;
    int64_t positions, samples, groups; /* samples of a group */
    int64_t parts;                      /* of the outputs */
    char *rooms;
    size_t room_bytes;
} job;

/* Samples whose outputs fill whole vectors. */
static int64_t samples_of(const hone__gemm_kernel *kernel, int64_t positions)
{
    return kernel->nr / positions;
}

bool hone__tap_samples_suits(int64_t n, int64_t positions)
{
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[HONE__GEMM_F32];
    if (n < FEW_SAMPLES || positions < LEAST_POSITIONS ||
        positions > min64(MOST_POSITIONS, kernel->nr))
        return false;
    const int64_t columns = min64(n, samples_of(kernel, positions)) * positions;
    return 10 * columns >= 9 * hone__up(columns, kernel->vl);
}

/* What outputs of a plane see, one after the other. */
static void fill_plane(const job *j, const float *plane, float *to)
{
    const hone__direct *d = j->d;
    const int64_t width = d->out.width;
    for (int64_t y = 0; y < d->out.height; y++, to += width) {
        const float *const row = plane + y * d->y.mul * d->in.y;
        for (int64_t x = 0; x < width; x++)
            to[x] = row[x * d->x.mul];
    }
}

/* B [channels, nr]: samples [first, end). */
static void fill(const job *j, int64_t first, int64_t end, float *b)
{
    const hone__image *in = &j->d->in;
    for (int64_t c = 0; c < in->channels; c++, b += j->kernel->nr) {
        const float *plane = in->p + first * in->sample + c * in->channel;
        for (int64_t s = first; s < end; s++, plane += in->sample)
            fill_plane(j, plane, b + (s - first) * j->positions);
    }
}

/* Rows [row, row + rows) of the results lie nr elements apart. */
static void spread(const job *j, int64_t first, int64_t end, int64_t row, int64_t rows,
                   const float *c)
{
    const hone__image *out = &j->d->out;
    for (int64_t r = 0; r < rows; r++, c += j->kernel->nr) {
        float *to = out->p + first * out->sample + (row + r) * out->channel;
        for (int64_t s = first; s < end; s++, to += out->sample)
            memcpy(to, c + (s - first) * j->positions, (size_t)j->positions * sizeof *to);
    }
}

static void run_part(const job *j, int64_t first, int64_t end, int64_t row, int64_t row_end,
                     const float *b)
{
    const hone__direct *d = j->d;
    float c[ROWS * MOST_COLUMNS];
    hone__gemm_tile t = { .k = d->in.channels,
                          .a_rs = d->w_out,
                          .a_cs = d->w_in,
                          .b = b,
                          .b_rs = j->kernel->nr,
                          .c = c,
                          .c_rs = j->kernel->nr,
                          .nr = (int)((end - first) * j->positions),
                          .finish = d->bias ? &j->finish : NULL };
    const int most = hone__gemm_tile_rows(j->kernel, t.nr, t.k, 1);
    const int64_t parts = ceil_div(row_end - row, min64(most, ROWS));
    for (int64_t i = 0; i < parts; i++) {
        const int64_t at = row + hone__cut(row_end - row, parts, i);
        t.mr = (int)(row + hone__cut(row_end - row, parts, i + 1) - at);
        t.a = d->weight + at * d->w_out;
        t.bias = d->bias ? d->bias + at * d->bias_step : NULL;
        j->kernel->tile(&t);
        spread(j, first, end, at, t.mr, c);
    }
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    float *const b = (float *)(void *)(j->rooms + j->room_bytes * (size_t)thread);
    const int64_t items = j->groups * j->parts, stop = hone__cut(items, n_threads, thread + 1);
    const int64_t n = j->d->n, outputs = j->d->out.channels;
    int64_t filled = -1;
    for (int64_t i = hone__cut(items, n_threads, thread); i < stop; i++) {
        const int64_t group = i / j->parts, part = i % j->parts;
        const int64_t first = hone__cut(n, j->groups, group),
                      end = hone__cut(n, j->groups, group + 1);
        if (group != filled)
            fill(j, first, end, b);
        filled = group;
        run_part(j, first, end, hone__cut(outputs, j->parts, part),
                 hone__cut(outputs, j->parts, part + 1), b);
    }
}

bool hone__tap_samples_run(const hone__direct *d)
{
    job j = { .d = d,
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .finish = { .alpha = 1, .bias_rs = d->bias_step },
              .positions = d->out.height * d->out.width };
    j.samples = samples_of(j.kernel, j.positions);
    j.groups = ceil_div(d->n, j.samples);
    j.parts = ceil_div(d->out.channels, 64);
    const double flops =
        2.0 * (double)(d->n * j.positions) * (double)d->in.channels * (double)d->out.channels;
    const int threads = hone__team_for(flops / j.kernel->flops_per_ns, j.groups * j.parts);
    j.room_bytes = hone__floats(d->in.channels * j.kernel->nr);
    const size_t bytes = hone__bytes(threads, j.room_bytes);
    if (!(j.rooms = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(j.rooms, bytes);
    return true;
}

/* direct_weight.c: the gradient by the weight (direct.h), in steps of a few samples: their pixels are
 * copied to where channels lie side by side; then, tap by tap and for a few channels at a time, the
 * pixels that a tap sees are copied below each other and multiplied by dy's. */
#include "loops/direct.h"

#include "loops/image_parts.h"

enum { CHANNELS = 64, K = 1024, MOST_K = 2048 };

typedef struct {
    const hone__direct_gradient *g;
    const hone__gemm_kernel *kernel;
    int64_t taps, in, out; /* channels of pixels with padding */
    int64_t positions, samples;
    bool apart;          /* a sample's sum waits beside the others' */
    float *sum, *x, *dy; /* [channels * taps, out]; pixels of a step, dy's panel by panel */
    char *rooms;
    size_t room_bytes;
} job;

static void copy_channels(float *to, const float *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += HONE__IMAGE_CHANNELS)
        memcpy(to + i, from + i, HONE__IMAGE_CHANNELS * sizeof *to);
}

/* What a tap sees at positions [begin, end) of a step, of `many` channels from c on. */
static void pack(const job *j, int64_t tap, int64_t c, int64_t many, int64_t begin, int64_t end,
                 float *to)
{
    const hone__direct_gradient *g = j->g;
    const int64_t width = g->dy.width, ky = tap / g->x_axis.taps, kx = tap % g->x_axis.taps;
    const int64_t off_y = g->y_axis.off + ky * g->y_axis.step;
    const int64_t off_x = g->x_axis.off + kx * g->x_axis.step;
    for (int64_t at = begin; at < end;) {
        const int64_t sample = at / j->positions, place = at % j->positions;
        const int64_t y = place / width * g->y_axis.mul + off_y, first = place % width;
        const int64_t run = min64(end - at, width - first);
        const float *line = j->x + (sample * g->x.height + y) * g->x.width * j->in + c;
        const bool outside = y < 0 || y >= g->x.height;
        for (int64_t i = first; i < first + run; i++, to += many) {
            const int64_t x = i * g->x_axis.mul + off_x;
            if (outside || x < 0 || x >= g->x.width)
                memset(to, 0, (size_t)many * sizeof *to);
            else
                copy_channels(to, line + x * j->in, many);
        }
        at += run;
    }
}

static int64_t panels(const job *j)
{
    return hone__panels(j->kernel, j->out);
}

/* to [many, out] = a^T dy over k positions from `at` on; a: [k, many]. */
static void multiply(const job *j, int64_t c, int64_t many, int64_t at, int64_t k, const float *a,
                     float *to, int64_t to_rs, bool resume, const hone__gemm_epilogue *finish)
{
    const int64_t rows = min64(many, j->g->x.channels - c);
    for (int64_t p = 0; p < panels(j); p++) {
        const int64_t col = hone__panel(j->kernel, j->out, p);
        const int64_t width = hone__panel(j->kernel, j->out, p + 1) - col;
        hone__gemm_tile t = { .k = k,
                              .a_rs = 1,
                              .a_cs = many,
                              .b = j->dy + col * j->samples * j->positions + at * width,
                              .b_rs = width,
                              .c_rs = to_rs,
                              .nr = (int)width,
                              .resume = resume,
                              .finish = finish };
        hone__product_panel(j->kernel, rows, &t, a, to + col, NULL);
    }
}

static float *sum_of(const job *j, int64_t tap, int64_t c)
{
    return j->sum + (c * j->taps + tap) * j->out;
}

/* A sample whose sum waits in `part`. */
static void multiply_apart(const job *j, int64_t tap, int64_t c, int64_t many, int64_t at, float *a,
                           float *part)
{
    const int64_t rows = min64(many, j->g->x.channels - c);
    for (int64_t p0 = 0; p0 < j->positions; p0 += K) {
        const int64_t k = min64(K, j->positions - p0);
        pack(j, tap, c, many, at + p0, at + p0 + k, a);
        multiply(j, c, many, at + p0, k, a, part, j->out, p0 > 0, NULL);
    }
    for (int64_t i = 0; i < rows; i++) {
        float *const to = sum_of(j, tap, c + i);
        for (int64_t o = 0; o < j->out; o++)
            to[o] = to[o] + part[i * j->out + o];
    }
}

/* One tap's sums of a few channels over all samples of the step. */
static void run_item(const job *j, int64_t tap, int64_t c, int64_t samples, float *a, float *part)
{
    static const hone__gemm_epilogue add = { .alpha = 1, .accumulate = 1 };
    const int64_t many = min64(CHANNELS, j->in - c), sum_rs = j->taps * j->out;
    if (j->positions < j->g->many_positions) { /* one chain */
        const int64_t all = samples * j->positions;
        pack(j, tap, c, many, 0, all, a);
        multiply(j, c, many, 0, all, a, sum_of(j, tap, c), sum_rs, true, NULL);
        return;
    }
    for (int64_t s = 0; s < samples; s++) {
        const int64_t at = s * j->positions;
        if (j->apart) {
            multiply_apart(j, tap, c, many, at, a, part);
            continue;
        }
        pack(j, tap, c, many, at, at + j->positions, a);
        multiply(j, c, many, at, j->positions, a, sum_of(j, tap, c), sum_rs, false, &add);
    }
}

/* A row of pixels, or some, by panels of the product. */
static void gather_dy(const job *j, int64_t sample, int64_t begin, int64_t end, int64_t at)
{
    const hone__image *dy = &j->g->dy;
    for (int64_t p = 0; p < panels(j); p++) {
        const int64_t col = hone__panel(j->kernel, j->out, p);
        if (col >= dy->channels) /* panels of channels of none */
            break;
        const int64_t width = hone__panel(j->kernel, j->out, p + 1) - col;
        hone__image some = *dy;
        some.p += col * dy->channel;
        some.channels = min64(width, dy->channels - col);
        hone__gather_apart(&some, sample, begin, end,
                           j->dy + col * j->samples * j->positions + at * width, width);
    }
}

static void gather_share(const job *j, int64_t first, int64_t end, int thread, int n_threads)
{
    const hone__image *x = &j->g->x, *dy = &j->g->dy;
    const int64_t rows_x = (end - first) * x->height, rows_dy = (end - first) * dy->height;
    int64_t stop = hone__cut(rows_x, n_threads, thread + 1), upto;
    for (int64_t r = hone__cut(rows_x, n_threads, thread); r < stop; r = upto) {
        const int64_t sample = r / x->height;
        upto = min64(stop, (sample + 1) * x->height);
        hone__gather_pixels(x, first + sample, r % x->height, upto - sample * x->height,
                            j->x + r * x->width * j->in);
    }
    stop = hone__cut(rows_dy, n_threads, thread + 1);
    for (int64_t r = hone__cut(rows_dy, n_threads, thread); r < stop; r = upto) {
        const int64_t sample = r / dy->height;
        upto = min64(stop, (sample + 1) * dy->height);
        gather_dy(j, first + sample, r % dy->height, upto - sample * dy->height, r * dy->width);
    }
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    float *const a = (float *)(void *)(j->rooms + j->room_bytes * (size_t)thread);
    float *const part = a + MOST_K * CHANNELS;
    const int64_t blocks = ceil_div(j->in, CHANNELS), items = blocks * j->taps;
    const int64_t rows = j->g->x.channels * j->taps;
    const int64_t row = hone__cut(rows, n_threads, thread),
                  mine = hone__cut(rows, n_threads, thread + 1) - row;
    const bool turned = j->sum != j->g->sum;
    if (turned)
        j->kernel->transpose(mine, j->g->dy.channels, j->sum + row * j->out, j->out,
                             j->g->sum + row, rows);
    const int64_t begin = hone__cut(items, n_threads, thread),
                  end = hone__cut(items, n_threads, thread + 1);
    for (int64_t first = 0; first < j->g->n; first += j->samples) {
        const int64_t last = min64(first + j->samples, j->g->n);
        hone__meet(n_threads); /* nobody is in the step before */
        gather_share(j, first, last, thread, n_threads);
        hone__meet(n_threads);
        for (int64_t i = begin; i < end; i++)
            run_item(j, i % j->taps, i / j->taps * CHANNELS, last - first, a, part);
    }
    hone__meet(n_threads);
    if (turned)
        j->kernel->transpose(j->g->dy.channels, mine, j->g->sum + row, rows, j->sum + row * j->out,
                             j->out);
}

static bool is_identity(const hone__direct_axis *a)
{
    return a->taps == 1 && a->mul == 1 && a->off == 0;
}

/* One tap that sees every pixel: with x and dy in each other's place the sums lie as they are asked for. */
static bool exchanges(const hone__direct_gradient *g)
{
    return is_identity(&g->y_axis) && is_identity(&g->x_axis) &&
           g->x.channels % HONE__IMAGE_CHANNELS == 0;
}

bool hone__direct_add_weight(const hone__direct_gradient *given)
{
    hone__direct_gradient exchanged = *given;
    const bool in_place = exchanges(given);
    if (in_place) {
        exchanged.x = given->dy;
        exchanged.dy = given->x;
    }
    const hone__direct_gradient *const g = &exchanged;
    job j = { .g = g,
              .kernel = &hone__k->gemm.of[HONE__GEMM_F32],
              .taps = g->y_axis.taps * g->x_axis.taps,
              .in = hone__padded(g->x.channels),
              .out = hone__padded(g->dy.channels),
              .positions = g->dy.height * g->dy.width };
    j.samples = min64(g->n, j.positions < K ? K / j.positions : 1);
    const double flops = 2.0 * (double)(g->n * j.positions * j.taps) * (double)(j.in * j.out);
    const int threads =
        hone__team_for(flops / j.kernel->flops_per_ns, ceil_div(j.in, CHANNELS) * j.taps);
    j.apart = j.positions > MOST_K && j.positions >= g->many_positions;
    j.room_bytes = hone__floats(MOST_K * CHANNELS) + (j.apart ? hone__floats(CHANNELS * j.out) : 0);
    const size_t sum = in_place ? 0 : hone__floats(g->x.channels * j.taps * j.out);
    const size_t x = hone__floats(j.samples * g->x.height * g->x.width * j.in);
    const size_t bytes = sum + x + hone__floats(j.samples * j.positions * j.out) +
                         hone__bytes(threads, j.room_bytes);
    char *const all = hone__pool_alloc(bytes);
    if (!all)
        return false;
    j.sum = in_place ? g->sum : (float *)(void *)all;
    j.x = (float *)(void *)(all + sum);
    j.dy = (float *)(void *)(all + sum + x);
    j.rooms = all + bytes - hone__bytes(threads, j.room_bytes);
    if (j.in != g->x.channels || j.out != g->dy.channels) /* channels of none */
        memset(all, 0, bytes - hone__bytes(threads, j.room_bytes));
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

/* depthwise_weight.c: the gradient of a depthwise convolution's weight (direct.h). A few channels,
 * whose pixels are copied to where they lie side by side, go through all samples. */
#include "loops/image_parts.h"

enum { CHANNELS = 64 };

typedef struct {
    const hone__direct_gradient *g;
    const hone__image_kernels *images;
    int64_t taps, each; /* channels of an item */
    hone__frame frame;
    char *rooms;
    size_t room_bytes, compact_bytes, x_bytes, dy_bytes, sum_bytes;
} job;

/* [taps][padded channels]: of a sample, and of all. */
typedef struct {
    float *compact, *x, *dy, *part, *sum;
} room;

static room room_of(const job *j, int thread)
{
    char *at = j->rooms + j->room_bytes * (size_t)thread;
    room r = { .compact = (float *)(void *)at };
    r.x = (float *)(void *)(at += j->compact_bytes);
    r.dy = (float *)(void *)(at += j->x_bytes);
    r.part = (float *)(void *)(at += j->dy_bytes);
    r.sum = (float *)(void *)(at + j->sum_bytes);
    return r;
}

/* Goes on with the sums over a sample's positions. */
static void run_sample(const job *j, const room *r, int64_t padded, float *sums)
{
    const hone__direct_gradient *g = j->g;
    const float *a[HONE__DIRECT_TAPS];
    float *to[HONE__DIRECT_TAPS];
    for (int64_t row = 0; row < g->dy.height; row++) {
        int n = 0;
        for (int64_t ky = 0, y; ky < g->y_axis.taps; ky++) {
            if (!hone__place_of(&g->y_axis, row, ky, &y) || y < 0 || y >= g->x.height)
                continue;
            for (int64_t kx = 0, x = 0; kx < g->x_axis.taps; kx++) {
                hone__place_of(&g->x_axis, 0, kx, &x);
                a[n] = r->x + (y * j->frame.columns + x + j->frame.left) * padded;
                to[n++] = sums + (ky * g->x_axis.taps + kx) * padded;
            }
        }
        j->images->depthwise_weight(&(hone__depthwise){ .channels = padded,
                                                        .n = g->dy.width,
                                                        .taps = n,
                                                        .a = a,
                                                        .a_step = g->x_axis.mul * padded,
                                                        .out = r->dy + row * g->dy.width * padded,
                                                        .out_step = padded,
                                                        .sums = to });
    }
}

/* Channels [begin, end), at most j->each. */
static void run_channels(const job *j, const room *r, int64_t begin, int64_t end)
{
    const hone__direct_gradient *g = j->g;
    const int64_t padded = hone__padded(end - begin);
    hone__image x = g->x, dy = g->dy;
    x.p += begin * x.channel;
    dy.p += begin * dy.channel;
    x.channels = dy.channels = end - begin;
    const hone__frame frame = { j->frame.left, j->frame.columns, padded };
    const bool after = dy.height * dy.width >= g->many_positions;
    float *const own = g->sum + begin * j->taps;
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[HONE__GEMM_F32];
    memset(r->compact, 0, j->room_bytes); /* channels of none */
    kernel->transpose(j->taps, end - begin, r->sum, padded, own, j->taps);
    for (int64_t s = 0; s < g->n; s++) {
        hone__frame_pixels(&x, s, 0, x.height, &frame, r->compact, r->x);
        hone__gather_pixels(&dy, s, 0, dy.height, r->dy);
        if (!after) {
            run_sample(j, r, padded, r->sum);
            continue;
        }
        memset(r->part, 0, j->sum_bytes);
        run_sample(j, r, padded, r->part);
        for (int64_t i = 0; i < j->taps * padded; i++)
            r->sum[i] = r->sum[i] + r->part[i];
    }
    kernel->transpose(end - begin, j->taps, own, j->taps, r->sum, padded);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const room r = room_of(j, thread);
    const int64_t channels = j->g->x.channels, items = ceil_div(channels, j->each);
    const int64_t end = hone__cut(items, n_threads, thread + 1);
    for (int64_t i = hone__cut(items, n_threads, thread); i < end; i++)
        run_channels(j, &r, i * j->each, min64((i + 1) * j->each, channels));
}

bool hone__depthwise_add_weight(const hone__direct_gradient *g)
{
    job j = { .g = g, .images = hone__images(), .taps = g->y_axis.taps * g->x_axis.taps };
    hone__choose_columns(&g->x_axis, g->x.width, g->dy.width, &j.frame);
    const int64_t positions = g->dy.height * g->dy.width, channels = g->x.channels;
    const double ns = (double)(g->n * positions * j.taps) * (double)channels / 8;
    const int threads = hone__team_for(ns, ceil_div(channels, HONE__IMAGE_CHANNELS));
    j.each = min64(CHANNELS, hone__padded(ceil_div(channels, threads)));
    j.compact_bytes = hone__floats(g->x.height * g->x.width * j.each);
    j.x_bytes = hone__floats(g->x.height * j.frame.columns * j.each);
    j.dy_bytes = hone__floats(positions * j.each);
    j.sum_bytes = hone__floats(j.taps * j.each);
    j.room_bytes = j.compact_bytes + j.x_bytes + j.dy_bytes + 2 * j.sum_bytes;
    const size_t bytes = hone__bytes(threads, j.room_bytes);
    if (!(j.rooms = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(j.rooms, bytes);
    return true;
}

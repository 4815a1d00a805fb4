/* channel_runs.c: see channel_runs.h. A stretch is one channel's positions of a sample, or, where
 * there is one position, all channels of a sample. */
#include "loops/channel_runs.h"

#include "isa/images.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 0.2
#define NS_PER_STRETCH 5.0

enum { NEAR = 1024, NEAR_PLANES = 16384, BUFFER_BYTES = 1 << 16 };

typedef struct {
    const hone__channel_run *r;
    int64_t size, length; /* bytes of an element; elements of a stretch */
    int64_t number_size;  /* bytes of what is known of a channel */
    char *out, *out2, *room;
    const char *dy, *x;
} job;

/* The channels of stretch i. */
static hone__channels channels_of(const job *j, int64_t i)
{
    hone__channels c = j->r->of;
    c.step = j->r->positions == 1;
    if (c.step)
        return c;
    const int64_t at = i % j->r->channels * j->number_size;
    const void **const numbers[] = { &c.base, &c.scale,  &c.offset, &c.weight,
                                     &c.bias, &c.mean_g, &c.mean_gv };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (*numbers[k])
            *numbers[k] = (const char *)*numbers[k] + at;
    return c;
}

/* Stretches from i on that are done at once: short ones of a sample in a call for all of them. */
static int64_t stop_of(const job *j, int64_t i, int64_t end)
{
    const bool planes = j->r->dtype != HONE_F64 && j->length <= hone__reduce_block(HONE_F32);
    const int64_t near = planes && j->r->positions > 1 ? NEAR_PLANES : NEAR; /* no buffer */
    const int64_t stop = hone__min(end, i + 1 + near / j->length), channels = j->r->channels;
    return j->r->positions == 1 ? stop : hone__min(stop, (i / channels + 1) * channels);
}

/* Calls body for all stretches, cut over threads. */
static void run(job *j, double ns, hone__range_body body)
{
    const hone__channel_run *r = j->r;
    const bool across = r->positions == 1;
    j->size = (int64_t)hone_dtype_size(r->dtype);
    j->number_size = r->dtype == HONE_F64 ? sizeof(double) : sizeof(float);
    j->length = across ? r->channels : r->positions;
    hone__parallel_for(across ? r->samples : r->samples * r->channels, 1,
                       ns * (double)j->length + NS_PER_STRETCH, body, j);
}

/* Stretches [begin, end) of one sample for the kernels of planes; false: there are none. */
static bool as_planes(const job *j, int64_t begin, int64_t end, hone__norm_planes *p)
{
    const hone__channels c = channels_of(j, begin);
    const int64_t bytes = j->length * j->size;
    *p = (hone__norm_planes){ .planes = end - begin,
                              .n = j->length,
                              .x = j->x + begin * bytes,
                              .base = c.base,
                              .scale = c.scale,
                              .offset = c.offset,
                              .weight = c.weight,
                              .bias = c.bias,
                              .mean_g = c.mean_g,
                              .mean_gv = c.mean_gv,
                              .relu = j->r->relu,
                              .narrow = j->r->dtype == HONE_BF16 };
    if (j->dy)
        p->dy = j->dy + begin * bytes;
    return j->r->dtype != HONE_F64 && c.step == 0;
}

/* y of stretches [begin, end), of which the first goes to `to`. */
static void normalise_to(const job *j, int64_t begin, int64_t end, char *to)
{
    const int64_t bytes = j->length * j->size;
    for (int64_t i = begin; i < end; i++, to += bytes) {
        const hone__channels c = channels_of(j, i);
        hone__k->batch_norm[j->r->dtype](j->length, to, j->x + i * bytes, &c);
    }
}

static void normalise(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size;
    for (int64_t i = begin, stop; i < end; i = stop) {
        hone__norm_planes p;
        char *const to = j->out + i * bytes;
        stop = stop_of(j, i, end);
        if (as_planes(j, i, stop, &p)) {
            p.out = to;
            hone__images()->norm_planes(&p);
            continue;
        }
        normalise_to(j, i, stop, to);
        if (j->r->relu)
            hone__k->unary[HONE__K_RELU][j->r->dtype]((stop - i) * j->length, to, 1, to, 1);
    }
}

void hone__channels_normalise(const hone__channel_run *r, void *y, const void *x)
{
    run(&(job){ .r = r, .out = y, .x = x }, NS_PER_ELEMENT, normalise);
}

/* What passes a ReLU of the dy of stretches [begin, end). */
static void pass(const job *j, int64_t begin, int64_t end, char *to)
{
    const int64_t bytes = j->length * j->size;
    hone__norm_planes p;
    if (as_planes(j, begin, end, &p)) {
        p.out = to;
        hone__images()->norm_pass_planes(&p);
        return;
    }
    normalise_to(j, begin, end, to);
    hone__k->binary[HONE__K_RELU_BACKWARD][j->r->dtype]((end - begin) * j->length, to, 1,
                                                        j->dy + begin * bytes, 1, to, 1);
}

static void sums(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size, each = j->r->positions == 1 ? bytes : j->number_size;
    _Alignas(64) char buffer[BUFFER_BYTES];
    for (int64_t i = begin, stop; i < end; i = stop) {
        hone__norm_planes p;
        const char *dy = j->dy + i * bytes;
        stop = stop_of(j, i, end);
        if (as_planes(j, i, stop, &p) && p.n <= hone__reduce_block(HONE_F32)) {
            p.g = (float *)(void *)(j->out + i * each);
            p.gv = (float *)(void *)(j->out2 + i * each);
            hone__images()->norm_sums_planes(&p);
            continue;
        }
        if (j->r->relu) {
            char *const to = j->room ? j->room + i * bytes : buffer;
            pass(j, i, stop, to);
            dy = to;
        }
        for (int64_t k = i; k < stop; k++, dy += bytes) {
            const hone__channels c = channels_of(j, k);
            hone__k->batch_norm_sums[j->r->dtype](j->length, j->out + k * each, j->out2 + k * each,
                                                  dy, j->x + k * bytes, &c);
        }
    }
}

size_t hone__channels_room(const hone__channel_run *r)
{
    const int64_t size = (int64_t)hone_dtype_size(r->dtype);
    const int64_t length = r->positions == 1 ? r->channels : r->positions;
    const bool large = r->relu && r->dtype != HONE_BF16 && (length + NEAR) * size > BUFFER_BYTES;
    return large ? hone__bytes(r->samples * r->channels, hone__bytes(r->positions, (size_t)size))
                 : 0;
}

void hone__channels_sums(const hone__channel_run *r, void *g, void *gv, const void *dy,
                         const void *x, void *room)
{
    run(&(job){ .r = r, .out = g, .out2 = gv, .dy = dy, .x = x, .room = room }, NS_PER_ELEMENT,
        sums);
}

static void dx_of(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size;
    for (int64_t i = begin, stop; i < end; i = stop) {
        hone__norm_planes p;
        stop = stop_of(j, i, end);
        if (as_planes(j, i, stop, &p)) {
            p.out = j->out + i * bytes;
            hone__images()->norm_dx_planes(&p);
            continue;
        }
        if (j->r->relu)
            pass(j, i, stop, j->out + i * bytes);
        const char *const dy = j->r->relu ? j->out : j->dy;
        for (int64_t k = i; k < stop; k++) {
            const hone__channels c = channels_of(j, k);
            hone__k->batch_norm_dx[j->r->dtype](j->length, j->out + k * bytes, dy + k * bytes,
                                                j->x + k * bytes, &c);
        }
    }
}

void hone__channels_dx(const hone__channel_run *r, void *dx, const void *dy, const void *x)
{
    run(&(job){ .r = r, .out = dx, .dy = dy, .x = x }, NS_PER_ELEMENT, dx_of);
}

/* Channels [begin, end). */
static void chain(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone_dtype dtype = j->r->dtype == HONE_BF16 ? HONE_F32 : j->r->dtype;
    const hone__binary_fn add = hone__k->binary[HONE__K_ADD][dtype];
    char *sum = j->out + begin * j->size;
    for (int64_t n = 0; n < j->r->samples; n++)
        add(end - begin, sum, 1, sum, 1, j->x + (n * j->r->channels + begin) * j->size, 1);
}

void hone__channels_chain(const hone__channel_run *r, void *sum, const void *sums_)
{
    const bool wide = r->dtype == HONE_F64;
    job j = { .r = r, .size = wide ? sizeof(double) : sizeof(float), .out = sum, .x = sums_ };
    hone__parallel_for(r->channels, 16, NS_PER_ELEMENT * (double)r->samples, chain, &j);
}

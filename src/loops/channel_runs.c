/* channel_runs.c: see channel_runs.h. A stretch is one channel's positions of a sample, or, where
 * there is one position, all channels of a sample. */
#include "loops/channel_runs.h"

#include "runtime/parallel.h"

#define NS_PER_ELEMENT 0.2
#define NS_PER_STRETCH 5.0

typedef struct {
    const hone__channel_run *r;
    int64_t size, length; /* bytes of an element; elements of a stretch */
    char *out, *out2;
    const char *dy, *x;
} job;

/* The channels of stretch i. */
static hone__channels channels_of(const job *j, int64_t i)
{
    hone__channels c = j->r->of;
    c.step = j->r->positions == 1;
    if (c.step)
        return c;
    const int64_t at = i % j->r->channels * j->size;
    const void **const numbers[] = { &c.base, &c.scale,  &c.offset, &c.weight,
                                     &c.bias, &c.mean_g, &c.mean_gv };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (*numbers[k])
            *numbers[k] = (const char *)*numbers[k] + at;
    return c;
}

/* Calls body for all stretches, cut over threads. */
static void run(job *j, double ns, hone__range_body body)
{
    const hone__channel_run *r = j->r;
    const bool across = r->positions == 1;
    j->size = (int64_t)hone_dtype_size(r->dtype);
    j->length = across ? r->channels : r->positions;
    hone__parallel_for(across ? r->samples : r->samples * r->channels, 1,
                       ns * (double)j->length + NS_PER_STRETCH, body, j);
}

static void normalise(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size;
    for (int64_t i = begin; i < end; i++) {
        const hone__channels c = channels_of(j, i);
        hone__k->batch_norm[j->r->dtype](j->length, j->out + i * bytes, j->x + i * bytes, &c);
    }
}

void hone__channels_normalise(const hone__channel_run *r, void *y, const void *x)
{
    run(&(job){ .r = r, .out = y, .x = x }, NS_PER_ELEMENT, normalise);
}

static void sums(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size, each = j->r->positions == 1 ? bytes : j->size;
    for (int64_t i = begin; i < end; i++) {
        const hone__channels c = channels_of(j, i);
        hone__k->batch_norm_sums[j->r->dtype](j->length, j->out + i * each, j->out2 + i * each,
                                              j->dy + i * bytes, j->x + i * bytes, &c);
    }
}

void hone__channels_sums(const hone__channel_run *r, void *g, void *gv, const void *dy,
                         const void *x)
{
    run(&(job){ .r = r, .out = g, .out2 = gv, .dy = dy, .x = x }, NS_PER_ELEMENT, sums);
}

static void dx_of(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t bytes = j->length * j->size;
    for (int64_t i = begin; i < end; i++) {
        const hone__channels c = channels_of(j, i);
        hone__k->batch_norm_dx[j->r->dtype](j->length, j->out + i * bytes, j->dy + i * bytes,
                                            j->x + i * bytes, &c);
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
    const hone__binary_fn add = hone__k->binary[HONE__K_ADD][j->r->dtype];
    char *sum = j->out + begin * j->size;
    for (int64_t n = 0; n < j->r->samples; n++)
        add(end - begin, sum, 1, sum, 1, j->x + (n * j->r->channels + begin) * j->size, 1);
}

void hone__channels_chain(const hone__channel_run *r, void *sum, const void *sums_)
{
    job j = { .r = r, .size = (int64_t)hone_dtype_size(r->dtype), .out = sum, .x = sums_ };
    hone__parallel_for(r->channels, 16, NS_PER_ELEMENT * (double)r->samples, chain, &j);
}

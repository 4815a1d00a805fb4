/* conv_integers.c: convolution of integers and of the image that goes back through it, as i64, which is cut to
 * the result's dtype at the end: sums that wrap don't depend on their order. Written to be right, not fast. */
#include "ops/conv.h"

#include "loops/elementwise.h"
#include "runtime/parallel.h"

#define NS_PER_TAP 2.0

typedef struct {
    const hone__conv *c;
    int64_t *x; /* [samples, channels, in] */
    const int64_t *weight;
    int64_t *y; /* [samples, outputs, out] */
    bool back;  /* x is the result */
} job;

static int64_t places(const int64_t *extent)
{
    return extent[0] * extent[1] * extent[2];
}

/* Where tap `tap` of the window of place `at` lies; -1: in the padding. */
static int64_t place_of(const hone__conv *c, int64_t at, int64_t tap)
{
    int64_t place = 0, step = 1;
    for (int d = 2; d >= 0; d--) {
        const int64_t i =
            at % c->out[d] * c->o.stride[d] - c->before[d] + tap % c->kernel[d] * c->o.dilation[d];
        if (i < 0 || i >= c->in[d])
            return -1;
        place += i * step;
        step *= c->in[d];
        at /= c->out[d];
        tap /= c->kernel[d];
    }
    return place;
}

/* One channel of x, the weight's for it and an output, and one of y. */
static void plane(const job *j, int64_t *x, const int64_t *weight, int64_t *y)
{
    const int64_t out = places(j->c->out), taps = places(j->c->kernel);
    for (int64_t at = 0; at < out; at++)
        for (int64_t tap = 0; tap < taps; tap++) {
            const int64_t place = place_of(j->c, at, tap);
            if (place >= 0 && j->back)
                x[place] += y[at] * weight[tap];
            else if (place >= 0)
                y[at] += x[place] * weight[tap];
        }
}

/* Groups [begin, end), counted through all samples. */
static void groups(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__conv *c = j->c;
    const int64_t in = places(c->in), out = places(c->out), taps = places(c->kernel);
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i % c->o.groups * c->group_outputs;
        int64_t *x = j->x + i * c->group_channels * in;
        int64_t *y = j->y + i * c->group_outputs * out;
        const int64_t *weight = j->weight + first * c->group_channels * taps;
        for (int64_t o = 0; o < c->group_outputs; o++)
            for (int64_t k = 0; k < c->group_channels; k++)
                plane(j, x + k * in, weight + (o * c->group_channels + k) * taps, y + o * out);
    }
}

static hone_tensor *wide(hone_tensor *t)
{
    return hone_contiguous(hone_to(t, HONE_I64));
}

bool hone__conv_of_integers(const hone__conv *c, hone_tensor *weight, hone_tensor *bias, bool back,
                            hone_tensor *out)
{
    hone_tensor *given = wide(c->a), *w = wide(weight);
    hone_tensor *sum = hone_to(hone_zeros_like(out), HONE_I64);
    if (!given || !w || !sum)
        return false;
    int64_t *from = hone__data(given), *to = hone__data(sum);
    const job j = { c, back ? to : from, hone__data(w), back ? from : to, back };
    if (out->numel > 0 && given->numel > 0)
        hone__parallel_for(c->n * c->o.groups, 1,
                           NS_PER_TAP * (double)(c->group_channels * c->group_outputs) *
                               (double)(places(c->out) * places(c->kernel)),
                           groups, (void *)&j);
    if (hone__is_real(bias)) {
        int64_t shape[5] = { bias->numel, 1, 1, 1 };
        shape[c->dims + 1] = HONE_END_DIM;
        sum = hone_add(sum, hone_reshape_v(bias, shape));
    }
    sum = hone_to(sum, (hone_dtype)out->dtype);
    return sum && hone__copy_elements(out, sum);
}

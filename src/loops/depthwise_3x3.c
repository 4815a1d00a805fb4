/* depthwise_3x3.c: convolutions of 3 x 3 taps whose channels don't meet, and their gradients, of stride 1 and 2, by
 * kernels that read planes where they lie (isa/images.h). */
#include "loops/depthwise.h"

#include "gemm/blocks.h"

static bool is_axis_of_three(const hone__direct_axis *a)
{
    if (a->taps != 3 || (a->step != 1 && a->step != -1))
        return false;
    return a->div == 1 ? a->mul == 1 || (a->mul == 2 && a->step == 1)
                       : a->div == 2 && a->step == -1;
}

bool hone__is_of_3x3(const hone__direct_axis *y, const hone__direct_axis *x)
{
    return is_axis_of_three(y) && is_axis_of_three(x) && y->mul == x->mul && y->div == x->div;
}

static bool follow_each_other(const hone__image *m)
{
    return m->channel == m->height * m->width;
}

/* Where L3 is far, prefetchers don't ask early enough for planes that pass once: it takes a third longer. For small
 * ones that aren't twins, asking takes longer than it saves; where L3 is near, for all. */
static int64_t asks_ahead(const hone__image *in, const hone__image *out, bool twins)
{
    enum { SMALL = 192, AHEAD = 1024 };
    const bool pays = twins || in->height * in->width >= SMALL;
    return pays && follow_each_other(in) && follow_each_other(out) && hone__gemm_l3_is_far() ? AHEAD
                                                                                             : 0;
}

static hone__plane_3x3 planes_of(const hone__image *in, const hone__image *out,
                                 const hone__direct_axis *y, const hone__direct_axis *x)
{
    const bool back = y->step < 0 && y->div == 1;
    hone__plane_3x3 k = { .n = out->width,
                          .rows = out->height,
                          .height = in->height,
                          .width = in->width,
                          .mul = y->mul,
                          .first = y->off - (back ? 2 : 0),
                          .across = x->off - (back ? 2 : 0),
                          .back = back,
                          .down = in->y,
                          .a_plane = in->channels == out->channels ? in->channel : 0,
                          .out_row = out->y,
                          .out_plane = out->channel };
    k.ask = asks_ahead(in, out, hone__are_twins(&k, y->div == 2));
    return k;
}

typedef struct {
    const hone__direct *d;
    const hone__direct_gradient *g;
    const hone__image_kernels *images;
    hone__plane_3x3 planes;
} job;

static void run_planes(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__direct *d = j->d;
    for (int64_t i = begin, upto; i < end; i = upto) {
        const int64_t sample = i / d->in.channels, c = i % d->in.channels;
        upto = min64(end, (sample + 1) * d->in.channels);
        hone__plane_3x3 k = j->planes;
        k.planes = upto - i;
        k.a = d->in.p + sample * d->in.sample + c * d->in.channel;
        k.out = d->out.p + sample * d->out.sample + c * d->out.channel;
        k.w = d->weight + 9 * c;
        k.bias = d->bias ? d->bias + c * d->bias_step : NULL;
        k.bias_step = d->bias_step;
        if (d->y.div == 2)
            j->images->plane_3x3_up(&k);
        else
            j->images->plane_3x3(&k);
    }
}

void hone__depthwise_3x3(const hone__direct *d, double plane_ns)
{
    job j = { .d = d, .planes = planes_of(&d->in, &d->out, &d->y, &d->x) };
    const bool twins = hone__are_twins(&j.planes, d->y.div == 2);
    j.images = twins ? hone__images() : hone__images_for(ceil_div(d->out.width, d->y.div));
    hone__parallel_for(d->n * d->in.channels, 1, plane_ns, run_planes, &j);
}

static void sum_planes(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__direct_gradient *g = j->g;
    hone__plane_3x3 k = j->planes;
    k.planes = end - begin;
    k.sum = g->sum + 9 * begin;
    for (int64_t s = 0; s < g->n; s++) {
        k.a = g->x.p + s * g->x.sample + begin * k.a_plane;
        k.out = g->dy.p + s * g->dy.sample + begin * k.out_plane;
        j->images->plane_weight_3x3(&k);
    }
}

void hone__depthwise_3x3_add_weight(const hone__direct_gradient *g, double plane_ns)
{
    job j = { .g = g,
              .images = hone__images(),
              .planes = planes_of(&g->x, &g->dy, &g->y_axis, &g->x_axis) };
    hone__parallel_for(g->dy.channels, 1, plane_ns * (double)g->n, sum_planes, &j);
}

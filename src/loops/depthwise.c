/* depthwise.c: convolutions whose channels don't meet, and their gradients (direct.h), plane by plane. A
 * band of a plane's rows is copied between columns of +0 (of a stride m: to m parts, each of every
 * m-th column), so that what a tap sees of a row of outputs lies side by side. Rows that see the same taps are one
 * call of a kernel; calls are the same for all planes. 3 x 3 taps are in depthwise_3x3.c. */
#include "loops/depthwise.h"

enum { BAND_BYTES = 1 << 18, NEAR_BYTES = 1 << 14, LANES = HONE__IMAGE_CHANNELS };

/* Outputs first_row + r * row_step for r < rows, of these o, o + div, .. (n of them). */
typedef struct {
    int64_t first_row, row_step, rows, o, n, a_row;
    int64_t at[HONE__DIRECT_TAPS]; /* in the frame, of the first output */
    uint8_t tap[HONE__DIRECT_TAPS];
    int taps;
} call;

typedef struct {
    int64_t begin, end;      /* rows of outputs */
    int64_t seen, seen_end;  /* rows of the image */
    int64_t call, calls_end; /* of all */
} band;

typedef struct {
    const hone__image *in, *out;
    const hone__direct_axis *y, *x;
    const hone__image_kernels *images;
    int64_t left, pitch; /* a row of a part: where the image begins, and all of it */
    int64_t most_seen, most_rows, padded; /* padded: outputs of a row */
    int64_t frame, group;                 /* elements of a plane's frame; planes at once */
    bool shared;                          /* one plane is that of all outputs */
    int64_t n_bands;
    band *bands;
    call *calls;
    char *rooms;
    size_t frames_bytes, rows_bytes, room_bytes;
} layout;

/* frames: so that images begin on lines. rows: of outputs that are to be joined. lanes: of the weight's
 * gradient. */
typedef struct {
    float *frames, *rows, *lanes;
} room;

static room room_of(const layout *l, int thread)
{
    char *at = l->rooms + l->room_bytes * (size_t)thread;
    memset(at, 0, l->room_bytes);
    return (room){ (float *)(void *)at + LANES - l->left % LANES,
                   (float *)(void *)(at + l->frames_bytes),
                   (float *)(void *)(at + l->frames_bytes + l->rows_bytes) };
}

/* ---- what is the same for all planes */

/* The column that the first of outputs o, o + div, .. sees with tap k, as part and place in it. */
static bool column_of(const hone__direct_axis *a, int64_t o, int64_t k, int64_t *part, int64_t *at)
{
    int64_t column;
    if (!hone__place_of(a, o, k, &column))
        return false;
    *part = (column % a->mul + a->mul) % a->mul;
    *at = (column - *part) / a->mul;
    return true;
}

/* What tap k sees of output row `row`. */
static bool row_of(const layout *l, int64_t row, int64_t k, int64_t *at)
{
    return hone__place_of(l->y, row, k, at) && *at >= 0 && *at < l->in->height;
}

static uint64_t taps_seen(const layout *l, int64_t row)
{
    uint64_t seen = 0;
    for (int64_t k = 0, at; k < l->y->taps; k++)
        seen |= (uint64_t)row_of(l, row, k, &at) << k;
    return seen;
}

static void fill_taps(const layout *l, const band *b, call *c)
{
    for (int64_t ky = 0, row; ky < l->y->taps; ky++)
        for (int64_t kx = 0, part, at; kx < l->x->taps; kx++) {
            if (!row_of(l, c->first_row, ky, &row) || !column_of(l->x, c->o, kx, &part, &at))
                continue;
            c->tap[c->taps] = (uint8_t)(ky * l->x->taps + kx);
            c->at[c->taps++] = ((row - b->seen) * l->x->mul + part) * l->pitch + l->left + at;
        }
}

static int64_t classes(const hone__direct_axis *a, int64_t outputs)
{
    return min64(a->div, outputs);
}

/* The calls of a band, from `to` on; NULL: how many. */
static int64_t make_calls(const layout *l, const band *b, call *to)
{
    const int64_t step = l->y->div, width = l->out->width;
    int64_t n = 0;
    for (int64_t first = b->begin; first < min64(b->begin + step, b->end); first++)
        for (int64_t row = first, end; row < b->end; row = end) {
            const uint64_t seen = taps_seen(l, row);
            for (end = row + step; end < b->end && taps_seen(l, end) == seen;)
                end += step;
            for (int64_t o = 0; o < classes(l->x, width); o++, n++) {
                if (!to)
                    continue;
                to[n] = (call){ .first_row = row,
                                .row_step = step,
                                .rows = (end - row) / step,
                                .o = o,
                                .n = ceil_div(width - o, l->x->div),
                                .a_row = l->y->mul * l->x->mul * l->pitch };
                fill_taps(l, b, &to[n]);
            }
        }
    return n;
}

static void choose_pitch(layout *l)
{
    int64_t least = 0, most = 0;
    for (int64_t o = 0; o < classes(l->x, l->out->width); o++)
        for (int64_t k = 0, part, at; k < l->x->taps; k++)
            if (column_of(l->x, o, k, &part, &at)) {
                least = min64(least, at);
                most = hone__most(most, at);
            }
    l->left = -least;
    const int64_t row = ceil_div(l->out->width, l->x->div);
    l->images = hone__images_for(row);
    const int64_t unit = row <= LANES / 2 ? LANES / 2 : LANES;
    l->padded = hone__up(row, unit);
    l->pitch = hone__point(
        l->left + hone__most(most + l->padded, hone__up(ceil_div(l->in->width, l->x->mul), unit)));
}

static void choose_bands(layout *l, band *to)
{
    l->most_rows = ceil_div(l->out->height, l->n_bands);
    for (int64_t i = 0, calls = 0; i < l->n_bands; i++) {
        band b = { .begin = hone__cut(l->out->height, l->n_bands, i),
                   .end = hone__cut(l->out->height, l->n_bands, i + 1),
                   .call = calls };
        hone__rows_seen(l->y, l->in->height, b.begin, b.end, &b.seen, &b.seen_end);
        l->most_seen = hone__most(l->most_seen, b.seen_end - b.seen);
        calls += make_calls(l, &b, l->calls ? l->calls + calls : NULL);
        b.calls_end = calls;
        to[i] = b;
    }
}

/* Everything; lanes: of a plane. NULL: out of memory. */
static char *lay_out(layout *l, const hone__image *in, const hone__image *out,
                     const hone__direct_axis *y, const hone__direct_axis *x, int threads,
                     int64_t lanes, size_t *bytes)
{
    *l = (layout){ .in = in, .out = out, .y = y, .x = x };
    choose_pitch(l);
    const int64_t rows = ceil_div(BAND_BYTES, l->pitch * x->mul * (int64_t)sizeof(float));
    l->n_bands = min64(out->height, ceil_div(in->height, rows));
    const size_t bands = (hone__bytes(l->n_bands, sizeof(band)) + 63) & ~(size_t)63;
    band *const temporary = hone__pool_alloc(bands);
    if (!temporary)
        return NULL;
    choose_bands(l, temporary);
    const int64_t n_calls = temporary[l->n_bands - 1].calls_end;
    hone__pool_free(temporary, bands);
    const size_t calls = (hone__bytes(n_calls, sizeof(call)) + 63) & ~(size_t)63;
    l->frame = l->most_seen * x->mul * l->pitch;
    l->shared = in->channels != out->channels;
    l->group = hone__most(
        1, min64(out->channels, NEAR_BYTES / (l->shared ? 4 * LANES * lanes : 4 * l->frame)));
    l->frames_bytes = hone__floats(LANES + (l->shared ? 1 : l->group) * l->frame);
    l->rows_bytes = x->div > 1 ? hone__floats(x->div * l->most_rows * l->padded) : 0;
    l->room_bytes = l->frames_bytes + l->rows_bytes + hone__floats(lanes * l->group * LANES);
    *bytes = bands + calls + hone__bytes(threads, l->room_bytes);
    char *const all = hone__pool_alloc(*bytes);
    if (!all)
        return NULL;
    l->bands = (band *)(void *)all;
    l->calls = (call *)(void *)(all + bands);
    l->rooms = all + bands + calls;
    choose_bands(l, l->bands);
    return all;
}

/* ---- planes */

/* A band of planes, from the first one on. */
static void fill_frames(const layout *l, const band *b, int64_t planes, const float *first,
                        float *frames)
{
    const hone__image *m = l->in;
    const int64_t parts = l->x->mul, rows = b->seen_end - b->seen;
    for (int64_t p = 0; p < planes; p++) {
        const float *from = first + p * m->channel + b->seen * m->y;
        float *to = frames + p * l->frame + l->left;
        if (parts == 1)
            l->images->plane_copy(rows, m->width, from, m->y, to, l->pitch);
        else
            l->images->plane_split(rows, m->width, parts, from, m->y, to, l->pitch);
    }
}

/* Of a call: what kernels want of both, w and bias beside. */
static hone__plane plane_of(const layout *l, const room *r, const call *c, int64_t planes,
                            int64_t taps)
{
    return (hone__plane){ .n = c->n,
                          .padded = l->padded,
                          .rows = c->rows,
                          .planes = planes,
                          .taps = c->taps,
                          .tap = c->tap,
                          .at = c->at,
                          .a = r->frames,
                          .a_row = c->a_row,
                          .a_plane = l->shared ? 0 : l->frame,
                          .out_row = c->row_step * l->out->y,
                          .out_plane = l->out->channel,
                          .w_plane = taps };
}

typedef struct {
    layout l;
    const hone__direct *d;
    int64_t groups; /* of planes in a sample */
} job;

/* Outputs o, o + div, .. of a row lie apart until the last of them are there. */
static void run_joined(const job *j, const room *r, const call *c, hone__plane k, float *out)
{
    const layout *l = &j->l;
    const int64_t planes = k.planes, part = c->rows * l->padded, step = c->row_step * l->out->y;
    k.planes = 1;
    k.out_row = l->padded;
    for (int64_t p = 0; p < planes; p++, out += l->out->channel) {
        for (int64_t o = 0; o < classes(l->x, l->out->width); o++) {
            k.n = c[o].n;
            k.taps = c[o].taps;
            k.tap = c[o].tap;
            k.at = c[o].at;
            k.out = r->rows + o * part;
            l->images->plane(&k);
        }
        for (int64_t row = 0; row < c->rows; row++)
            l->images->plane_join(l->out->width, l->x->div, r->rows + row * l->padded, part,
                                  out + row * step);
        k.a += k.a_plane;
        k.w += k.w_plane;
        k.bias = k.bias ? k.bias + k.bias_step : NULL;
    }
}

/* A band of planes of a sample, from channel c on. */
static void run_band(const job *j, const room *r, const band *b, int64_t sample, int64_t c,
                     int64_t planes)
{
    const layout *l = &j->l;
    const hone__direct *d = j->d;
    const int64_t taps = d->y.taps * d->x.taps, each = classes(l->x, l->out->width);
    float *const out = d->out.p + sample * d->out.sample + c * d->out.channel;
    fill_frames(l, b, planes, d->in.p + sample * d->in.sample + c * d->in.channel, r->frames);
    for (int64_t i = b->call; i < b->calls_end; i += each) {
        hone__plane k = plane_of(l, r, &l->calls[i], planes, taps);
        k.w = d->weight + c * taps;
        k.bias = d->bias ? d->bias + c * d->bias_step : NULL;
        k.bias_step = d->bias_step;
        k.out = out + l->calls[i].first_row * d->out.y;
        if (l->x->div > 1)
            run_joined(j, r, &l->calls[i], k, k.out);
        else
            l->images->plane(&k);
    }
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t bands = j->l.n_bands, items = j->d->n * j->groups * bands;
    const room r = room_of(&j->l, thread);
    const int64_t end = hone__cut(items, n_threads, thread + 1);
    for (int64_t i = hone__cut(items, n_threads, thread); i < end; i++) {
        const int64_t group = i / bands % j->groups, channels = j->d->in.channels;
        const int64_t c = hone__cut(channels, j->groups, group);
        run_band(j, &r, &j->l.bands[i % bands], i / bands / j->groups, c,
                 hone__cut(channels, j->groups, group + 1) - c);
    }
}

/* Of one thread for a plane of the larger image: copies, and taps. */
static double plane_ns(const hone__image *a, const hone__image *b, int64_t taps, int64_t per)
{
    const int64_t places = hone__most(a->height * a->width, b->height * b->width);
    return 20 + (double)places * (0.2 + 0.03 * (double)taps / (double)per);
}

bool hone__depthwise_run(const hone__direct *d)
{
    const int64_t planes = d->n * d->in.channels;
    const double ns =
        plane_ns(&d->in, &d->out, d->y.taps * d->x.taps, d->y.div * d->x.div * d->y.mul * d->x.mul);
    if (hone__is_of_3x3(&d->y, &d->x)) {
        hone__depthwise_3x3(d, ns);
        return true;
    }
    const int threads = hone__team_for((double)planes * ns, planes);
    job j = { .d = d };
    size_t bytes;
    char *const all = lay_out(&j.l, &d->in, &d->out, &d->y, &d->x, threads, 0, &bytes);
    if (!all)
        return false;
    j.groups = ceil_div(d->in.channels, j.l.group);
    hone__parallel_team(threads, run_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

/* ---- the gradient of the weight */

typedef struct {
    layout l;
    const hone__direct_gradient *g;
} weight_job;

/* A sample's planes from channel c on. */
static void sum_planes(const weight_job *j, const room *r, int64_t sample, int64_t c,
                       int64_t planes)
{
    const hone__direct_gradient *g = j->g;
    const layout *l = &j->l;
    const int64_t taps = g->y_axis.taps * g->x_axis.taps;
    const float *x = g->x.p + sample * g->x.sample + (l->shared ? 0 : c * g->x.channel);
    float *dy = g->dy.p + sample * g->dy.sample + c * g->dy.channel;
    for (const band *b = l->bands; b < l->bands + l->n_bands; b++) {
        fill_frames(l, b, l->shared ? 1 : planes, x, r->frames);
        for (int64_t i = b->call; i < b->calls_end; i++) {
            hone__plane k = plane_of(l, r, &l->calls[i], planes, taps);
            k.out = dy + l->calls[i].first_row * g->dy.y;
            k.lanes = r->lanes;
            l->images->plane_weight(&k);
        }
    }
    l->images->plane_fold(planes * taps, r->lanes, g->sum + c * taps);
}

static void sum_share(void *ctx, int thread, int n_threads)
{
    const weight_job *j = ctx;
    const room r = room_of(&j->l, thread);
    const int64_t channels = j->g->dy.channels, end = hone__cut(channels, n_threads, thread + 1);
    for (int64_t s = 0; s < j->g->n; s++)
        for (int64_t c = hone__cut(channels, n_threads, thread); c < end; c += j->l.group)
            sum_planes(j, &r, s, c, min64(end - c, j->l.group));
}

bool hone__depthwise_add_weight(const hone__direct_gradient *g)
{
    const int64_t taps = g->y_axis.taps * g->x_axis.taps;
    const double ns = plane_ns(&g->x, &g->dy, taps, g->y_axis.mul * g->x_axis.mul);
    if (hone__is_of_3x3(&g->y_axis, &g->x_axis)) {
        hone__depthwise_3x3_add_weight(g, ns);
        return true;
    }
    const int threads =
        hone__team_for((double)(g->n * g->dy.channels) * (ns + 3 * (double)taps), g->dy.channels);
    weight_job j = { .g = g };
    size_t bytes;
    char *const all = lay_out(&j.l, &g->x, &g->dy, &g->y_axis, &g->x_axis, threads, taps, &bytes);
    if (!all)
        return false;
    hone__parallel_team(threads, sum_share, &j);
    hone__pool_free(all, bytes);
    return true;
}

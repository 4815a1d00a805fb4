/* crossing.c: elementwise walks where an operand's contiguous direction is not the result's.
 *
 * Such an operand is read in blocks of the two directions, by the transpose kernel: a whole cache
 * line of each row that it touches. */
#include "loops/past.h"
#include "loops/rows.h"
#include "loops/walk.h"
#include "runtime/parallel.h"

enum {
    GRAIN = 16,             /* extents of less are walked as they are */
    BLOCK_INNER = 128,      /* elements of a block's rows ... */
    BLOCK_CROSS = 256,      /* ... and bytes of its columns */
    BLOCK_ROOM = 40 * 1024, /* bytes of a gathered block with gaps between rows */
    GATHER_FIRST = 1024,    /* elements from which blocks are worth it */
    COPY_INNER = 1024,      /* extents of a block that is only copied */
    COPY_CROSS = 64,
    COPY_INNER_LARGE = 1024, /* the same when it comes from memory */
    COPY_CROSS_LARGE = 1024,
};

/* Planes of two dims: the result is contiguous along `inner`, some operand along `cross`. */
typedef struct {
    hone__walk w; /* the dims outside the plane */
    int64_t planes, inner, cross;
    int64_t inner_step[HONE__OPERANDS], cross_step[HONE__OPERANDS];
    int64_t block_inner, block_cross; /* extents of a block */
    int64_t inner_blocks, cross_blocks;
    hone__transpose_fn gather[HONE__OPERANDS]; /* NULL: the operand is read where it lies */
} crossing;

int hone__walk_cross_dim(const hone__walk *w, int o)
{
    const int inner = w->ndim - 1;
    for (int d = 0; d < inner; d++)
        if (w->stride[o][d] == 1 && w->stride[o][inner] > 1)
            return d;
    return -1;
}

/* Takes the two dims out of the walk. */
static void plan_crossing(crossing *c, int cross, int64_t block_inner, int64_t block_cross)
{
    hone__walk *w = &c->w;
    const int inner = w->ndim - 1;
    c->inner = w->shape[inner];
    c->cross = w->shape[cross];
    for (int o = 0; o < w->n; o++) {
        c->inner_step[o] = w->stride[o][inner];
        c->cross_step[o] = w->stride[o][cross];
        for (int d = cross; d + 1 < inner; d++)
            w->stride[o][d] = w->stride[o][d + 1];
    }
    c->planes = 1;
    w->ndim -= 2;
    for (int d = cross; d < w->ndim; d++)
        w->shape[d] = w->shape[d + 1];
    for (int d = 0; d < w->ndim; d++)
        c->planes *= w->shape[d];
    c->block_inner = hone__min(c->inner, block_inner);
    c->block_cross = hone__min(c->cross, block_cross);
    c->inner_blocks = (c->inner + c->block_inner - 1) / c->block_inner;
    c->cross_blocks = (c->cross + c->block_cross - 1) / c->block_cross;
}

/* Where block i begins in each operand, and its extents. Neighbours along `cross` follow each
 * other: they share the pages, and often the cache lines, of what is gathered. */
static void find_block(const crossing *c, int64_t i, char **at, int64_t *inner, int64_t *cross)
{
    const hone__walk *w = &c->w;
    const int64_t k = i % c->cross_blocks * c->block_cross;
    i /= c->cross_blocks;
    const int64_t j = i % c->inner_blocks * c->block_inner;
    i /= c->inner_blocks;
    for (int o = 0; o < w->n; o++)
        at[o] = w->data[o] + (j * c->inner_step[o] + k * c->cross_step[o]) * w->size[o];
    for (int d = w->ndim - 1; d >= 0; d--) {
        for (int o = 0; o < w->n; o++)
            at[o] += i % w->shape[d] * w->stride[o][d] * w->size[o];
        i /= w->shape[d];
    }
    *inner = hone__min(c->inner - j, c->block_inner);
    *cross = hone__min(c->cross - k, c->block_cross);
}

/* What the next block gathers is asked for while this one is computed: its lines are too far apart
 * for the machine to see them coming. */
static void ask_for(const crossing *c, int64_t i)
{
    int64_t inner, cross;
    char *at[HONE__OPERANDS];
    find_block(c, i, at, &inner, &cross);
    for (int o = 1; o < c->w.n; o++) {
        const int64_t step = c->inner_step[o] * c->w.size[o], bytes = cross * c->w.size[o];
        for (int64_t row = 0; c->gather[o] && row < inner; row++)
            hone__ask_for(at[o] + row * step, bytes);
    }
}

/* Blocks [begin, end): what lies across is gathered, then row by row. */
static void run_gathering(void *ctx, int64_t begin, int64_t end)
{
    const crossing *c = ctx;
    const hone__walk *w = &c->w;
    _Alignas(64) char room[HONE__ELEMENTWISE_INPUTS][BLOCK_ROOM];
    for (int64_t i = begin; i < end; i++) {
        int64_t inner, cross, stride[HONE__OPERANDS], step[HONE__OPERANDS];
        char *at[HONE__OPERANDS];
        find_block(c, i, at, &inner, &cross);
        for (int o = 0; o < w->n; o++) {
            stride[o] = c->inner_step[o];
            step[o] = c->cross_step[o] * w->size[o];
            if (!c->gather[o])
                continue;
            /* a line more than the block is wide, lest all rows fall into the same cache sets */
            const int64_t ld = c->block_inner + 64 / w->size[o];
            c->gather[o](inner, cross, room[o - 1], ld, at[o], stride[o]);
            at[o] = room[o - 1];
            stride[o] = 1;
            step[o] = ld * w->size[o];
        }
        if (i + 1 < end)
            ask_for(c, i + 1);
        for (int64_t k = 0; k < cross; k++) {
            if (w->casts)
                hone__walk_casting(w, inner, at, stride);
            else
                hone__walk_call(w->kernel, inner, at, stride);
            for (int o = 0; o < w->n; o++)
                at[o] += step[o];
        }
    }
}

/* Blocks [begin, end) of a copy: straight to the result. */
static void run_transposing(void *ctx, int64_t begin, int64_t end)
{
    const crossing *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t inner, cross;
        char *at[HONE__OPERANDS];
        find_block(c, i, at, &inner, &cross);
        c->gather[1](inner, cross, at[0], c->cross_step[0], at[1], c->inner_step[1]);
    }
}

static void run_blocks(crossing *c, hone__range_body run, double ns)
{
    hone__parallel_for(c->planes * c->inner_blocks * c->cross_blocks, 1,
                       ns * (double)(c->block_inner * hone__min(c->cross, c->block_cross)), run, c);
}

void hone__walk_blocks(const hone__walk *w, int cross, const hone__operand *in)
{
    crossing c = { .w = *w };
    int64_t size = 1;
    for (int o = 1; o < w->n; o++) {
        if (hone__walk_cross_dim(w, o) != cross)
            continue;
        c.gather[o] = hone__k->transpose[in[o - 1].t->dtype];
        if (w->size[o] > size)
            size = w->size[o];
    }
    const double ns = w->kernel->ns + (w->casts ? 0.5 : 0) + HONE__NS_MOVE;
    plan_crossing(&c, cross, BLOCK_INNER, BLOCK_CROSS / (size < 4 ? 4 : size));
    run_blocks(&c, run_gathering, ns);
}

int hone__walk_cross(const hone__walk *w, int64_t numel, int *other)
{
    const int inner = w->ndim - 1;
    int cross = -1;
    *other = 0;
    for (int o = 1; o < w->n && numel >= GATHER_FIRST; o++) {
        const int d = hone__walk_cross_dim(w, o);
        if (d < 0 || w->shape[d] < GRAIN || w->shape[inner] < GRAIN)
            continue;
        if (cross < 0)
            cross = d;
        else if (cross != d)
            *other = o;
    }
    return cross;
}

bool hone__walk_transposing(hone_tensor *out, hone_tensor *x,
                            const hone__elementwise_kernel *kernel)
{
    crossing c = { .w.kernel = kernel, .w.n = 2 };
    hone__walk *w = &c.w;
    w->data[0] = hone__data(out);
    w->size[0] = (int64_t)hone__size_of(out->dtype);
    hone__walk_plan(w, out, &(hone__operand){ .t = x });
    const int cross = hone__walk_cross_dim(w, 1);
    if (cross < 0 || w->stride[0][w->ndim - 1] != 1)
        return false;
    const bool large = hone__exceeds_caches(hone__walk_bytes(w));
    c.gather[1] = (large ? hone__k->transpose_past : hone__k->transpose)[out->dtype];
    plan_crossing(&c, cross, large ? COPY_INNER_LARGE : COPY_INNER,
                  large ? COPY_CROSS_LARGE : COPY_CROSS);
    run_blocks(&c, run_transposing, 1);
    return true;
}

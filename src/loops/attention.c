/* attention.c: see attention.h. */
#include "loops/attention.h"

#include "gemm/args.h"
#include "loops/attention_block.h"
#include "loops/elementwise.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define NS_PER_EXP 0.5
#define KEPT_BYTES (1 << 20) /* of keys that a thread keeps turned */

/* ---- where things lie */

/* A tensor [.., rows, cols] by its batch dims. */
typedef struct {
    char *p;
    int64_t row, col, batch[HONE_MAX_DIMS]; /* strides, in elements */
} matrices;

typedef struct {
    const hone__attention *a;
    const hone__gemm_kernel *kernel;
    hone_dtype dtype;
    int64_t size;
    int n_batch;
    int64_t batch[HONE_MAX_DIMS]; /* of queries */
    int64_t units, groups;        /* heads of queries in all; for each of keys */
    int64_t queries, keys, width, values;
    matrices q, k, v, mask, out, dout, dq, dk, dv;
    bool wants_dq, wants_dkv;
    int64_t kept; /* keys of a head that a thread keeps turned */
    char *room;   /* of all threads */
    size_t room_bytes;
} job;

static int64_t blocks_of(int64_t n, int64_t each)
{
    return (n + each - 1) / each;
}

static matrices matrices_of(const hone_tensor *t)
{
    matrices m = { NULL };
    if (t == HONE_NONE)
        return m;
    m.p = hone__data(t);
    m.row = t->stride[t->ndim - 2];
    m.col = t->stride[t->ndim - 1];
    memcpy(m.batch, t->stride, sizeof m.batch);
    return m;
}

/* That of a unit; heads of the last batch dim share it in groups. */
static char *of_unit(const job *j, const matrices *m, int64_t unit, int64_t groups, int64_t size)
{
    int64_t at = 0;
    for (int d = j->n_batch - 1; d >= 0; d--) {
        const int64_t i = unit % j->batch[d];
        at += (d == j->n_batch - 1 ? i / groups : i) * m->batch[d];
        unit /= j->batch[d];
    }
    return m->p + at * size;
}

static job job_of(const hone__attention *a)
{
    const int n = a->q->ndim;
    job j = { .a = a,
              .dtype = (hone_dtype)a->q->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)a->q->dtype),
              .n_batch = n - 2,
              .units = 1,
              .groups = 1,
              .kept = HONE__KEY_BLOCK,
              .queries = a->q->shape[n - 2],
              .keys = a->k->shape[n - 2],
              .width = a->q->shape[n - 1],
              .values = a->v->shape[n - 1] };
    j.kernel = &hone__k->gemm.of[j.dtype == HONE_F32 ? HONE__GEMM_F32 : HONE__GEMM_F64];
    for (int d = 0; d < j.n_batch; d++)
        j.units *= j.batch[d] = a->q->shape[d];
    if (n > 2 && a->k->shape[n - 3] > 0)
        j.groups = a->q->shape[n - 3] / a->k->shape[n - 3];
    j.q = matrices_of(a->q);
    j.k = matrices_of(a->k);
    j.v = matrices_of(a->v);
    j.mask = matrices_of(a->mask);
    j.out = matrices_of(a->out);
    return j;
}

/* ---- a thread's room */

typedef struct {
    char *scores, *dp;       /* [queries, HONE__SCORES_LD] */
    char *q, *keys, *values; /* scaled; turned [E, keys]; turned [Ev, keys] */
    char *rows[4];           /* copies where vectors would read past the end of a row */
    char *max, *sum;         /* [queries] */
    char *delta;             /* [groups, all queries] */
    uint8_t *mask, *turned;
    int64_t q_ld, rows_ld;
    const char *turned_of; /* the keys of which head are turned, and how many */
    int64_t turned_to;
} room;

static int64_t padded(const job *j, int64_t n)
{
    const int64_t vl = j->kernel->vl;
    return (n + vl - 1) / vl * vl;
}

/* Cuts the room into its parts, or (at NULL) counts it. */
static size_t cut_room(const job *j, char *at, room *r)
{
    const int64_t wide = padded(j, j->width > j->values ? j->width : j->values);
    const bool back = j->wants_dq || j->wants_dkv, masked = j->a->mask != HONE_NONE;
    const bool copies = !j->kernel->direct_tails;
    const int64_t q = HONE__QUERY_BLOCK, k = HONE__KEY_BLOCK;
    size_t used = 0;
    r->turned_of = NULL;
    r->turned_to = 0;
#define TAKE(member, elements, bytes)                                                              \
    (r->member = (void *)(at + used), used += (size_t)(((elements) * (bytes) + 127) / 64 * 64))
    r->q_ld = padded(j, j->width);
    r->rows_ld = wide;
    TAKE(scores, q * HONE__SCORES_LD, j->size);
    TAKE(dp, back ? q * HONE__SCORES_LD : 0, j->size);
    TAKE(q, q * r->q_ld, j->size);
    TAKE(keys, j->width * j->kept, j->size);
    TAKE(values, back ? j->values * k : 0, j->size);
    for (int i = 0; i < 4; i++)
        TAKE(rows[i], copies ? q * wide : 0, j->size);
    TAKE(max, q, j->size);
    TAKE(sum, q, j->size);
    TAKE(delta, back ? j->groups * j->queries : 0, j->size);
    TAKE(mask, masked ? q * k : 0, 1);
    TAKE(turned, masked && back ? k * HONE__SIGHT_LD : 0, 1);
#undef TAKE
    return used;
}

/* Rows as a product's b: where they lie, or copied to where whole vectors may be read. */
static const char *as_b(const job *j, const char *p, int64_t rs, int64_t rows, int64_t cols,
                        const room *r, int copy, int64_t *ld)
{
    *ld = rs;
    if (j->kernel->direct_tails || cols % j->kernel->vl == 0)
        return p;
    *ld = r->rows_ld;
    for (int64_t i = 0; i < rows; i++)
        memcpy(r->rows[copy] + i * r->rows_ld * j->size, p + i * rs * j->size,
               (size_t)(cols * j->size));
    return r->rows[copy];
}

/* ---- a block */

typedef struct {
    int64_t unit, q0, queries, k0, keys;
} block;

/* to = q * scale, rows q_ld apart. */
static void scale_queries(const job *j, const block *b, const room *r)
{
    const char *from = of_unit(j, &j->q, b->unit, 1, j->size) + b->q0 * j->q.row * j->size;
    char scale[8];
    const double s = j->a->scale;
    if (j->dtype == HONE_F32)
        memcpy(scale, &(float){ (float)s }, sizeof(float));
    else
        memcpy(scale, &s, sizeof s);
    const bool whole = r->q_ld == j->width && j->q.row == j->width;
    const int64_t rows = whole ? 1 : b->queries, n = whole ? b->queries * j->width : j->width;
    for (int64_t i = 0; i < rows; i++)
        hone__k->binary[HONE__K_MUL][j->dtype](n, r->q + i * r->q_ld * j->size, 1,
                                               from + i * j->q.row * j->size, 1, scale, 0);
}

/* Rows of keys or values as columns. */
static void turn(const job *j, const block *b, const matrices *m, int64_t cols, char *to)
{
    const char *from = of_unit(j, m, b->unit, j->groups, j->size) + b->k0 * m->row * j->size;
    if (cols > 0)
        j->kernel->transpose(cols, b->keys, to, HONE__KEY_BLOCK, from, m->row);
}

/* What the mask shows of a row of keys: bytes, and -inf in the scores of the hidden ones. */
#define SEE(type)                                                                                  \
    static void see_##type(int64_t n, uint8_t *seen, type *scores, const char *mask, int64_t step, \
                           bool adds)                                                              \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type add = adds ? ((const type *)mask)[i * step] : 0;                            \
            const bool hidden = adds ? add == -(type)INFINITY : !mask[i * step];                   \
            seen[i] = !hidden;                                                                     \
            scores[i] = hidden ? -(type)INFINITY : adds ? scores[i] + add : scores[i];             \
        }                                                                                          \
    }
SEE(float)
SEE(double)

static void mask_block(const job *j, const block *b, const room *r)
{
    const bool adds = j->a->mask->dtype != HONE_BOOL;
    const int64_t size = adds ? j->size : 1;
    const char *mask =
        of_unit(j, &j->mask, b->unit, 1, size) + (b->q0 * j->mask.row + b->k0 * j->mask.col) * size;
    for (int64_t i = 0; i < b->queries; i++, mask += j->mask.row * size) {
        char *scores = r->scores + i * HONE__SCORES_LD * j->size;
        uint8_t *seen = r->mask + i * HONE__KEY_BLOCK;
        if (j->dtype == HONE_F32)
            see_float(b->keys, seen, (float *)scores, mask, j->mask.col, adds);
        else
            see_double(b->keys, seen, (double *)scores, mask, j->mask.col, adds);
    }
}

static hone__sight mask_sight(const block *b, const room *r)
{
    int64_t n = 0;
    for (int64_t i = 0; i < b->queries; i++)
        for (int64_t s = 0; s < b->keys; s++)
            n += r->mask[i * HONE__KEY_BLOCK + s];
    const bool all = n == b->queries * b->keys;
    return (hone__sight){ all ? HONE__SEE_ALL
                          : n ? HONE__SEE_MASK
                              : HONE__SEE_NONE,
                          HONE__KEY_BLOCK, r->mask, r->turned };
}

/* All queries from q0 on see all of the keys of the block at k0. */
static bool sees_all(const job *j, int64_t q0, int64_t k0)
{
    return j->a->mask == HONE_NONE && j->keys > k0 &&
           (!j->a->causal || q0 + 1 >= hone__min(k0 + HONE__KEY_BLOCK, j->keys));
}

/* Scores of a block whose queries are scaled and keys turned. Of a triangle b begins with the first
 * query that sees one of the keys. */
static hone__sight score_block(const job *j, const block *b, const room *r)
{
    hone__sight sight = { HONE__SEE_ALL, HONE__KEY_BLOCK, NULL, NULL };
    if (j->a->causal && !sees_all(j, b->q0, b->k0))
        sight = (hone__sight){ HONE__SEE_FIRST, b->q0 + 1 - b->k0, NULL, NULL };
    const hone__block_product x = { .kernel = j->kernel,
                                    .size = j->size,
                                    .m = b->queries,
                                    .n = b->keys,
                                    .k = j->width,
                                    .a = r->q,
                                    .a_rs = r->q_ld,
                                    .a_cs = 1,
                                    .b = r->keys,
                                    .b_rs = HONE__KEY_BLOCK,
                                    .c = r->scores,
                                    .c_rs = HONE__SCORES_LD };
    hone__block_scores(&x, sight.kind == HONE__SEE_FIRST ? sight.seen - 1 : INT64_MAX);
    if (j->a->mask == HONE_NONE)
        return sight;
    mask_block(j, b, r);
    return mask_sight(b, r);
}

/* The block of keys from k0 on beside queries; false: none of them sees any. */
static bool meet(const job *j, const block *queries, int64_t k0, block *b)
{
    *b = *queries;
    b->k0 = k0;
    b->keys = hone__min(HONE__KEY_BLOCK, j->keys - k0);
    if (j->a->causal && b->q0 < k0) {
        b->queries -= k0 - b->q0;
        b->q0 = k0;
    }
    return b->queries > 0;
}

static hone__block_product sum_of(const job *j, const block *b, int64_t m, int64_t k, const char *a,
                                  int64_t a_rs, int64_t a_cs)
{
    (void)b;
    return (hone__block_product){ .kernel = j->kernel,
                                  .size = j->size,
                                  .m = m,
                                  .k = k,
                                  .a = a,
                                  .a_rs = a_rs,
                                  .a_cs = a_cs,
                                  .resume = true };
}

/* ---- forward */

static void start_stats(const job *j, const block *q, const room *r)
{
    char lowest[8];
    hone__number(j->dtype, -INFINITY, lowest);
    hone__k->fill[j->dtype](q->queries, r->max, 1, lowest);
    memset(r->sum, 0, (size_t)(q->queries * j->size));
}

/* Queries that have seen no key get zeros: their sum is made 1. */
static void end_queries(const job *j, const block *q, const room *r, const uint8_t *sees, char *out)
{
    for (int64_t i = 0; i < q->queries; i++)
        if (!sees[i])
            hone__number(j->dtype, 1, r->sum + i * j->size);
    hone__k->attend_end[j->dtype](q->queries, j->values, out, j->values, r->sum);
    if (j->a->stats == HONE_NONE)
        return;
    char *stats = hone__data(j->a->stats);
    const int64_t at = q->unit * j->queries + q->q0, all = j->units * j->queries;
    memcpy(stats + at * j->size, r->max, (size_t)(q->queries * j->size));
    memcpy(stats + (all + at) * j->size, r->sum, (size_t)(q->queries * j->size));
}

static void note_seen(const block *b, const hone__sight *sight, int64_t skip, uint8_t *sees)
{
    for (int64_t i = 0; i < b->queries; i++)
        sees[skip + i] |= sight->kind != HONE__SEE_MASK ||
                          memchr(sight->mask + i * HONE__KEY_BLOCK, 1, (size_t)b->keys);
}

/* The block's keys as columns; a head's stay turned for the queries after these. */
static char *turned_keys(const job *j, const block *b, room *r)
{
    if (j->kept == HONE__KEY_BLOCK)
        r->turned_of = NULL;
    const char *of = of_unit(j, &j->k, b->unit, j->groups, j->size);
    char *to = r->keys + (j->kept == HONE__KEY_BLOCK ? 0 : b->k0 * j->width * j->size);
    if (r->turned_of != of)
        r->turned_to = b->k0;
    r->turned_of = of;
    if (r->turned_to <= b->k0) {
        turn(j, b, &j->k, j->width, to);
        r->turned_to = b->k0 + HONE__KEY_BLOCK;
    }
    return to;
}

/* fresh: the first keys of rows that hold nothing yet */
static void attend_block(const job *j, const block *q, const block *b, room *r, char *out,
                         uint8_t *sees, bool fresh)
{
    const int64_t skip = b->q0 - q->q0;
    room at = *r;
    at.q = r->q + skip * r->q_ld * j->size;
    at.keys = turned_keys(j, b, r);
    const hone__sight sight = score_block(j, b, &at);
    if (sight.kind == HONE__SEE_NONE)
        return;
    note_seen(b, &sight, skip, sees);
    char *rows = out + skip * j->values * j->size;
    hone__k->attend[j->dtype](&(hone__attend){ .rows = b->queries,
                                               .cols = b->keys,
                                               .seen = sight.seen,
                                               .scores = r->scores,
                                               .ss = HONE__SCORES_LD,
                                               .max = r->max + skip * j->size,
                                               .sum = r->sum + skip * j->size,
                                               .out = rows,
                                               .so = j->values,
                                               .width = j->values });
    hone__block_product x = sum_of(j, b, b->queries, b->keys, r->scores, HONE__SCORES_LD, 1);
    const char *v = of_unit(j, &j->v, b->unit, j->groups, j->size) + b->k0 * j->v.row * j->size;
    x.b = as_b(j, v, j->v.row, b->keys, j->values, r, 0, &x.b_rs);
    x.n = j->values;
    x.c = rows;
    x.c_rs = j->values;
    x.resume = !fresh;
    hone__block_sum(&x, &sight, false);
}

static void attend_queries(const job *j, const block *q, room *r)
{
    uint8_t sees[HONE__QUERY_BLOCK] = { 0 };
    char *out = of_unit(j, &j->out, q->unit, 1, j->size) + q->q0 * j->values * j->size;
    const bool fresh = sees_all(j, q->q0, 0);
    if (!fresh)
        memset(out, 0, (size_t)(q->queries * j->values * j->size));
    start_stats(j, q, r);
    scale_queries(j, q, r);
    for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK) {
        block b;
        if (meet(j, q, k0, &b))
            attend_block(j, q, &b, r, out, sees, fresh && k0 == 0);
    }
    end_queries(j, q, r, sees, out);
}

static block queries_of(const job *j, int64_t unit, int64_t number)
{
    const int64_t q0 = number * HONE__QUERY_BLOCK;
    return (
        block){ .unit = unit, .q0 = q0, .queries = hone__min(HONE__QUERY_BLOCK, j->queries - q0) };
}

static void run_forward(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    const int64_t each = blocks_of(j->queries, HONE__QUERY_BLOCK), all = j->units * each;
    for (int64_t i = thread; i < all; i += n_threads) {
        const block q = queries_of(j, i / each, i % each);
        attend_queries(j, &q, &r);
    }
}

/* ---- threads */

static double cost_of(const job *j, double products)
{
    const double pairs =
        (double)j->units * (double)j->queries * (double)j->keys * (j->a->causal ? 0.5 : 1);
    return pairs *
           (products * (double)(j->width + j->values) / j->kernel->flops_per_ns + NS_PER_EXP);
}

static bool run_team(job *j, double ns, int64_t parts, hone__team_body body)
{
    room none;
    const int n = hone__team_for(ns, parts);
    j->room_bytes = cut_room(j, NULL, &none);
    const size_t bytes = hone__bytes(n, j->room_bytes);
    if (!(j->room = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(n, body, j);
    hone__pool_free(j->room, bytes);
    return true;
}

bool hone__attention_run(const hone__attention *a)
{
    job j = job_of(a);
    const int64_t keys = blocks_of(j.keys, HONE__KEY_BLOCK) * HONE__KEY_BLOCK;
    if (j.queries * j.groups > HONE__QUERY_BLOCK && keys <= KEPT_BYTES / (j.size * (j.width + 1)))
        j.kept = keys;
    const int64_t parts = j.units * blocks_of(j.queries, HONE__QUERY_BLOCK);
    return a->out->numel == 0 || run_team(&j, cost_of(&j, 2), parts, run_forward);
}

/* ---- gradients */

static void turn_sight(const block *b, const hone__sight *sight)
{
    for (int64_t s = 0; sight->kind == HONE__SEE_MASK && s < b->keys; s++)
        for (int64_t i = 0; i < b->queries; i++)
            sight->turned[s * HONE__SIGHT_LD + i] = sight->mask[i * HONE__KEY_BLOCK + s];
}

/* dp = dout v^T */
static void score_gradients(const job *j, const block *b, const room *r, const hone__sight *sight,
                            const char *dout)
{
    const hone__block_product x = { .kernel = j->kernel,
                                    .size = j->size,
                                    .m = b->queries,
                                    .n = b->keys,
                                    .k = j->values,
                                    .a = dout,
                                    .a_rs = j->values,
                                    .a_cs = 1,
                                    .b = r->values,
                                    .b_rs = HONE__KEY_BLOCK,
                                    .c = r->dp,
                                    .c_rs = HONE__SCORES_LD };
    hone__block_scores(&x, sight->kind == HONE__SEE_FIRST ? sight->seen - 1 : INT64_MAX);
}

static void add_dq(const job *j, const block *b, const room *r, const hone__sight *sight,
                   bool fresh)
{
    hone__block_product x = sum_of(j, b, b->queries, b->keys, r->dp, HONE__SCORES_LD, 1);
    x.resume = !fresh;
    const char *k = of_unit(j, &j->k, b->unit, j->groups, j->size) + b->k0 * j->k.row * j->size;
    x.b = as_b(j, k, j->k.row, b->keys, j->width, r, 0, &x.b_rs);
    x.n = x.c_rs = j->width;
    x.c = of_unit(j, &j->dq, b->unit, 1, j->size) + b->q0 * j->width * j->size;
    hone__block_sum(&x, sight, false);
}

static void add_dkv(const job *j, const block *b, const room *r, const hone__sight *sight,
                    const char *dout, bool fresh)
{
    turn_sight(b, sight);
    hone__block_product x = sum_of(j, b, b->keys, b->queries, r->dp, 1, HONE__SCORES_LD);
    x.resume = !fresh;
    x.b = r->q;
    x.b_rs = r->q_ld;
    x.n = x.c_rs = j->width;
    x.c = of_unit(j, &j->dk, b->unit, j->groups, j->size) + b->k0 * j->width * j->size;
    hone__block_sum(&x, sight, true);
    x.a = r->scores;
    x.b = as_b(j, dout, j->values, b->queries, j->values, r, 1, &x.b_rs);
    x.n = x.c_rs = j->values;
    x.c = of_unit(j, &j->dv, b->unit, j->groups, j->size) + b->k0 * j->values * j->size;
    hone__block_sum(&x, sight, true);
}

/* What of a block's gradients is wanted. */
typedef struct {
    bool dq, dkv;
    bool deltas; /* those of its queries aren't there yet */
    bool fresh;  /* dk and dv hold nothing before the first queries */
} wish;

/* Rows that nothing was added to: true: all of them get something from the first block on. Where
 * they may be left out they are 0 to begin with. */
static bool begins(const job *j, const matrices *m, int64_t unit, int64_t groups, int64_t row,
                   int64_t rows, int64_t cols)
{
    if (j->a->mask == HONE_NONE && !j->a->causal)
        return true;
    memset(of_unit(j, m, unit, groups, j->size) + row * cols * j->size, 0,
           (size_t)(rows * cols * j->size));
    return false;
}

/* A block whose keys and values are turned. */
static void back_block(const job *j, const block *b, const room *r, wish w)
{
    const char *stats = hone__data(j->a->stats);
    const int64_t at = b->unit * j->queries + b->q0, all = j->units * j->queries;
    const char *dout = of_unit(j, &j->dout, b->unit, 1, j->size) + b->q0 * j->values * j->size;
    const char *out = of_unit(j, &j->out, b->unit, 1, j->size) + b->q0 * j->values * j->size;
    char *delta = r->delta + (b->unit % j->groups * j->queries + b->q0) * j->size;
    if (w.deltas)
        hone__k->attend_dots[j->dtype](b->queries, j->values, dout, j->values, out, j->values,
                                       delta);
    const bool first = b->q0 == 0 && b->unit % j->groups == 0;
    const bool fresh =
        w.dq && b->k0 == 0 && begins(j, &j->dq, b->unit, 1, b->q0, b->queries, j->width);
    scale_queries(j, b, r);
    const hone__sight sight = score_block(j, b, r);
    if (sight.kind == HONE__SEE_NONE)
        return;
    score_gradients(j, b, r, &sight, dout);
    hone__k->attend_back[j->dtype](&(hone__attend_back){ .rows = b->queries,
                                                         .cols = b->keys,
                                                         .seen = sight.seen,
                                                         .scores = r->scores,
                                                         .ss = HONE__SCORES_LD,
                                                         .dp = r->dp,
                                                         .sdp = HONE__SCORES_LD,
                                                         .max = stats + at * j->size,
                                                         .sum = stats + (all + at) * j->size,
                                                         .delta = delta });
    if (w.dq)
        add_dq(j, b, r, &sight, fresh);
    if (w.dkv)
        add_dkv(j, b, r, &sight, dout, w.fresh && first);
}

/* Keys from k0 on beside some of a unit's queries. */
static void back_keys(const job *j, int64_t unit, int64_t k0, int64_t q_begin, int64_t q_end,
                      const room *r, wish w)
{
    for (int64_t n = q_begin; n < q_end; n++) {
        const block q = queries_of(j, unit, n);
        block b;
        if (meet(j, &q, k0, &b))
            back_block(j, &b, r, w);
    }
}

static void turn_both(const job *j, int64_t unit, int64_t k0, const room *r)
{
    const block b = { .unit = unit, .k0 = k0, .keys = hone__min(HONE__KEY_BLOCK, j->keys - k0) };
    turn(j, &b, &j->k, j->width, r->keys);
    turn(j, &b, &j->v, j->values, r->values);
}

/* All of a group of heads that share keys. */
static void back_group(const job *j, int64_t group, int64_t k0, const room *r, wish w)
{
    const int64_t unit = group * j->groups, keys = hone__min(HONE__KEY_BLOCK, j->keys - k0);
    turn_both(j, unit, k0, r);
    if (w.dkv) {
        begins(j, &j->dk, unit, j->groups, k0, keys, j->width);
        w.fresh = begins(j, &j->dv, unit, j->groups, k0, keys, j->values);
    }
    for (int64_t h = 0; h < j->groups; h++)
        back_keys(j, unit + h, k0, 0, blocks_of(j->queries, HONE__QUERY_BLOCK), r, w);
}

/* With enough groups for the threads each is one thread's; else all that is of queries comes first,
 * then what is of keys, and scores are made twice. */
static void run_groups(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    for (int64_t i = thread; i < j->units / j->groups; i += n_threads)
        for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK)
            back_group(j, i, k0, &r,
                       (wish){ .dq = j->wants_dq, .dkv = j->wants_dkv, .deltas = k0 == 0 });
}

static void run_pieces(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    const int64_t each = blocks_of(j->queries, HONE__QUERY_BLOCK);
    for (int64_t i = thread; j->wants_dq && i < j->units * each; i += n_threads)
        for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK) {
            turn_both(j, i / each, k0, &r);
            back_keys(j, i / each, k0, i % each, i % each + 1, &r,
                      (wish){ .dq = true, .deltas = k0 == 0 });
        }
    const int64_t parts = blocks_of(j->keys, HONE__KEY_BLOCK);
    for (int64_t i = thread; j->wants_dkv && i < j->units / j->groups * parts; i += n_threads)
        back_group(j, i / parts, i % parts * HONE__KEY_BLOCK, &r,
                   (wish){ .dkv = true, .deltas = true });
}

bool hone__attention_back(const hone__attention *a, hone_tensor *dout, hone_tensor *dq,
                          hone_tensor *dk, hone_tensor *dv)
{
    job j = job_of(a);
    hone_tensor *const results[] = { dq, dk, dv };
    j.wants_dq = dq != HONE_NONE;
    j.wants_dkv = dk != HONE_NONE;
    j.dout = matrices_of(dout);
    j.dq = matrices_of(dq);
    j.dk = matrices_of(dk);
    j.dv = matrices_of(dv);
    if (j.units == 0 || j.queries == 0 || j.keys == 0) {
        for (int i = 0; i < 3; i++)
            if (results[i] != HONE_NONE)
                hone__fill_elements(results[i], 0);
        return true;
    }
    const int64_t groups = j.units / j.groups, queries = blocks_of(j.queries, HONE__QUERY_BLOCK);
    const bool few = groups < hone__team_for(cost_of(&j, 5), groups * queries);
    return run_team(&j, cost_of(&j, 5), few ? groups * queries : groups,
                    few ? run_pieces : run_groups);
}

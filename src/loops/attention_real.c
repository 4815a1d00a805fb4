/* attention_real.c: blocks of attention of f32 and f64: see attention_job.h. */
#include "loops/attention_job.h"
#include "loops/elementwise.h"
#include "loops/rows.h"

#include <string.h>

typedef hone__attention_job job;
typedef hone__attention_part block;
typedef hone__attention_room room;
typedef hone__attention_wish wish;
typedef hone__attention_rows matrices;

/* ---- a thread's room */

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
    *r = (room){ .turned_of = NULL };
#define TAKE(member, elements, bytes)                                                              \
    (r->member = at ? (void *)(at + used) : NULL,                                                  \
     used += (size_t)(((elements) * (bytes) + 127) / 64 * 64))
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

static void scale(const job *j, int64_t n, char *to, const char *from)
{
    char by[8];
    hone__number(j->dtype, j->a->scale, by);
    hone__k->binary[HONE__K_MUL][j->dtype](n, to, 1, from, 1, by, 0);
}

/* to = q * scale, rows q_ld apart. */
static void scale_queries(const job *j, const block *b, const room *r)
{
    const char *from =
        hone__attention_at(j, &j->q, b->unit, 1, j->size) + b->q0 * j->q.row * j->size;
    const bool whole = r->q_ld == j->width && j->q.row == j->width;
    const int64_t rows = whole ? 1 : b->queries, n = whole ? b->queries * j->width : j->width;
    for (int64_t i = 0; i < rows; i++)
        scale(j, n, r->q + i * r->q_ld * j->size, from + i * j->q.row * j->size);
}

/* Rows of keys or values as columns. */
static void turn(const job *j, const block *b, const matrices *m, int64_t cols, char *to)
{
    const char *from =
        hone__attention_at(j, m, b->unit, j->groups, j->size) + b->k0 * m->row * j->size;
    if (cols > 0)
        j->kernel->transpose(cols, b->keys, to, HONE__KEY_BLOCK, from, m->row);
}

/* Scores of a block whose queries are scaled and keys turned. */
static hone__sight score_block(const job *j, const block *b, const room *r)
{
    const hone__sight sight = hone__attention_sight(j, b);
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
    return j->a->mask == HONE_NONE ? sight : hone__attention_mask(j, b, r);
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

/* The block's keys as columns; a head's stay turned for the queries after these. */
static char *turned_keys(const job *j, const block *b, room *r)
{
    if (j->kept == HONE__KEY_BLOCK)
        r->turned_of = NULL;
    const char *of = hone__attention_at(j, &j->k, b->unit, j->groups, j->size);
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
    hone__attention_note(b, &sight, sees + skip);
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
    const char *v =
        hone__attention_at(j, &j->v, b->unit, j->groups, j->size) + b->k0 * j->v.row * j->size;
    x.b = as_b(j, v, j->v.row, b->keys, j->values, r, 0, &x.b_rs);
    x.n = j->values;
    x.c = rows;
    x.c_rs = j->values;
    x.resume = !fresh;
    hone__block_sum(&x, &sight, false);
}

static void attend(const job *j, const block *q, room *r)
{
    uint8_t sees[HONE__QUERY_BLOCK] = { 0 };
    char *out = hone__attention_at(j, &j->out, q->unit, 1, j->size) + q->q0 * j->values * j->size;
    const bool fresh = j->a->mask == HONE_NONE && j->keys > 0; /* each sees the first key */
    if (!fresh)
        memset(out, 0, (size_t)(q->queries * j->values * j->size));
    hone__attention_start(j, q, r);
    scale_queries(j, q, r);
    for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK) {
        block b;
        if (hone__attention_meet(j, q, k0, &b))
            attend_block(j, q, &b, r, out, sees, fresh && k0 == 0);
    }
    hone__attention_end(j, q, r, sees, out);
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
                                    .a_rs = j->dout.row,
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
    const char *k =
        hone__attention_at(j, &j->k, b->unit, j->groups, j->size) + b->k0 * j->k.row * j->size;
    x.b = as_b(j, k, j->k.row, b->keys, j->width, r, 0, &x.b_rs);
    x.n = x.c_rs = j->width;
    x.c = hone__attention_at(j, &j->dq, b->unit, 1, j->size) + b->q0 * j->width * j->size;
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
    x.c = hone__attention_at(j, &j->dk, b->unit, j->groups, j->size) + b->k0 * j->width * j->size;
    hone__block_sum(&x, sight, true);
    x.a = r->scores;
    x.b = as_b(j, dout, j->dout.row, b->queries, j->values, r, 1, &x.b_rs);
    x.n = x.c_rs = j->values;
    x.c = hone__attention_at(j, &j->dv, b->unit, j->groups, j->size) + b->k0 * j->values * j->size;
    hone__block_sum(&x, sight, true);
}

/* Rows that nothing was added to: true: all of them get something from the first block on, what it
 * gives first without a sum. Where they may be left out they are 0 to begin with. */
static bool begins(const job *j, bool all, const matrices *m, int64_t unit, int64_t groups,
                   int64_t row, int64_t rows, int64_t cols)
{
    if (all)
        return true;
    memset(hone__attention_at(j, m, unit, groups, j->size) + row * cols * j->size, 0,
           (size_t)(rows * cols * j->size));
    return false;
}

/* All queries see the first key, unless a mask hides it. */
static bool begins_queries(const job *j, const block *b)
{
    return begins(j, j->a->mask == HONE_NONE, &j->dq, b->unit, 1, b->q0, b->queries, j->width);
}

/* A block whose keys and values are turned. */
static void back(const job *j, const block *b, room *r, wish w)
{
    const char *stats = hone__data(j->a->stats);
    const int64_t at = hone__attention_query(j, b), all = j->units * j->queries;
    const char *dout =
        hone__attention_at(j, &j->dout, b->unit, 1, j->size) + b->q0 * j->dout.row * j->size;
    const char *out =
        hone__attention_at(j, &j->out, b->unit, 1, j->size) + b->q0 * j->values * j->size;
    char *delta = r->delta + (b->unit % j->groups * j->queries + b->q0) * j->size;
    if (w.deltas)
        hone__k->attend_dots[j->dtype](b->queries, j->values, dout, j->dout.row, out, j->values,
                                       delta);
    const bool first = b->q0 == 0 && b->unit % j->groups == 0;
    const bool fresh = w.dq && b->k0 == 0 && begins_queries(j, b);
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

static void begin_keys(const job *j, const block *keys, room *r, wish *w)
{
    turn(j, keys, &j->k, j->width, r->keys);
    turn(j, keys, &j->v, j->values, r->values);
    if (w->dkv) {
        const bool all = j->a->mask == HONE_NONE && !j->a->causal;
        begins(j, all, &j->dk, keys->unit, j->groups, keys->k0, keys->keys, j->width);
        w->fresh = begins(j, all, &j->dv, keys->unit, j->groups, keys->k0, keys->keys, j->values);
    }
}

static void end_queries(const job *j, const block *q, room *r)
{
    (void)r;
    char *dq = hone__attention_at(j, &j->dq, q->unit, 1, j->size) + q->q0 * j->width * j->size;
    scale(j, q->queries * j->width, dq, dq);
}

const hone__attention_math hone__attention_real = {
    .cut_room = cut_room,
    .attend = attend,
    .begin_keys = begin_keys,
    .back = back,
    .end_queries = end_queries,
};

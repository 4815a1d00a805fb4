/* attention.c: the walk over blocks of queries and keys: see attention.h. */
#include "loops/attention_job.h"

#include "gemm/args.h"
#include "gemm/bf16_step.h"
#include "loops/elementwise.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define NS_PER_EXP 0.5
#define KEPT_BYTES (1 << 20) /* of keys that a thread keeps turned */

typedef hone__attention_job job;
typedef hone__attention_part block;
typedef hone__attention_room room;
typedef hone__attention_wish wish;
typedef hone__attention_rows matrices;

/* ---- where things lie */

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

char *hone__attention_at(const job *j, const matrices *m, int64_t unit, int64_t groups,
                         int64_t size)
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
              .real = a->q->dtype == HONE_BF16 ? HONE_F32 : (hone_dtype)a->q->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)a->q->dtype),
              .n_batch = n - 2,
              .units = 1,
              .groups = 1,
              .kept = HONE__KEY_BLOCK,
              .queries = a->q->shape[n - 2],
              .keys = a->k->shape[n - 2],
              .width = a->q->shape[n - 1],
              .values = a->v->shape[n - 1] };
    j.real_size = (int64_t)hone_dtype_size(j.real);
    j.math = &hone__attention_real;
    j.kernel = &hone__k->gemm.of[j.dtype == HONE_F64 ? HONE__GEMM_F64 : HONE__GEMM_F32];
    if (j.dtype == HONE_BF16) {
        j.math = &hone__attention_pairs;
        hone__attention_half(&j);
    }
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

/* ---- a block */

/* What a mask shows of a row of keys: bytes, and -inf in the scores of the hidden ones; of others
 * what is added to the scores. Sums are taken of all, so that a loop has vectors. */
#define SEE(name, type, of_mask, value)                                                            \
    static inline void show_##name(int64_t n, uint8_t *restrict seen, type *restrict scores,       \
                                   const uint8_t *restrict mask, int64_t step)                     \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            seen[i] = (uint8_t)(mask[i * step] != 0);                                              \
            scores[i] = mask[i * step] ? scores[i] : -(type)INFINITY;                              \
        }                                                                                          \
    }                                                                                              \
    static inline void add_##name(int64_t n, uint8_t *restrict seen, type *restrict scores,        \
                                  const of_mask *restrict mask, int64_t step)                      \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type add = value(mask[i * step]), sum = scores[i] + add;                         \
            seen[i] = (uint8_t)(add != -(type)INFINITY);                                           \
            scores[i] = add != -(type)INFINITY ? sum : -(type)INFINITY;                            \
        }                                                                                          \
    }                                                                                              \
    static void see_##name(int64_t n, uint8_t *seen, type *scores, const void *mask, int64_t step, \
                           bool adds)                                                              \
    {                                                                                              \
        if (adds && step == 1)                                                                     \
            add_##name(n, seen, scores, mask, 1);                                                  \
        else if (adds)                                                                             \
            add_##name(n, seen, scores, mask, step);                                               \
        else if (step == 1)                                                                        \
            show_##name(n, seen, scores, mask, 1);                                                 \
        else                                                                                       \
            show_##name(n, seen, scores, mask, step);                                              \
    }
SEE(f32, float, float, )
SEE(f64, double, double, )
SEE(bf16, float, uint16_t, hone__bf16_widen)

static void mask_block(const job *j, const block *b, const room *r)
{
    const bool adds = j->a->mask->dtype != HONE_BOOL;
    const int64_t size = adds ? j->size : 1;
    const char *mask = hone__attention_at(j, &j->mask, b->unit, 1, size) +
                       (b->q0 * j->mask.row + b->k0 * j->mask.col) * size;
    for (int64_t i = 0; i < b->queries; i++, mask += j->mask.row * size) {
        char *scores = r->scores + i * HONE__SCORES_LD * j->real_size;
        uint8_t *seen = r->mask + i * HONE__KEY_BLOCK;
        if (j->dtype == HONE_F64)
            see_f64(b->keys, seen, (double *)scores, mask, j->mask.col, adds);
        else if (j->dtype == HONE_F32)
            see_f32(b->keys, seen, (float *)scores, mask, j->mask.col, adds);
        else
            see_bf16(b->keys, seen, (float *)scores, mask, j->mask.col, adds);
    }
}

hone__sight hone__attention_mask(const job *j, const block *b, const room *r)
{
    bool all = true, some = false;
    mask_block(j, b, r);
    for (int64_t i = 0; i < b->queries; i++) {
        const uint8_t *row = r->mask + i * HONE__KEY_BLOCK;
        all = all && !memchr(row, 0, (size_t)b->keys);
        some = some || memchr(row, 1, (size_t)b->keys);
    }
    return (hone__sight){ all    ? HONE__SEE_ALL
                          : some ? HONE__SEE_MASK
                                 : HONE__SEE_NONE,
                          HONE__KEY_BLOCK, r->mask, r->turned };
}

bool hone__attention_sees_all(const job *j, int64_t q0, int64_t k0)
{
    return j->a->mask == HONE_NONE && j->keys > k0 &&
           (!j->a->causal || q0 + 1 >= hone__min(k0 + HONE__KEY_BLOCK, j->keys));
}

hone__sight hone__attention_sight(const job *j, const block *b)
{
    if (j->a->causal && !hone__attention_sees_all(j, b->q0, b->k0))
        return (hone__sight){ HONE__SEE_FIRST, b->q0 + 1 - b->k0, NULL, NULL };
    return (hone__sight){ HONE__SEE_ALL, HONE__KEY_BLOCK, NULL, NULL };
}

bool hone__attention_meet(const job *j, const block *queries, int64_t k0, block *b)
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

/* ---- statistics */

int64_t hone__attention_query(const job *j, const block *b)
{
    return b->unit * j->queries + b->q0;
}

void hone__attention_start(const job *j, const block *q, const room *r)
{
    char lowest[8];
    hone__number(j->real, -INFINITY, lowest);
    hone__k->fill[j->real](q->queries, r->max, 1, lowest);
    memset(r->sum, 0, (size_t)(q->queries * j->real_size));
}

void hone__attention_end(const job *j, const block *q, const room *r, const uint8_t *sees,
                         void *out)
{
    const int64_t size = j->real_size;
    for (int64_t i = 0; i < q->queries; i++)
        if (!sees[i])
            hone__number(j->real, 1, r->sum + i * size);
    hone__k->attend_end[j->real](q->queries, j->values, out, j->values, r->sum);
    if (j->a->stats == HONE_NONE)
        return;
    char *stats = hone__data(j->a->stats);
    const int64_t at = hone__attention_query(j, q), all = j->units * j->queries;
    memcpy(stats + at * size, r->max, (size_t)(q->queries * size));
    memcpy(stats + (all + at) * size, r->sum, (size_t)(q->queries * size));
}

void hone__attention_note(const block *b, const hone__sight *sight, uint8_t *sees)
{
    for (int64_t i = 0; i < b->queries; i++)
        sees[i] |= sight->kind != HONE__SEE_MASK ||
                   memchr(sight->mask + i * HONE__KEY_BLOCK, 1, (size_t)b->keys);
}

/* ---- threads */

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
    j->math->cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    const int64_t each = blocks_of(j->queries, HONE__QUERY_BLOCK), all = j->units * each;
    for (int64_t i = thread; i < all; i += n_threads) {
        const block q = queries_of(j, i / each, i % each);
        j->math->attend(j, &q, &r);
    }
}

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
    j->room_bytes = j->math->cut_room(j, NULL, &none);
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
    const int64_t wide = j.dtype == HONE_BF16 ? j.width + j.values : j.width; /* values too */
    if (j.queries * j.groups > HONE__QUERY_BLOCK && keys <= KEPT_BYTES / (j.real_size * (wide + 1)))
        j.kept = keys;
    const int64_t parts = j.units * blocks_of(j.queries, HONE__QUERY_BLOCK);
    return a->out->numel == 0 || run_team(&j, cost_of(&j, 2), parts, run_forward);
}

/* ---- gradients */

/* Keys from k0 on beside some of a unit's queries. */
static void back_keys(const job *j, int64_t unit, int64_t k0, int64_t q_begin, int64_t q_end,
                      room *r, wish w)
{
    for (int64_t n = q_begin; n < q_end; n++) {
        const block q = queries_of(j, unit, n);
        block b;
        if (hone__attention_meet(j, &q, k0, &b))
            j->math->back(j, &b, r, w);
    }
}

static block keys_of(const job *j, int64_t unit, int64_t k0)
{
    return (block){ .unit = unit, .k0 = k0, .keys = hone__min(HONE__KEY_BLOCK, j->keys - k0) };
}

/* All of a group of heads that share keys. */
static void back_group(const job *j, int64_t group, int64_t k0, room *r, wish w)
{
    const block keys = keys_of(j, group * j->groups, k0);
    j->math->begin_keys(j, &keys, r, &w);
    for (int64_t h = 0; h < j->groups; h++)
        back_keys(j, keys.unit + h, k0, 0, blocks_of(j->queries, HONE__QUERY_BLOCK), r, w);
    if (w.dkv && j->math->end_keys)
        j->math->end_keys(j, &keys, r);
}

/* With enough groups for the threads each is one thread's; else all that is of queries comes first,
 * then what is of keys, and scores are made twice. */
static void run_groups(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    j->math->cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    for (int64_t i = thread; i < j->units / j->groups; i += n_threads) {
        for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK)
            back_group(j, i, k0, &r,
                       (wish){ .dq = j->wants_dq, .dkv = j->wants_dkv, .deltas = k0 == 0 });
        for (int64_t h = 0; h < j->groups && j->wants_dq && j->math->end_queries; h++)
            j->math->end_queries(j, &(block){ .unit = i * j->groups + h, .queries = j->queries },
                                 &r);
    }
}

static void run_pieces(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    room r;
    j->math->cut_room(j, j->room + (size_t)thread * j->room_bytes, &r);
    const int64_t each = blocks_of(j->queries, HONE__QUERY_BLOCK);
    for (int64_t i = thread; j->wants_dq && i < j->units * each; i += n_threads) {
        wish w = { .dq = true };
        for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK) {
            const block keys = keys_of(j, i / each, k0);
            w.deltas = k0 == 0;
            j->math->begin_keys(j, &keys, &r, &w);
            back_keys(j, i / each, k0, i % each, i % each + 1, &r, w);
        }
        const block q = queries_of(j, i / each, i % each);
        if (j->math->end_queries)
            j->math->end_queries(j, &q, &r);
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

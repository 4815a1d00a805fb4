/* attention_pairs.c: blocks of attention of bf16 (attention_job.h): products by the kernels of bf16 on
 * packed panels, everything between them in f32.
 *
 * Of sums over keys (or queries) that not all see each other the weights of the others are zeros, up
 * to where the tile's rows end: that leaves a sum as it is but for the sign of a zero, which is made +
 * at the end. It wouldn't if what they weigh were infinite or NaN: then each row gets panels of its
 * own, without those rows (`sum_apart`). */
#include "loops/attention_job.h"
#include "loops/elementwise.h"
#include "loops/rows.h"

#include "gemm/pairs.h"

#include <string.h>

typedef hone__attention_job job;
typedef hone__attention_part block;
typedef hone__attention_room room;
typedef hone__attention_wish wish;
typedef hone__attention_rows matrices;

/* A kernel on plain FMAs takes an A of widened elements anywhere in the order `pairs`: there rows are
 * widened, not packed (loose), weights where they are. Heads are 64 wide as a rule: panels of 32. */
void hone__attention_half(job *j)
{
    const hone__gemm_kernel *real = &hone__k->gemm.of[HONE__GEMM_F32];
    j->tiles = hone__bf16_tiles_now();
    j->half = hone__bf16_in(j->tiles);
    j->kernel = &j->half->shape;
    j->loose = !j->tiles && !j->half->paired;
    j->mr = j->kernel->mr;
    j->nr = j->kernel->nr;
    if (j->loose && j->nr == 3 * real->vl && real->vl == 16) {
        j->nr = 2 * real->vl;
        j->mr = real->rows[2];
    }
}

/* Elements between rows of weights: whole lines, for kernels that read tiles of them in place. */
enum { WEIGHTS_LD = HONE__KEY_BLOCK + HONE__BF16_TILE_K };

/* Around many tiles. */
static void begin_tiles(const job *j)
{
    if (j->tiles && j->half->begin)
        j->half->begin();
}

static void end_tiles(const job *j)
{
    if (j->tiles && j->half->end)
        j->half->end();
}

/* Sums are cut at multiples of it, which their order doesn't show. */
static int64_t step_of(const job *j)
{
    return j->tiles ? HONE__BF16_TILE_K : 2;
}

/* ---- panels */

static int64_t panels_of(int64_t n, int64_t width)
{
    return (n + width - 1) / width;
}

static size_t panel_bytes(const job *j, int width, int64_t k)
{
    return hone__bf16_panel_bytes(j->half, j->tiles, width, k);
}

static size_t all_bytes(const job *j, int width, int64_t n, int64_t k)
{
    return (size_t)panels_of(n, width) * panel_bytes(j, width, k);
}

typedef enum { A, B } side;

static int width_of(const job *j, side of)
{
    return of == A ? j->mr : j->nr;
}

static void pack_one(const job *j, side of, int64_t n, int64_t k, const uint16_t *x, int64_t ps,
                     int64_t ks, char *to)
{
    const uint16_t pad = of == A ? HONE__BF16_PAD_A : HONE__BF16_PAD_B;
    const int width = width_of(j, of);
    j->half->pack(k, width, (int)n, (uint32_t *)(void *)to, x, ps, ks, pad);
    if (j->tiles && j->half->regroup)
        j->half->regroup(k, width, (uint32_t *)(void *)to, pad);
}

/* n columns, ps apart, over k, ks apart. */
static void pack_all(const job *j, side of, int64_t n, int64_t k, const void *x, int64_t ps,
                     int64_t ks, char *to)
{
    const int width = width_of(j, of);
    for (int64_t i = 0; i < n; i += width, to += panel_bytes(j, width, k))
        pack_one(j, of, hone__min(width, n - i), k, (const uint16_t *)x + i * ps, ps, ks, to);
}

/* n rows of A, rs apart, over k. */
static void pack_rows(const job *j, int64_t n, int64_t k, const char *x, int64_t rs, char *to)
{
    const int64_t size = sizeof(float), rows = rs == k ? 1 : n, each = n * k / (rows ? rows : 1);
    if (!j->loose)
        pack_all(j, A, n, k, x, rs, 1, to);
    for (int64_t i = 0; j->loose && i < rows; i++)
        hone__k->cast[HONE__BF16][HONE__F32](each, to + i * k * size, 1, x + i * rs * j->size, 1);
}

static void run_tile(const job *j, const hone__gemm_tile *t)
{
    if (j->tiles)
        j->half->tiles(t);
    else
        j->half->tile(t);
}

/* ---- a thread's room */

static size_t cut_room(const job *j, char *at, room *r)
{
    const bool back = j->wants_dq || j->wants_dkv, masked = j->a->mask != HONE_NONE;
    const bool apart = masked || j->a->causal;
    const int64_t q = HONE__QUERY_BLOCK, k = HONE__KEY_BLOCK, blocks = j->kept / k;
    const int64_t wide = j->width > j->values ? j->width : j->values;
    const int mr = j->mr, nr = j->nr;
    size_t used = 0;
    *r = (room){ .turned_of = NULL };
#define TAKE(member, elements, bytes)                                                              \
    (r->member = at ? (void *)(at + used) : NULL,                                                  \
     used += ((size_t)(elements) * (bytes) + 127) / 64 * 64)
    TAKE(scores, q * HONE__SCORES_LD, sizeof(float));
    TAKE(dp, back ? q * HONE__SCORES_LD : 0, sizeof(float));
    TAKE(weights, q * WEIGHTS_LD, sizeof(uint16_t));
    TAKE(dscores, back ? q * WEIGHTS_LD : 0, sizeof(uint16_t));
    TAKE(q, all_bytes(j, mr, q, j->width), 1);
    TAKE(keys, blocks, all_bytes(j, nr, k, j->width));
    TAKE(values, blocks, all_bytes(j, nr, back ? k : j->values, back ? j->values : k));
    TAKE(strip, panel_bytes(j, mr, q), 1);
    TAKE(dout, back ? all_bytes(j, mr, q, j->values) : 0, 1);
    TAKE(q_sum, back ? all_bytes(j, nr, j->width, q) : 0, 1);
    TAKE(dout_sum, back ? all_bytes(j, nr, j->values, q) : 0, 1);
    TAKE(keys_sum, back ? all_bytes(j, nr, j->width, k) : 0, 1);
    TAKE(seen_rows, apart ? q * wide : 0, sizeof(uint16_t));
    TAKE(seen_panels, apart ? all_bytes(j, nr, wide, q) : 0, 1);
    TAKE(max, q, sizeof(float));
    TAKE(sum, q, sizeof(float));
    TAKE(delta, back ? j->groups * j->queries : 0, sizeof(float));
    TAKE(out, back ? 0 : q * j->values, sizeof(float));
    TAKE(dq, j->wants_dq ? j->groups * j->queries * j->width : 0, sizeof(float));
    TAKE(dk, back ? k * j->width : 0, sizeof(float));
    TAKE(dv, back ? k * j->values : 0, sizeof(float));
    for (int i = 0; i < 2; i++)
        TAKE(wide[i], back ? q * j->values : 0, sizeof(float));
    TAKE(mask, masked ? q * k : 0, 1);
#undef TAKE
    return used;
}

/* ---- scores */

/* c = a b, over all of k, m x n. Columns from first + row on may be left out. */
static void multiply(const job *j, int64_t m, int64_t n, int64_t k, const char *a, const char *b,
                     char *c, int64_t first)
{
    const int mr = j->mr, nr = j->nr;
    for (int64_t col = 0; col < n; col += nr, b += panel_bytes(j, nr, k)) {
        const size_t each = j->loose ? (size_t)(mr * k) * sizeof(float) : panel_bytes(j, mr, k);
        const char *panel = a;
        for (int64_t i = 0; i < m; i += mr, panel += each) {
            const int rows = (int)hone__min(mr, m - i);
            const int64_t seen = first == INT64_MAX ? n : hone__min(n, first + i + rows);
            if (seen <= col)
                continue;
            run_tile(j, &(hone__gemm_tile){ .k = k,
                                            .a = panel,
                                            .a_rs = j->loose ? k : 1,
                                            .a_cs = j->loose ? 1 : mr,
                                            .b = b,
                                            .b_rs = nr,
                                            .c = (float *)(void *)c + i * HONE__SCORES_LD + col,
                                            .c_rs = HONE__SCORES_LD,
                                            .mr = rows,
                                            .nr = (int)hone__min(nr, seen - col) });
        }
    }
}

static int64_t first_of(const hone__sight *sight)
{
    return sight->kind == HONE__SEE_FIRST ? sight->seen - 1 : INT64_MAX;
}

static int64_t keys_seen(const block *b, const hone__sight *sight, int64_t query)
{
    return sight->kind == HONE__SEE_FIRST ? hone__min(b->keys, sight->seen + query) : b->keys;
}

static char *queries_at(const job *j, const block *b, const matrices *m)
{
    return hone__attention_at(j, m, b->unit, 1, j->size) + b->q0 * m->row * j->size;
}

static char *keys_at(const job *j, const block *b, const matrices *m)
{
    return hone__attention_at(j, m, b->unit, j->groups, j->size) + b->k0 * m->row * j->size;
}

/* Scores of a block; with a mask, which is added behind it, times the scale. */
static hone__sight score(const job *j, const block *b, const room *r, const char *keys)
{
    const hone__sight sight = hone__attention_sight(j, b);
    const float scale = (float)j->a->scale;
    multiply(j, b->queries, b->keys, j->width, r->q, keys, r->scores, first_of(&sight));
    if (j->a->mask == HONE_NONE)
        return sight;
    for (int64_t i = 0; i < b->queries; i++) {
        float *x = (float *)(void *)r->scores + i * HONE__SCORES_LD;
        hone__k->binary[HONE__K_MUL][HONE__F32](keys_seen(b, &sight, i), x, 1, x, 1, &scale, 0);
    }
    return hone__attention_mask(j, b, r);
}

/* Of so many keys weights are there: whole tiles, for kernels that read them in place. */
static int64_t in_place_keys(const job *j, int64_t keys)
{
    const int64_t tile = j->half->tiled ? HONE__BF16_TILE_K : 1;
    return (keys + tile - 1) / tile * tile;
}

/* x rounded, zeros where they don't see each other, as far as a tile of sums reads. */
static void round_weights(const job *j, const block *b, const hone__sight *sight, char *x,
                          uint16_t *to)
{
    enum { SOME = 16 };
    float *row = (float *)(void *)x;
    const int64_t beyond = j->mr + step_of(j), keys = in_place_keys(j, b->keys);
    for (int64_t i = 0, rows; i < b->queries; i += rows) {
        int64_t all = keys;
        rows = hone__min(sight->kind == HONE__SEE_FIRST ? SOME : b->queries, b->queries - i);
        if (sight->kind == HONE__SEE_FIRST)
            all = hone__min(all, keys_seen(b, sight, i + rows - 1) + beyond);
        for (int64_t r = i; r < i + rows && (sight->kind != HONE__SEE_ALL || all > b->keys); r++) {
            float *of = row + r * HONE__SCORES_LD;
            const uint8_t *seen = sight->mask + r * HONE__KEY_BLOCK;
            const int64_t n = keys_seen(b, sight, r);
            for (int64_t s = n; s < all; s++)
                of[s] = 0;
            for (int64_t s = 0; sight->kind == HONE__SEE_MASK && s < n; s++)
                of[s] = seen[s] ? of[s] : 0;
        }
        j->half->narrow(rows, all, to + i * WEIGHTS_LD, WEIGHTS_LD, row + i * HONE__SCORES_LD,
                        HONE__SCORES_LD);
        for (int64_t r = i; j->loose && r < i + rows; r++)
            hone__k->cast[HONE__BF16][HONE__F32](all, row + r * HONE__SCORES_LD, 1,
                                                 to + r * WEIGHTS_LD, 1);
    }
}

/* ---- sums over what sees each other */

/* c[i, j] += sum over p of a[i, p] b[p, j]; rows are queries and p keys, or (turned) the other way
 * round. */
typedef struct {
    const hone__sight *sight;
    bool turned;
    int64_t m, n, k;
    const uint16_t *a;  /* [queries, WEIGHTS_LD] */
    const char *wide;   /* a, widened, of a loose job: [queries, HONE__SCORES_LD] */
    const char *panels; /* of b ... */
    const char *from;   /* ... as it lies, rows `row` apart */
    int64_t row;
    float *c; /* rows n apart */
} sum;

/* A of a tile's rows from i on over t->k p from `from` on: where it lies, or packed. */
static void a_of_strip(const job *j, const room *r, const sum *x, int64_t i, int64_t from,
                       hone__gemm_tile *t)
{
    const int64_t ld = j->loose ? HONE__SCORES_LD : WEIGHTS_LD;
    const int64_t rs = x->turned ? 1 : ld, cs = x->turned ? ld : 1, at = i * rs + from * cs;
    const int64_t whole = in_place_keys(j, t->k);
    if (j->loose || (j->half->tiled && !x->turned && t->mr % 16 == 0)) {
        t->a = j->loose ? (const void *)(x->wide + at * (int64_t)sizeof(float)) : x->a + at;
        t->a_rs = rs;
        t->a_cs = cs;
        t->k = whole;
        return;
    }
    pack_one(j, A, t->mr, t->k, x->a + at, rs, cs, r->strip);
    t->a = r->strip;
    t->a_rs = 1;
    t->a_cs = j->mr;
}

/* Rows of c from i on over p in [from, to), from being a multiple of step_of. */
static void sum_strip(const job *j, const room *r, const sum *x, const char *panels, int64_t i,
                      int rows, int64_t from, int64_t to)
{
    const int nr = j->nr;
    hone__gemm_tile t = { .k = to - from, .b_rs = nr, .c_rs = x->n, .mr = rows, .resume = true };
    a_of_strip(j, r, x, i, from, &t);
    panels += panel_bytes(j, nr, from);
    for (int64_t col = 0; col < x->n; col += nr, panels += panel_bytes(j, nr, x->k)) {
        t.b = panels;
        t.c = x->c + i * x->n + col;
        t.nr = (int)hone__min(nr, x->n - col);
        run_tile(j, &t);
    }
}

static bool sees(const sum *x, int64_t i, int64_t p)
{
    const int64_t query = x->turned ? p : i, key = x->turned ? i : p;
    if (x->sight->kind == HONE__SEE_FIRST)
        return key < x->sight->seen + query;
    return x->sight->mask[query * HONE__KEY_BLOCK + key];
}

static bool is_finite(const job *j, const sum *x)
{
    uint16_t most = 0;
    for (int64_t p = 0; p < x->k; p++) {
        const uint16_t *row = (const uint16_t *)(const void *)(x->from + p * x->row * j->size);
        for (int64_t i = 0; i < x->n; i++)
            most |= (uint16_t)((row[i] & 0x7FFF) + 0x80); /* 0x7F80 and more: 0x8000 and more */
    }
    return most < 0x8000;
}

/* Rows of c from i on over what any of them sees. */
static void sum_rows(const job *j, const room *r, const sum *x, const char *panels, int64_t i,
                     int rows)
{
    const int64_t step = step_of(j), seen = x->sight->seen;
    int64_t from = 0, to = x->k;
    if (x->sight->kind == HONE__SEE_FIRST && x->turned)
        from = i >= seen ? (i - seen + 1) / step * step : 0;
    else if (x->sight->kind == HONE__SEE_FIRST)
        to = hone__min(to, (seen + i + rows - 1 + step - 1) / step * step);
    if (from < to)
        sum_strip(j, r, x, panels, i, rows, from, to);
}

/* With rows of b that are infinite or NaN: each row of c by itself, those that it doesn't see being
 * zeros. */
static void sum_apart(const job *j, const room *r, const sum *x)
{
    for (int64_t i = 0; i < x->m; i++) {
        for (int64_t p = 0; p < x->k; p++) {
            const size_t bytes = (size_t)x->n * sizeof *r->seen_rows;
            if (sees(x, i, p))
                memcpy(r->seen_rows + p * x->n, x->from + p * x->row * j->size, bytes);
            else
                memset(r->seen_rows + p * x->n, 0, bytes);
        }
        pack_all(j, B, x->n, x->k, r->seen_rows, 1, x->n, r->seen_panels);
        sum_rows(j, r, x, r->seen_panels, i, 1);
    }
}

static void add_sums(const job *j, const room *r, const sum *x)
{
    const int mr = j->mr;
    if (x->sight->kind != HONE__SEE_ALL && !is_finite(j, x)) {
        sum_apart(j, r, x);
        return;
    }
    for (int64_t i = 0; i < x->m; i += mr)
        sum_rows(j, r, x, x->panels, i, (int)hone__min(mr, x->m - i));
}

/* Sums times `by`, zeros being +0, rounded once. */
static void round_sums(const job *j, int64_t n, float by, float *sums, char *to)
{
    const float zero = 0;
    if (by != 1)
        hone__k->binary[HONE__K_MUL][HONE__F32](n, sums, 1, sums, 1, &by, 0);
    hone__k->binary[HONE__K_ADD][HONE__F32](n, sums, 1, sums, 1, &zero, 0);
    j->half->narrow(1, n, (uint16_t *)(void *)to, 0, sums, 0);
}

/* ---- forward */

/* The block's keys and values, packed; a head's stay so for the queries after these. */
static void packed_keys(const job *j, const block *b, room *r, char **keys, char **values)
{
    const int nr = j->nr;
    const bool one = j->kept == HONE__KEY_BLOCK;
    const size_t number = one ? 0 : (size_t)(b->k0 / HONE__KEY_BLOCK);
    const char *k = keys_at(j, b, &j->k), *v = keys_at(j, b, &j->v);
    const char *head = hone__attention_at(j, &j->k, b->unit, j->groups, j->size);
    const char *head_v = hone__attention_at(j, &j->v, b->unit, j->groups, j->size);
    *keys = r->keys + number * all_bytes(j, nr, HONE__KEY_BLOCK, j->width);
    *values = r->values + number * all_bytes(j, nr, j->values, HONE__KEY_BLOCK);
    if (one || r->turned_of != head || r->values_of != head_v)
        r->turned_to = b->k0;
    r->turned_of = head;
    r->values_of = head_v;
    if (r->turned_to > b->k0)
        return;
    pack_all(j, B, b->keys, j->width, k, j->k.row, 1, *keys);
    pack_all(j, B, j->values, b->keys, v, 1, j->v.row, *values);
    r->turned_to = b->k0 + HONE__KEY_BLOCK;
}

static void pack_queries(const job *j, const block *b, room *r)
{
    if (r->packed_from != b->q0)
        pack_rows(j, b->queries, j->width, queries_at(j, b, &j->q), j->q.row, r->q);
    r->packed_from = b->q0;
}

/* The scale where scores still lack it (`score`). */
static const float *unscaled(const job *j, const float *scale)
{
    return j->a->mask == HONE_NONE ? scale : NULL;
}

static void attend_block(const job *j, const block *q, const block *b, room *r, uint8_t *seen)
{
    const int64_t skip = b->q0 - q->q0;
    char *keys, *values;
    packed_keys(j, b, r, &keys, &values);
    pack_queries(j, b, r);
    const hone__sight sight = score(j, b, r, keys);
    if (sight.kind == HONE__SEE_NONE)
        return;
    hone__attention_note(b, &sight, seen + skip);
    const float scale = (float)j->a->scale;
    float *out = r->out + skip * j->values;
    hone__k->attend[HONE__F32](&(hone__attend){ .rows = b->queries,
                                                .cols = b->keys,
                                                .seen = sight.seen,
                                                .scores = r->scores,
                                                .ss = HONE__SCORES_LD,
                                                .scale = unscaled(j, &scale),
                                                .max = r->max + skip * (int64_t)sizeof(float),
                                                .sum = r->sum + skip * (int64_t)sizeof(float),
                                                .out = out,
                                                .so = j->values,
                                                .width = j->values });
    round_weights(j, b, &sight, r->scores, r->weights);
    add_sums(j, r,
             &(sum){ .sight = &sight,
                     .m = b->queries,
                     .n = j->values,
                     .k = b->keys,
                     .a = r->weights,
                     .wide = r->scores,
                     .panels = values,
                     .from = keys_at(j, b, &j->v),
                     .row = j->v.row,
                     .c = out });
}

static void attend(const job *j, const block *q, room *r)
{
    uint8_t seen[HONE__QUERY_BLOCK] = { 0 };
    const int64_t n = q->queries * j->values;
    memset(r->out, 0, (size_t)n * sizeof *r->out);
    hone__attention_start(j, q, r);
    r->packed_from = -1;
    begin_tiles(j);
    for (int64_t k0 = 0; k0 < j->keys; k0 += HONE__KEY_BLOCK) {
        block b;
        if (hone__attention_meet(j, q, k0, &b))
            attend_block(j, q, &b, r, seen);
    }
    end_tiles(j);
    hone__attention_end(j, q, r, seen, r->out);
    round_sums(j, n, 1, r->out, queries_at(j, q, &j->out));
}

/* ---- gradients */

static void begin_keys(const job *j, const block *keys, room *r, wish *w)
{
    const char *k = keys_at(j, keys, &j->k), *v = keys_at(j, keys, &j->v);
    pack_all(j, B, keys->keys, j->width, k, j->k.row, 1, r->keys);
    pack_all(j, B, keys->keys, j->values, v, j->v.row, 1, r->values);
    if (w->dq)
        pack_all(j, B, j->width, keys->keys, k, 1, j->k.row, r->keys_sum);
    if (w->dkv) {
        memset(r->dk, 0, (size_t)(keys->keys * j->width) * sizeof *r->dk);
        memset(r->dv, 0, (size_t)(keys->keys * j->values) * sizeof *r->dv);
    }
}

/* dout times what it is the gradient of, a sum for each query. */
static void find_deltas(const job *j, const block *b, const room *r, const char *dout, char *delta)
{
    const int64_t n = b->queries * j->values;
    const char *out = queries_at(j, b, &j->out);
    hone__k->cast[HONE__BF16][HONE__F32](n, r->wide[0], 1, dout, 1);
    hone__k->cast[HONE__BF16][HONE__F32](n, r->wide[1], 1, out, 1);
    hone__k->attend_dots[HONE__F32](b->queries, j->values, r->wide[0], j->values, r->wide[1],
                                    j->values, delta);
}

static float *sums_of_query(const job *j, const block *b, const room *r)
{
    return r->dq + (b->unit % j->groups * j->queries + b->q0) * j->width;
}

static void add_dkv(const job *j, const block *b, const room *r, const hone__sight *sight,
                    const char *dout)
{
    const char *q = queries_at(j, b, &j->q);
    sum x = { .sight = sight, .turned = true, .m = b->keys, .k = b->queries };
    pack_all(j, B, j->width, b->queries, q, 1, j->q.row, r->q_sum);
    x.n = j->width;
    x.a = r->dscores;
    x.wide = r->dp;
    x.panels = r->q_sum;
    x.from = q;
    x.row = j->q.row;
    x.c = r->dk;
    add_sums(j, r, &x);
    pack_all(j, B, j->values, b->queries, dout, 1, j->values, r->dout_sum);
    x.n = x.row = j->values;
    x.a = r->weights;
    x.wide = r->scores;
    x.panels = r->dout_sum;
    x.from = dout;
    x.c = r->dv;
    add_sums(j, r, &x);
}

static void add_dq(const job *j, const block *b, const room *r, const hone__sight *sight)
{
    add_sums(j, r,
             &(sum){ .sight = sight,
                     .m = b->queries,
                     .n = j->width,
                     .k = b->keys,
                     .a = r->dscores,
                     .wide = r->dp,
                     .panels = r->keys_sum,
                     .from = keys_at(j, b, &j->k),
                     .row = j->k.row,
                     .c = sums_of_query(j, b, r) });
}

static void back_block(const job *j, const block *b, room *r, wish w)
{
    const int64_t size = j->real_size, all = j->units * j->queries;
    const char *stats = (const char *)hone__data(j->a->stats) + hone__attention_query(j, b) * size;
    const char *dout = queries_at(j, b, &j->dout);
    char *delta = r->delta + (b->unit % j->groups * j->queries + b->q0) * size;
    const float scale = (float)j->a->scale;
    if (w.deltas)
        find_deltas(j, b, r, dout, delta);
    if (w.dq && b->k0 == 0)
        memset(sums_of_query(j, b, r), 0, (size_t)(b->queries * j->width) * sizeof *r->dq);
    r->packed_from = -1;
    pack_queries(j, b, r);
    pack_rows(j, b->queries, j->values, dout, j->values, r->dout);
    const hone__sight sight = score(j, b, r, r->keys);
    if (sight.kind == HONE__SEE_NONE)
        return;
    multiply(j, b->queries, b->keys, j->values, r->dout, r->values, r->dp, first_of(&sight));
    hone__k->attend_back[HONE__F32](&(hone__attend_back){ .rows = b->queries,
                                                          .cols = b->keys,
                                                          .seen = sight.seen,
                                                          .scores = r->scores,
                                                          .ss = HONE__SCORES_LD,
                                                          .scale = unscaled(j, &scale),
                                                          .dp = r->dp,
                                                          .sdp = HONE__SCORES_LD,
                                                          .max = stats,
                                                          .sum = stats + all * size,
                                                          .delta = delta });
    round_weights(j, b, &sight, r->dp, r->dscores);
    if (w.dq)
        add_dq(j, b, r, &sight);
    if (w.dkv) {
        round_weights(j, b, &sight, r->scores, r->weights);
        add_dkv(j, b, r, &sight, dout);
    }
}

static void back(const job *j, const block *b, room *r, wish w)
{
    begin_tiles(j);
    back_block(j, b, r, w);
    end_tiles(j);
}

static void end_keys(const job *j, const block *keys, room *r)
{
    round_sums(j, keys->keys * j->width, (float)j->a->scale, r->dk, keys_at(j, keys, &j->dk));
    round_sums(j, keys->keys * j->values, 1, r->dv, keys_at(j, keys, &j->dv));
}

static void end_queries(const job *j, const block *q, room *r)
{
    round_sums(j, q->queries * j->width, (float)j->a->scale, sums_of_query(j, q, r),
               queries_at(j, q, &j->dq));
}

const hone__attention_math hone__attention_pairs = {
    .cut_room = cut_room,
    .attend = attend,
    .begin_keys = begin_keys,
    .back = back,
    .end_keys = end_keys,
    .end_queries = end_queries,
};

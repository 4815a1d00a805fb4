/* model.c: a model that is trained over shards: what the batches of this thread are cut into, and how
 * gradients reach the other ranks. */
#include "core/reserve.h"
#include "dist/bucket.h"
#include "dist/gather.h"
#include "dist/link.h"
#include "op/part.h"
#include "runtime/memory.h"

#include <hone/dist.h>

#include <stdio.h>
#include <string.h>

enum { USUAL_SHARDS = 8, MOST_SHARDS = 1 << 20, USUAL_BUCKET = 4 << 20 };

/* Of the thread that trains. */
static _Thread_local struct {
    hone__ranks ranks;
    int64_t bucket_bytes;
    hone__bucket *open;  /* that gradients are put into */
    hone__bucket **sent; /* of the step that runs */
    int n_sent;
    int64_t room;
    hone__link **links; /* the same of chains that are handed on */
    int n_links;
    int64_t room_links;
    hone__traffic before; /* hone_dist_model() */
    hone_dist_statistics told;
} own;

/* ---- what the batch's parts call (op/shards.h) */

static bool gather(hone__ranks *ranks, void *rows, int64_t row_bytes, const int64_t *begin)
{
    (void)ranks;
    return hone__gather_end(hone__gather_begin(rows, row_bytes, begin));
}

static bool flush(void)
{
    if (!own.open)
        return true;
    if (!hone__grow(&own.sent, &own.room, own.n_sent + 1, sizeof *own.sent))
        return false;
    hone__bucket_begin(own.open, true);
    own.sent[own.n_sent++] = own.open;
    own.open = NULL;
    return true;
}

static bool send(hone__ranks *ranks, hone_tensor *result, const hone__cut *cut, int n,
                 hone_tensor *const *sums)
{
    (void)ranks;
    const hone_dtype dtype = (hone_dtype)result->dtype;
    if (own.open && !hone__bucket_takes(own.open, dtype) && !flush())
        return false;
    if (!own.open && !(own.open = hone__bucket_new(cut, dtype)))
        return false;
    if (!hone__bucket_add(own.open, result, n, sums))
        return false;
    own.told.gradient_bytes += result->numel * (int64_t)hone__size_of(result->dtype);
    return hone__bucket_bytes(own.open) < own.bucket_bytes || flush();
}

static hone__link *hand_on(hone__ranks *ranks, hone_tensor *sum, const hone__cut *cut,
                           int64_t tile_bytes)
{
    (void)ranks;
    if (!hone__grow(&own.links, &own.room_links, own.n_links + 1, sizeof *own.links))
        return NULL;
    hone__link *link = hone__link_begin(sum, cut, tile_bytes);
    if (!link)
        return NULL;
    own.links[own.n_links++] = link;
    own.told.gradient_bytes += sum->numel * (int64_t)hone__size_of(sum->dtype);
    return link;
}

static bool finish(hone__ranks *ranks)
{
    (void)ranks;
    const double begin = hone__world_seconds();
    bool ok = flush();
    for (int i = 0; i < own.n_sent; i++)
        ok = hone__bucket_end(own.sent[i]) && ok;
    for (int i = 0; i < own.n_links; i++)
        ok = hone__link_end(own.links[i]) && ok;
    own.n_sent = own.n_links = 0;
    own.told.steps++;
    own.told.waited_seconds += hone__world_seconds() - begin;
    return ok;
}

static void drop(hone__ranks *ranks)
{
    (void)ranks;
    hone__bucket_free(own.open);
    own.open = NULL;
    for (int i = 0; i < own.n_links; i++)
        hone__link_let_go(own.links[i]);
}

/* ---- what users call */

static bool same_model(hone_module *model)
{
    HONE_SCOPE();
    const char *version = HONE_VERSION;
    const hone_named_list state = hone_named_state(model);
    if (!state.at || hone_dist_same("the version of hone", version, strlen(version)) != HONE_OK)
        return false;
    int64_t all = 0;
    for (int i = 0; i < state.n; i++)
        all += (int64_t)strlen(state.at[i].name) + 8 * (HONE_MAX_DIMS + 2);
    char *text = hone__own_block(hone__calloc((size_t)all + 1));
    if (!text)
        return false;
    char *to = text;
    for (int i = 0; i < state.n; i++) { /* names, dtypes, shapes */
        const hone_tensor *t = state.at[i].tensor;
        const size_t n = strlen(state.at[i].name);
        memcpy(to, state.at[i].name, n);
        to[n] = (char)t->dtype;
        memcpy(to + n + 1, t->shape, (size_t)t->ndim * sizeof *t->shape);
        to += n + 1 + (size_t)t->ndim * sizeof *t->shape;
    }
    if (hone_dist_same("the model (its parts, names, shapes)", text, (size_t)(to - text)) !=
        HONE_OK)
        return false;
    for (int i = 0; i < state.n; i++) {
        hone_tensor *t = hone_contiguous(hone_detach(state.at[i].tensor));
        char what[160];
        snprintf(what, sizeof what, "the model's %s", state.at[i].name);
        if (!t || hone_dist_same(what, hone__data(t), (size_t)t->numel * hone__size_of(t->dtype)) !=
                      HONE_OK)
            return false;
    }
    return true;
}

hone_status hone_dist_model(hone_module *model, const hone_dist_options *options)
{
    const hone_dist_options o = options ? *options : (hone_dist_options){ 0 };
    const int size = hone__world_size(), rank = hone__world_rank();
    if (!model)
        return hone__error_missing("dist_model", "a model");
    if (!HONE__KNOWS_OPTIONS("dist_model", options))
        return hone__error_last();
    if (o.handed_on && o.shards)
        return hone_error_set(HONE_E_VALUE,
                              "dist_model: %lld shards, but a chain that is handed on has none",
                              (long long)o.shards);
    if (o.shards < 0 || o.bucket_bytes < 0)
        return hone_error_set(HONE_E_VALUE, "dist_model: %s is %lld, 0 or more is wanted",
                              o.shards < 0 ? "shards" : "bucket_bytes",
                              (long long)(o.shards < 0 ? o.shards : o.bucket_bytes));
    if (o.shards > MOST_SHARDS)
        return hone_error_set(HONE_E_VALUE, "dist_model: %lld shards, %d at most are possible",
                              (long long)o.shards, MOST_SHARDS);
    if (o.shards > 0 && o.shards < size)
        return hone_error_set(HONE_E_VALUE,
                              "dist_model: %lld shards for %d ranks: each has one at "
                              "least",
                              (long long)o.shards, size);
    if (hone__part_now()->open)
        return hone_error_set(HONE_E_STATE,
                              "dist_model: a batch is open: hone_accumulate_end() comes first");
    if (size > 1 && !same_model(model))
        return hone__error_last();
    const int64_t usual = size > USUAL_SHARDS ? size : USUAL_SHARDS;
    hone__sharding *sharding = hone__sharding_now();
    sharding->n = o.shards ? o.shards : size == 1 ? 0 : o.handed_on ? size : usual;
    sharding->handed_on = o.handed_on && size > 1;
    if (size > 1 && hone_dist_same("the number of shards", &sharding->n, sizeof sharding->n)) {
        *sharding = (hone__sharding){ 0 };
        return hone__error_last();
    }
    own.ranks =
        (hone__ranks){ rank,   size, gather, send, hand_on, hone__link_take, hone__link_give,
                       finish, drop };
    sharding->ranks = size > 1 ? &own.ranks : NULL;
    own.bucket_bytes = o.bucket_bytes ? o.bucket_bytes : USUAL_BUCKET;
    const hone__cut full = hone__cut_of(sharding->n, sharding->n, rank, size);
    own.told =
        (hone_dist_statistics){ .subtrees = hone_dist_shards() ? hone__forest_of(&full).n : 0 };
    own.before = hone__world_traffic();
    return HONE_OK;
}

int64_t hone_dist_shards(void)
{
    const hone__sharding *sharding = hone__sharding_now();
    return sharding->handed_on ? 0 : sharding->n;
}

void hone_dist_stop(void)
{
    hone__bucket_free(own.open);
    hone__free(own.sent);
    hone__free(own.links);
    own.open = NULL;
    own.sent = NULL;
    own.links = NULL;
    own.n_sent = own.n_links = 0;
    own.room = own.room_links = 0;
    *hone__sharding_now() = (hone__sharding){ 0 };
}

bool hone_dist_share(int64_t batch, int64_t *first, int64_t *n)
{
    int64_t at, samples;
    const hone__cut cut = hone__cut_now(batch);
    const bool has_some = hone__share_of(&cut, &at, &samples);
    if (first)
        *first = at;
    if (n)
        *n = samples;
    return has_some;
}

hone_status hone_dist_statistics_get(hone_dist_statistics *statistics)
{
    if (!statistics)
        return hone__error_missing("dist_statistics_get", "statistics");
    const hone__traffic now = hone__world_traffic();
    *statistics = own.told;
    statistics->sent_bytes = now.large_bytes - own.before.large_bytes;
    statistics->other_bytes = now.other_bytes - own.before.other_bytes;
    statistics->busy_seconds = now.busy - own.before.busy;
    return HONE_OK;
}

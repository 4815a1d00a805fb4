/* accumulate.c: a batch in parts. */
#include <hone/accumulate.h>

#include "autograd/accumulate.h"
#include "autograd/leaf.h"
#include "autograd/trees.h"
#include "op/part.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

static _Thread_local struct {
    hone_tensor **leaf; /* held */
    int n;
    int64_t room;
} into;

bool hone__accumulate_into(hone_tensor *leaf)
{
    if (!hone__grow(&into.leaf, &into.room, into.n + 1, sizeof *into.leaf))
        return false;
    into.leaf[into.n++] = hone_retain(leaf);
    return true;
}

/* The samples of this process. One that has none runs the first of the batch. */
static void begin_shards(hone__part *part, const hone__sharding *sharding)
{
    int64_t n;
    part->ranks = sharding->ranks;
    part->handed_on = sharding->handed_on;
    part->cut = hone__cut_now(part->whole);
    part->ghost = !hone__share_of(&part->cut, &part->first, &n);
    part->begin = part->first;
    part->end = part->first + n;
}

hone_status hone_accumulate_begin(int64_t samples)
{
    hone__part *part = hone__part_now();
    if (part->open)
        return hone_error_set(HONE_E_STATE,
                              "accumulate_begin: a batch of %lld samples is open: "
                              "hone_accumulate_end() comes first",
                              (long long)part->whole);
    if (samples < 1)
        return hone_error_set(HONE_E_VALUE, "accumulate_begin: a batch of %lld samples",
                              (long long)samples);
    const hone__sharding *sharding = hone__sharding_now();
    *part = (hone__part){ .open = true, .whole = samples, .end = samples };
    if (sharding->n)
        begin_shards(part, sharding);
    hone__parts_draw_from_here();
    return HONE_OK;
}

hone_status hone_accumulate_targets(hone_tensor *targets)
{
    hone__part *part = hone__part_now();
    if (!hone__needs_tensor("accumulate_targets", targets))
        return hone__error_last();
    if (!part->open || part->id)
        return hone_error_set(HONE_E_STATE,
                              "accumulate_targets: comes between hone_accumulate_begin() and the "
                              "first hone_accumulate_part()");
    if (targets->ndim == 0 || targets->shape[0] != part->whole)
        return hone_error_set(HONE_E_SHAPE, "accumulate_targets: %s for a batch of %lld samples",
                              hone__tensor_text(targets).s, (long long)part->whole);
    if (hone_dtype_is_float((hone_dtype)targets->dtype) || targets->dtype == HONE_BOOL)
        return hone_error_set(HONE_E_DTYPE, "accumulate_targets: %s, classes are integers",
                              hone__tensor_text(targets).s);
    hone_retain(targets);
    hone_release(part->targets);
    part->targets = targets;
    return HONE_OK;
}

hone_status hone_accumulate_part(int64_t samples)
{
    hone__part *part = hone__part_now();
    if (!part->open)
        return hone_error_set(HONE_E_STATE,
                              "accumulate_part: no batch is open: hone_accumulate_begin() says how "
                              "many samples it has");
    if (samples < 1)
        return hone_error_set(HONE_E_VALUE, "accumulate_part: a part of %lld samples",
                              (long long)samples);
    const int64_t begin = part->begin, came = part->first + part->samples - begin;
    if (samples > part->end - begin - came)
        return hone_error_set(HONE_E_STATE,
                              "accumulate_part: %lld samples after %lld of the %lld that %s",
                              (long long)samples, (long long)came, (long long)(part->end - begin),
                              part->ranks ? "are this rank's" : "were announced");
    part->first += part->samples;
    part->samples = samples;
    part->id = hone__walk_id();
    part->n_calls = 0;
    hone__parts_draw_again();
    return HONE_OK;
}

/* What this process has of them goes to the others, and comes from there. False: an error is
 * pending. */
static bool send_leaves(const hone__part *part)
{
    bool ok = true;
    if (!part->ranks)
        return true;
    for (int i = 0; ok && i < into.n; i++)
        ok = hone__trees_send(into.leaf[i]);
    return ok && part->ranks->finish(part->ranks);
}

/* Their hooks run when the batch is no longer open, so that these may do what they like. */
static bool run_hooks(hone_tensor **leaf, int n, bool good)
{
    HONE_NO_GRAD();
    for (int i = 0; i < n; i++) {
        good = hone__leaf_hooks_end(leaf[i], good) && good;
        hone_release(leaf[i]);
    }
    hone__free(leaf);
    return good;
}

/* Their gradients are whole now, or with !good as they were. False: out of memory. */
static bool end_leaves(bool good)
{
    HONE_NO_GRAD();
    bool ok = true;
    for (int i = 0; i < into.n; i++) {
        if (good)
            ok = hone__leaf_end_parts(into.leaf[i]) && ok;
        else
            hone__leaf_drop_parts(into.leaf[i]);
    }
    return ok;
}

static hone_tensor *mean_of(const hone__part_loss *loss)
{
    hone_tensor *sum = hone_sum(loss->values);
    return loss->divisor ? hone_div(sum, loss->divisor)
                         : hone_div_scalar(sum, (double)loss->values->numel);
}

/* Each process gets the losses of all. False: an error is pending. */
static bool gather_losses(const hone__part *part)
{
    HONE_SCOPE();
    hone__ranks *ranks = part->ranks;
    int64_t *begin =
        ranks ? hone__own_block(hone__calloc(hone__bytes(ranks->size + 1, sizeof *begin))) : NULL;
    bool ok = begin || !ranks;
    for (int r = 0; ok && ranks && r < ranks->size; r++) {
        const hone__cut cut = hone__cut_of(part->cut.n, part->whole, r, ranks->size);
        begin[r + 1] = hone__shard_begin(&cut, cut.end);
    }
    for (int i = 0; ok && ranks && i < part->n_losses; i++) {
        const hone_tensor *t = part->losses[i].values;
        const int64_t row = t->shape[0] / part->whole * (int64_t)hone__size_of(t->dtype);
        ok = ranks->gather(ranks, hone__data(t), row, begin);
    }
    return ok;
}

static hone_tensor *sum_of_losses(const hone__part *part)
{
    HONE_NO_GRAD();
    hone_tensor *sum = HONE_NONE;
    for (int i = 0; sum && i < part->n_losses; i++) {
        hone_tensor *loss = mean_of(&part->losses[i]);
        sum = sum == HONE_NONE ? loss : hone_add(sum, loss);
    }
    return sum;
}

hone_tensor *hone_accumulate_end(void)
{
    hone__part *part = hone__part_now();
    if (!part->open) {
        hone_error_set(HONE_E_STATE, "accumulate_end: no batch is open");
        return NULL;
    }
    const int64_t came = part->first + part->samples - part->begin;
    const int64_t all = part->end - part->begin;
    const bool lacks = part->cut.n && (came < all || hone_error_code() != HONE_OK);
    bool ok = !lacks && send_leaves(part);
    if (!ok && part->ranks)
        part->ranks->drop(part->ranks);
    ok = end_leaves(ok || !part->cut.n) && ok;
    if (came < all) {
        hone_error_set(HONE_E_STATE, "accumulate_end: %lld samples came of the %lld that %s",
                       (long long)came, (long long)all,
                       part->ranks ? "are this rank's" : "were announced");
        ok = false;
    }
    ok = ok && gather_losses(part);
    hone_tensor *loss = ok ? sum_of_losses(part) : NULL;
    for (int i = 0; i < part->n_losses; i++) {
        hone_release(part->losses[i].values);
        hone_release(part->losses[i].divisor);
    }
    hone_release(part->targets);
    hone__free(part->losses);
    *part = (hone__part){ .open = false };
    hone__parts_draw_on();
    hone_tensor **leaf = into.leaf;
    const int n = into.n;
    into.leaf = NULL;
    into.n = 0;
    into.room = 0;
    return run_hooks(leaf, n, loss != NULL) ? loss : NULL;
}

/* accumulate.c: a batch in parts. */
#include <hone/accumulate.h>

#include "autograd/accumulate.h"
#include "autograd/leaf.h"
#include "op/part.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

static _Thread_local struct {
    hone_tensor **leaf; /* held */
    int n, room;
} into;

bool hone__accumulate_into(hone_tensor *leaf)
{
    if (into.n == into.room) {
        const int room = into.room ? 2 * into.room : 32;
        hone_tensor **more = hone__realloc(into.leaf, hone__bytes(room, sizeof *more));
        if (!more)
            return false;
        into.leaf = more;
        into.room = room;
    }
    into.leaf[into.n++] = hone_retain(leaf);
    return true;
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
    *part = (hone__part){ .open = true, .whole = samples };
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
    if (samples > part->whole - part->first - part->samples)
        return hone_error_set(HONE_E_STATE,
                              "accumulate_part: %lld samples after %lld of the %lld that were "
                              "announced",
                              (long long)samples, (long long)(part->first + part->samples),
                              (long long)part->whole);
    part->first += part->samples;
    part->samples = samples;
    part->id = hone__walk_id();
    part->n_calls = 0;
    hone__parts_draw_again();
    return HONE_OK;
}

/* Their gradients are whole now. False: out of memory. */
static bool end_leaves(void)
{
    HONE_NO_GRAD();
    bool ok = true;
    for (int i = 0; i < into.n; i++) {
        ok = hone__leaf_end_parts(into.leaf[i]) && ok;
        hone_release(into.leaf[i]);
    }
    hone__free(into.leaf);
    into.leaf = NULL;
    into.n = into.room = 0;
    return ok;
}

static hone_tensor *mean_of(const hone__part_loss *loss)
{
    hone_tensor *sum = hone_sum(loss->values);
    return loss->divisor ? hone_div(sum, loss->divisor)
                         : hone_div_scalar(sum, (double)loss->values->numel);
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
    const int64_t came = part->first + part->samples;
    bool ok = end_leaves();
    if (came < part->whole) {
        hone_error_set(HONE_E_STATE,
                       "accumulate_end: %lld samples came of the %lld that were "
                       "announced",
                       (long long)came, (long long)part->whole);
        ok = false;
    }
    hone_tensor *loss = ok ? sum_of_losses(part) : NULL;
    for (int i = 0; i < part->n_losses; i++) {
        hone_release(part->losses[i].values);
        hone_release(part->losses[i].divisor);
    }
    hone_release(part->targets);
    hone__free(part->losses);
    *part = (hone__part){ .open = false };
    hone__parts_draw_on();
    return loss;
}

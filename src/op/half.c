/* half.c: see half.h. */
#include "op/half.h"

#include "op/mode.h"
#include "op/named.h"
#include "op/node.h"

#include "core/layout.h"
#include "loops/elementwise.h"
#include "runtime/memory.h"
#include "runtime/thread_end.h"

#include <string.h>

const hone__half_rule *hone__half_rules;
int hone__half_rule_count;
const hone__op *hone__op_of_to, *hone__op_of_copy_;

/* ---- rules */

hone__half_rule hone__half_rule_of(const hone__op *op)
{
    int low = 0, high = hone__half_rule_count; /* they lie in the order of their addresses */
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (hone__half_rules[middle].op < op)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < hone__half_rule_count && hone__half_rules[low].op == op)
        return hone__half_rules[low];
    const bool as_it_is = op->view || op == &hone__op_function;
    return (hone__half_rule){ .op = op, .takes = as_it_is ? HONE__TAKES_ALL : HONE__TAKES_F32 };
}

const char *hone_op_autocast(const char *name)
{
    static const char *const texts[] = { [HONE__CASTS_NOT] = "",
                                         [HONE__CASTS_LOWER] = "lower",
                                         [HONE__CASTS_INSIDE] = "lower",
                                         [HONE__CASTS_F32] = "f32",
                                         [HONE__CASTS_WIDEST] = "widest" };
    bool in_place;
    const hone__op *op = name ? hone__op_find(name, &in_place) : NULL;
    if (op)
        return texts[hone__half_rule_of(op).casts];
    hone_error_set(HONE_E_VALUE, "op_autocast: there is no op \"%s\"", name ? name : "(NULL)");
    return "";
}

const char *hone_op_halves(const char *name)
{
    static const char *const texts[] = {
        [HONE__TAKES_F32] = "in f32; each f32 result is rounded",
        [HONE__TAKES_ALL] = "as they are",
        [HONE__TAKES_FIRST] = "bf16: read and written as it is, computed in f32; f16: in f32",
        [HONE__TAKES_PAIRS] = "bf16: products of bf16 with f32 sums, rounded once; f16: in f32",
        [HONE__TAKES_PARTS] = "bf16: products of bf16 with f32 sums, rounded once; f16: in f32",
    };
    bool in_place;
    const hone__op *op = name ? hone__op_find(name, &in_place) : NULL;
    if (op)
        return texts[hone__half_rule_of(op).takes];
    hone_error_set(HONE_E_VALUE, "op_halves: there is no op \"%s\"", name ? name : "(NULL)");
    return "";
}

/* ---- the plan of a call */

static bool is_float(const hone_tensor *t)
{
    return hone__is_real(t) && hone_dtype_is_float((hone_dtype)t->dtype);
}

/* What an operand is after autocast has rounded it. */
static hone_dtype lowered_dtype(const hone_tensor *t, hone_dtype lowers_to)
{
    const bool lowers = lowers_to != HONE_F32 && t->dtype != HONE_F64;
    return lowers ? lowers_to : (hone_dtype)t->dtype;
}

/* The dtype of the floats together; 0-d ones count if there are no others. */
static hone_dtype common_dtype(hone_tensor *const *in, int n_in, hone_dtype lowers_to, bool *mixed)
{
    bool any[2] = { false, false };
    hone_dtype dtype[2] = { HONE_F32, HONE_F32 }, first = HONE_F32;
    *mixed = false;
    for (int i = 0; i < n_in; i++) {
        if (!is_float(in[i]))
            continue;
        const hone_dtype own = lowered_dtype(in[i], lowers_to);
        const int which = in[i]->ndim > 0;
        first = any[0] || any[1] ? first : own;
        *mixed = *mixed || own != first;
        dtype[which] = any[which] ? hone_promote(dtype[which], own) : own;
        any[which] = true;
    }
    return any[1] ? dtype[1] : dtype[0];
}

static hone__half_plan refuse(const hone__op *op, hone_tensor *const *in, int n_in)
{
    const hone_tensor *a = NULL, *b = NULL;
    for (int i = 0; i < n_in && !b; i++) {
        if (!is_float(in[i]))
            continue;
        if (a && a->dtype != in[i]->dtype)
            b = in[i];
        a = a ? a : in[i];
    }
    hone_error_set(HONE_E_DTYPE, "%s: operands of one dtype are wanted, got %s and %s", op->name,
                   hone__tensor_text(a).s, hone__tensor_text(b ? b : a).s);
    return HONE__HALF_FAILED;
}

/* A weight whose f32 copy would be large. */
static bool takes_parts(const hone__op *op, hone_tensor *const *in, int n_in)
{
    const hone_tensor *weight = in[1];
    return weight->ndim == 2 && weight->numel >= 2 * HONE__HALF_PART &&
           weight->shape[1] >= 2 * HONE__HALF_PART_COLUMNS &&
           !(hone__grad_on() && hone__must_record(op, in, n_in));
}

/* Whether the forward sees f32 in place of `common`. */
static bool widens(const hone__op *op, hone__half_takes takes, hone_dtype common,
                   hone_tensor *const *in, int n_in)
{
    const bool product = takes == HONE__TAKES_PAIRS || takes == HONE__TAKES_PARTS;
    return takes == HONE__TAKES_F32 || takes == HONE__TAKES_FIRST ||
           (product && common != HONE_BF16 &&
            !(takes == HONE__TAKES_PARTS && common == HONE_F16 && takes_parts(op, in, n_in)));
}

hone__half_plan hone__half_plan_of(const hone__op *op, hone_tensor *const *in, int n_in,
                                   hone__half_call *call)
{
    const hone__half_rule rule = hone__half_rule_of(op);
    const hone_dtype autocast = (hone_dtype)hone__autocast_dtype;
    const bool lowers = autocast != HONE_F32 && rule.casts == HONE__CASTS_LOWER;
    const bool to_f32 = autocast != HONE_F32 && rule.casts == HONE__CASTS_F32;
    bool halves = false, singles = false, mixed;
    for (int i = 0; i < n_in; i++) {
        halves = halves || (is_float(in[i]) && hone__is_half((hone_dtype)in[i]->dtype));
        singles = singles || (is_float(in[i]) && in[i]->dtype == HONE_F32);
    }
    call->lowers_to = lowers ? autocast : HONE_F32;
    call->promotes = rule.mixes == HONE__MIXES_PROMOTED;
    const bool f32_inside = to_f32 && op->composite; /* whatever it is made of */
    if (!halves && !(lowers && singles) && !f32_inside)
        return HONE__HALF_PLAIN;
    const hone_dtype common = common_dtype(in, n_in, call->lowers_to, &mixed);
    if (mixed && !to_f32 && rule.mixes == HONE__MIXES_NOT && rule.takes != HONE__TAKES_ALL)
        return refuse(op, in, n_in);
    const bool first = rule.mixes == HONE__MIXES_AS_FIRST && is_float(in[0]);
    const hone_dtype result = first ? lowered_dtype(in[0], call->lowers_to) : common;
    call->rounds_to = !to_f32 && hone__is_half(result) ? result : HONE_F32;
    call->first_as_it_is = rule.takes == HONE__TAKES_FIRST && !to_f32 && in[0]->dtype == HONE_BF16;
    call->widens = to_f32 || widens(op, rule.takes, common, in, n_in);
    return call->widens || (lowers && singles) || f32_inside ? HONE__HALF_CONVERTS
                                                             : HONE__HALF_PLAIN;
}

/* ---- copies in another dtype */

/* The copy lies as t does: as fast as memory, and what is turned stays so. */
hone_tensor *hone__half_cast(hone_tensor *t, hone_dtype dtype)
{
    int64_t shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS];
    bool shown_often = false;
    for (int d = 0; d < t->ndim; d++) {
        const bool often = t->stride[d] == 0 && t->shape[d] > 1;
        shown_often = shown_often || often;
        shape[d] = often ? 1 : t->shape[d];
    }
    hone_tensor *from =
        shown_often ? hone__own(hone__alias(t, t->ndim, shape, t->stride, t->offset)) : t;
    hone_tensor *copy =
        from ? hone__own(hone__new_along("to", dtype, t->ndim, shape, &from, 1)) : NULL;
    if (!copy || !hone__copy_elements(copy, from))
        return NULL;
    if (!shown_often)
        return copy;
    for (int d = 0; d < t->ndim; d++)
        stride[d] = shape[d] == t->shape[d] ? copy->stride[d] : 0;
    return hone__own(hone__alias(copy, t->ndim, t->shape, stride, copy->offset));
}

hone_tensor *hone__half_to(hone_tensor *t, hone_dtype dtype)
{
    return hone__call(hone__op_of_to, &t, 1, &dtype);
}

/* ---- autocast: what this thread keeps of rounded weights */

_Thread_local uint8_t hone__autocast_dtype = HONE__F32;

typedef struct {
    hone_tensor *weight, *rounded; /* held */
    uint32_t version;
} kept;
static _Thread_local struct {
    kept *at;
    int n;
    int64_t room;
    bool ends; /* with the thread */
} keeps;

static void forget_weights(void)
{
    for (int i = 0; i < keeps.n; i++) {
        hone_release(keeps.at[i].weight);
        hone_release(keeps.at[i].rounded);
    }
    hone__free(keeps.at);
    keeps.at = NULL;
    keeps.n = 0;
    keeps.room = 0;
}

bool hone__rounds_again(const hone_tensor *weight, hone_tensor *const *in, int n_in)
{
    enum { LEAST = 1 << 15 };
    int64_t largest = 0;
    for (int i = 0; i < n_in; i++)
        if (hone__is_real(in[i]) && in[i] != weight && in[i]->numel > largest)
            largest = in[i]->numel;
    return weight->requires_grad && !weight->node && weight->dtype == HONE_F32 &&
           weight->numel >= LEAST && weight->numel / 2 <= largest;
}

static kept *kept_of(const hone_tensor *t)
{
    kept *k = NULL;
    for (int i = keeps.n - 1; i >= 0 && !k; i--)
        k = keeps.at[i].weight == t ? &keeps.at[i] : NULL;
    return k;
}

hone_tensor *hone__half_rounded(hone_tensor *weight, hone_dtype dtype)
{
    const kept *k = kept_of(weight);
    if (k && k->version == hone__version(weight) && k->rounded->dtype == dtype)
        return hone__own(hone_retain(k->rounded));
    return hone__half_cast(weight, dtype);
}

/* A weight: a leaf that needs a gradient. Rounded once until it is changed. */
static hone_tensor *rounded_weight(hone_tensor *t, hone_dtype dtype)
{
    kept *k = kept_of(t);
    if (k && k->version == hone__version(t) && k->rounded->dtype == dtype)
        return hone__own(hone_retain(k->rounded));
    hone_tensor *rounded = hone__half_cast(t, dtype);
    if (!rounded || (!k && !hone__grow(&keeps.at, &keeps.room, keeps.n + 1, sizeof *keeps.at)))
        return rounded;
    if (!k) {
        k = &keeps.at[keeps.n++];
        *k = (kept){ .weight = hone_retain(t) };
    }
    hone_release(k->rounded);
    k->rounded = hone_retain(rounded);
    k->version = hone__version(t);
    return rounded;
}

static hone_tensor *rounded(hone_tensor *t, hone_dtype dtype, hone_tensor *const *in, int n_in)
{
    const bool weight = t->requires_grad && !t->node && hone__autocast_dtype != HONE__F32;
    if (weight && !hone__rounds_again(t, in, n_in))
        return rounded_weight(t, dtype);
    return weight ? hone__half_rounded(t, dtype) : hone__half_cast(t, dtype);
}

hone_dtype hone_autocast(void)
{
    return (hone_dtype)hone__autocast_dtype;
}

hone_dtype hone_set_autocast(hone_dtype dtype)
{
    const hone_dtype previous = hone_autocast();
    if (dtype != HONE_F32 && !hone__is_half(dtype)) {
        hone_error_set(HONE_E_DTYPE, "autocast: bf16 and f16 there are, and f32 (off); not %s",
                       hone_dtype_name(dtype));
        return previous;
    }
    if (!hone__ready())
        return previous;
    if (dtype == HONE_F32)
        forget_weights();
    else if (!keeps.ends)
        keeps.ends = hone__at_thread_end(HONE__END_AUTOCAST, forget_weights);
    hone__autocast_dtype = (uint8_t)dtype;
    return previous;
}

void hone_autocast_guard(const hone_dtype *previous)
{
    hone_set_autocast(*previous);
}

/* ---- a call's operands */

static bool convert_one(hone__half_call *call, int i, hone_tensor *const *in, int n_in)
{
    hone_tensor *t = in[i];
    const hone_dtype dtype = is_float(t) ? lowered_dtype(t, call->lowers_to) : HONE_F32;
    call->in[i] = t;
    call->keep[i] = NULL;
    if (call->widens && is_float(t) && t->ndim == 0 && t->dtype == HONE_F32 &&
        hone__is_half(call->rounds_to) && call->promotes) {
        hone_tensor *half = hone__half_cast(t, call->rounds_to); /* becomes what the others are */
        call->in[i] = half ? hone__half_cast(half, HONE_F32) : NULL;
        return call->in[i];
    }
    const bool as_it_is = !call->widens || (i == 0 && call->first_as_it_is);
    if (!is_float(t) || !hone__is_half(dtype) || (dtype == (hone_dtype)t->dtype && as_it_is))
        return true;
    hone_tensor *half = dtype == (hone_dtype)t->dtype ? t : rounded(t, dtype, in, n_in);
    call->keep[i] = half;
    call->in[i] = half && call->widens ? hone__half_cast(half, HONE_F32) : half;
    return call->in[i];
}

bool hone__half_convert(hone__half_call *call, hone_tensor *const *in, int n_in)
{
    call->n = n_in;
    call->in = call->inline_in;
    call->keep = call->inline_keep;
    if (n_in > HONE__OP_INPUTS) {
        call->in = hone__malloc(2 * hone__bytes(n_in, sizeof *call->in));
        call->keep = call->in ? call->in + n_in : NULL;
    }
    bool ok = call->in;
    for (int i = 0; ok && i < n_in; i++)
        ok = convert_one(call, i, in, n_in);
    return ok;
}

bool hone__half_write_back(const hone__half_call *call, const hone__op *op, hone_tensor *const *in)
{
    bool ok = true;
    for (int i = 0; ok && i < call->n && i < HONE__OP_INPUTS && op->in[i].name; i++) {
        if (!(op->in[i].is & HONE__WRITTEN) || !call->keep[i] || hone__version(call->in[i]) == 0)
            continue;
        ok = hone__copy_elements(in[i], call->in[i]);
        hone__bump(in[i]);
    }
    return ok;
}

void hone__half_end(hone__half_call *call)
{
    if (call->in != call->inline_in)
        hone__free(call->in);
}

hone_tensor *hone__half_linked(hone_tensor *saved, const void *edge)
{
    const hone__edge *e = edge;
    hone_tensor *t =
        hone__own(hone__alias(saved, saved->ndim, saved->shape, saved->stride, saved->offset));
    /* stands for the input, of which the node asks dtype, shape and history */
    hone_tensor *input = e->leaf ? e->leaf : NULL, *made = NULL;
    if (t && !input) {
        input = made = hone__alias(saved, saved->ndim, saved->shape, saved->stride, saved->offset);
        if (!made)
            return NULL;
        made->dtype = (uint8_t)e->dtype;
        made->node = hone__node_retain(e->node);
        made->out_index = (uint8_t)e->out;
    }
    const hone_dtype dtype = (hone_dtype)saved->dtype;
    bool ok = t;
    if (t && hone__grad_on() && hone__must_record(hone__op_of_to, &input, 1)) {
        hone_context *ctx = hone__node_new(hone__op_of_to, &input, 1);
        if (ctx) {
            memcpy(ctx->options, &dtype, hone__op_of_to->options_bytes);
            ctx->n_out = 1;
        }
        ok = ctx && hone__node_finish(ctx, &t, true);
    }
    hone_release(made);
    return ok ? t : NULL;
}

/* ---- composite ops */

static bool put_result(const hone__half_call *call, hone__target target, hone_tensor *first,
                       hone_tensor *result, hone_tensor **out)
{
    const bool rounds = hone__is_half(call->rounds_to) && result->dtype == HONE_F32;
    if (target == HONE__INTO_FIRST)
        return (*out = hone__call_(hone__op_of_copy_, (hone_tensor *[]){ first, result }, 2, NULL));
    if (target == HONE__INTO_GIVEN && *out) {
        HONE_NO_GRAD();
        return hone__call_(hone__op_of_copy_, (hone_tensor *[]){ *out, result }, 2, NULL);
    }
    result = rounds ? hone__half_to(result, call->rounds_to) : result;
    *out = result && hone_scope_return(result) ? result : NULL;
    return *out;
}

int hone__half_composite(const hone__half_call *call, const hone__op *op, hone_tensor *const *in,
                         int n_in, const void *options, hone__target target, hone_tensor **out)
{
    HONE_SCOPE();
    hone_tensor *results[HONE_MAX_OUTPUTS] = { NULL };
    hone_tensor **given =
        hone__own_block(hone__malloc(hone__bytes((int64_t)n_in + 1, sizeof *given)));
    for (int i = 0; given && i < n_in; i++) {
        hone_dtype dtype = is_float(in[i]) ? lowered_dtype(in[i], call->lowers_to) : HONE_F32;
        dtype = call->widens && hone__is_half(dtype) ? HONE_F32 : dtype;
        const bool as_it_is = !is_float(in[i]) || dtype == (hone_dtype)in[i]->dtype;
        if (!(given[i] = as_it_is ? in[i] : hone__half_to(in[i], dtype)))
            return -1;
    }
    const uint8_t autocast = hone__autocast_dtype;
    hone__autocast_dtype = HONE__F32;
    const int n = given ? hone__run(op, given, n_in, options, HONE__INTO_FRESH, results) : -1;
    hone__autocast_dtype = autocast;
    bool ok = n >= 0;
    for (int o = 0; ok && o < n; o++)
        if (results[o])
            ok = put_result(call,
                            o == 0                       ? target
                            : target == HONE__INTO_FIRST ? HONE__INTO_FRESH
                                                         : target,
                            in[0], results[o], &out[o]);
        else
            out[o] = NULL;
    return ok ? n : -1;
}

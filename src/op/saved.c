/* saved.c: what a call saves for its gradient, and what the gradient is given of it.
 *
 * Two things are not kept, but made when they are asked for: a weight that autocast rounded is rounded
 * again where that costs little beside the product it is for, and a result of 16 bits whose op says how
 * to make it again from what it saved itself (core/again.h) is. */
#include "core/again.h"
#include "op/mode.h"
#include "op/node.h"

#include "loops/elementwise.h"
#include "runtime/memory.h"

#include <string.h>

int hone__copied_input(const hone_context *ctx, const hone_tensor *t)
{
    for (int i = 0; ctx->half && i < ctx->n_in; i++)
        if (ctx->half->keep[i] && ctx->half->in[i] == t)
            return i;
    return -1;
}

/* What an in-place call is about to overwrite is saved as a copy, with its history. */
static hone_tensor *before_change(const hone_context *ctx, hone_tensor *t)
{
    if (ctx->target != HONE__INTO_FIRST || ctx->written || t != ctx->in[0])
        return t;
    hone_tensor *copy = hone__own(hone__new("clone", (hone_dtype)t->dtype, t->ndim, t->shape));
    if (!copy || !hone__copy_elements(copy, t))
        return NULL;
    copy->node = hone__node_retain(t->node);
    copy->out_index = t->out_index;
    return copy;
}

static bool room_for_saved(hone_context *ctx, int n)
{
    if (n <= HONE__INLINE_SAVED)
        return true;
    const bool own = ctx->saved == ctx->inline_saved;
    hone__saved *more = hone__realloc(own ? NULL : ctx->saved, hone__bytes(n, sizeof *more));
    if (!more)
        return false;
    if (own)
        memcpy(more, ctx->inline_saved, sizeof *more * (size_t)ctx->n_saved);
    ctx->saved = more;
    return true;
}

/* What stands for an input that can be made again; false: it is saved itself, as is one without a history:
 * the walks that need it need not be those of the op that made it, whose operands may have changed by
 * then, and a leaf made of it is somebody's own. */
static bool save_as_made_again(hone_context *ctx, const hone_tensor *t)
{
    if (!hone__is_real(t) || !t->storage->again || hone__recomputes.part ||
        ctx->target == HONE__INTO_FIRST)
        return false;
    int i = 0;
    while (i < ctx->n_in && ctx->in[i] != t)
        i++;
    if (i == ctx->n_in || !t->node || !ctx->edges[i].needs)
        return false;
    hone__again *again = hone__again_use(t);
    if (again)
        ctx->saved[ctx->n_saved++] =
            (hone__saved){ .output = -1, .input = (int16_t)i, .again = again };
    return again;
}

bool hone__save(hone_context *ctx, int n, hone_tensor *const *tensors)
{
    if (!ctx->recording)
        return true;
    if (!room_for_saved(ctx, ctx->n_saved + n))
        return false;
    for (int i = 0; i < n; i++) {
        if (save_as_made_again(ctx, tensors[i]))
            continue;
        const int copied = hone__copied_input(ctx, tensors[i]);
        if (copied >= 0 && ctx->half->keep[copied] != ctx->in[copied] &&
            hone__rounds_again(ctx->in[copied], ctx->in, ctx->n_in)) {
            ctx->saved[ctx->n_saved++] = (hone__saved){
                .tensor = hone_retain(ctx->in[copied]),
                .version = hone__version(ctx->in[copied]),
                .output = -1,
                .input = -1,
                .widen = ctx->half->widens,
                .rounds = ctx->half->keep[copied]->dtype,
            };
            continue;
        }
        hone_tensor *t = before_change(ctx, copied < 0 ? tensors[i] : ctx->half->keep[copied]);
        if (!t)
            return false;
        const bool own = copied < 0 || ctx->half->keep[copied] == ctx->in[copied];
        ctx->saved[ctx->n_saved++] = (hone__saved){
            .tensor = hone_retain(t),
            .version = hone__is_real(t) ? hone__version(t) : 0,
            .output = -1,
            .input = (int16_t)(own ? -1 : copied),
            .widen = copied >= 0 && ctx->half->widens,
        };
    }
    return true;
}

bool hone__is_saved_result(const hone_tensor *t)
{
    const hone_context *made = t->node;
    while (made && !made->freed && made->op->view && made->n_in > 0)
        made = made->edges[0].node;
    for (int i = 0; made && !made->freed && i < made->n_saved; i++)
        if (made->saved[i].output >= 0 && made->saved[i].tensor &&
            made->saved[i].tensor->storage == t->storage)
            return true;
    return false;
}

bool hone__make_again(hone_context *ctx, hone_tensor *out, hone__again_run run, int n,
                      hone_tensor *const *of)
{
    enum { LEAST_BYTES = 1 << 14 };
    if (!ctx->recording || ctx->target != HONE__INTO_FRESH || hone__recomputes.part ||
        out->dtype != HONE_BF16 || !out->dense || out->storage->bytes < LEAST_BYTES)
        return true;
    ctx->again = hone__again_new(out, run, n, of);
    return ctx->again;
}

/* An input made again, with the history it had. */
static hone_tensor *made_again(hone_context *ctx, const hone__saved *s)
{
    const hone__edge *e = &ctx->edges[s->input];
    const hone__shape *shape = &e->shape;
    int64_t stride[HONE_MAX_DIMS];
    hone_tensor *made;
    if (!hone__again_holds(s->again)) {
        hone_error_set(HONE_E_STATE,
                       "%s: a tensor that its gradient needs (%s %s), or what it was made of, was "
                       "modified in place after it was saved",
                       hone__call_name(ctx), hone_dtype_name(e->dtype),
                       hone__shape_text(shape->ndim, shape->shape).s);
        return NULL;
    }
    {
        HONE_NO_GRAD();
        made = s->again->run(s->again->of);
    }
    hone__contiguous_strides(shape->ndim, shape->shape, stride);
    hone_tensor *t = made ? hone__alias(made, shape->ndim, shape->shape, stride, 0) : NULL;
    if (t && hone__grad_on()) {
        t->node = hone__node_retain(e->node);
        t->out_index = (uint8_t)e->out;
    }
    return hone__own(t);
}

static hone_tensor *saved_output(hone_context *ctx, const hone__saved *s)
{
    hone_tensor *a = s->tensor;
    hone_tensor *t = hone__alias(a, a->ndim, a->shape, a->stride, a->offset);
    if (!t)
        return NULL;
    if (ctx->outputs[s->output].differentiable) {
        t->node = hone__node_retain(ctx);
        t->out_index = (uint8_t)s->output;
    }
    return hone__own(t);
}

static hone_tensor *rounded_again(const hone__saved *s)
{
    const hone_dtype dtype = (hone_dtype)s->rounds;
    hone_tensor *t =
        hone__grad_on() ? hone__half_to(s->tensor, dtype) : hone__half_rounded(s->tensor, dtype);
    return t && s->widen ? hone__half_to(t, HONE_F32) : t;
}

/* The second run of a part leads to no history. */
__attribute__((cold, noinline)) static const hone__saved *recomputed(hone_context *ctx, int i)
{
    if (!hone__grad_on())
        return hone__recompute_saved(ctx, i);
    hone_error_set(
        HONE_E_STATE,
        "%s: a gradient that is to be differentiated again (create_graph) goes through a "
        "part of hone_recompute(), which can't be",
        hone__call_name(ctx));
    return NULL;
}

hone_tensor *hone_saved(hone_context *ctx, int i)
{
    if (!ctx) {
        hone__error_null("saved");
        return NULL;
    }
    if (ctx->freed) {
        hone_error_set(HONE_E_STATE,
                       "%s: what it saved was freed by an earlier walk; use retain_graph",
                       hone__call_name(ctx));
        return NULL;
    }
    if (i < 0 || i >= ctx->n_saved) {
        hone_error_set(HONE_E_INDEX, "%s: saved tensor %d was asked for, %d were saved",
                       hone__call_name(ctx), i, ctx->n_saved);
        return NULL;
    }
    const hone__saved *s = &ctx->saved[i];
    if (s->again)
        return made_again(ctx, s);
    if (!s->tensor && !(s = recomputed(ctx, i)))
        return NULL;
    if (!hone__is_real(s->tensor))
        return s->tensor;
    if (hone__version(s->tensor) != s->version) {
        hone_error_set(
            HONE_E_STATE,
            "%s: a tensor that its gradient needs (%s) was modified in place after it was saved "
            "(version %u, now %u)",
            hone__call_name(ctx), hone__tensor_text(s->tensor).s, s->version,
            hone__version(s->tensor));
        return NULL;
    }
    if (s->rounds != HONE__F32)
        return rounded_again(s);
    const bool linked = s->input >= 0 && ctx->edges[s->input].needs;
    hone_tensor *t = s->output >= 0 && hone__grad_on() ? saved_output(ctx, s)
                     : linked && hone__grad_on()
                         ? hone__half_linked(s->tensor, &ctx->edges[s->input])
                         : hone__own(hone_retain(s->tensor));
    return t && s->widen ? hone__half_to(t, HONE_F32) : t;
}

/* call.c: how an op runs: check, forward without recording, record. */
#include "autograd/node.h"

#include "runtime/cost.h"
#include "runtime/fpmode.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

static _Thread_local bool grad_disabled;

bool hone_grad_enabled(void)
{
    return !grad_disabled;
}

bool hone_set_grad_enabled(bool enabled)
{
    bool previous = !grad_disabled;
    grad_disabled = !enabled;
    return previous;
}

void hone_grad_mode_guard(const bool *previous)
{
    grad_disabled = !*previous;
}

/* ---- where the data are, for the cost model (runtime/cost.h) ---- */

/* Less than this is not worth a thought. */
enum { LARGE_BYTES = 8 << 10 };

static bool is_large(const hone_tensor *t)
{
    return hone__is_real(t) && t->storage->bytes >= LARGE_BYTES;
}

/* Says where the operands are; gives back what was said of the op that calls this one. */
static hone__data_place tell_places(hone_tensor *const *in, int n_in, bool in_place)
{
    const hone__data_place outer = hone__data_now;
    int64_t near = 0, spread = 0;
    for (int i = 0; i < n_in; i++) {
        if (!is_large(in[i]))
            continue;
        const int64_t bytes = in[i]->numel * (int64_t)hone__size_of(in[i]->dtype);
        if (2 * bytes < (int64_t)in[i]->storage->bytes)
            continue; /* a batch of a data set, which nobody is going to change */
        if (atomic_load_explicit(&in[i]->storage->spread, memory_order_relaxed))
            spread += in_place && i == 0 ? bytes : bytes / HONE__COST_MOVED;
        else
            near += in_place && i == 0 ? bytes : bytes / HONE__COST_SHARED;
    }
    hone__data_now.near_bytes = near;
    hone__data_now.spread_bytes = spread;
    return outer;
}

static void note_place(const hone_tensor *t, bool spread)
{
    if (is_large(t))
        atomic_store_explicit(&t->storage->spread, spread, memory_order_relaxed);
}

/* A view, or contiguous() of a contiguous tensor, has touched no data. */
static void note_places(hone__data_place outer, hone_tensor *const *in, int n_in,
                        const hone_tensor *out, bool in_place)
{
    const bool on_team = hone__data_now.regions != outer.regions;
    const bool touched = out && (in_place || n_in == 0 || out->storage != in[0]->storage);
    for (int i = 0; touched && i < n_in; i++)
        note_place(in[i], on_team);
    if (touched)
        note_place(out, on_team);
    hone__data_now.near_bytes = outer.near_bytes;
    hone__data_now.spread_bytes = outer.spread_bytes;
}

/* ---- what a forward asks of its call ---- */

hone__args *hone__call_args(hone_context *ctx)
{
    return &ctx->args;
}

const char *hone__call_name(const hone_context *ctx)
{
    return ctx->op ? ctx->op->name : ctx->function->name ? ctx->function->name : "function";
}

const hone__shape *hone__input_shape(const hone_context *ctx, int i)
{
    return &ctx->edges[i].shape;
}

bool hone_needs_input_grad(const hone_context *ctx, int i)
{
    return ctx && ctx->recording && i >= 0 && i < ctx->n_in && ctx->edges[i].needs;
}

static hone_tensor *in_place_target(hone_context *ctx, hone_dtype dtype, int ndim,
                                    const int64_t *shape)
{
    hone_tensor *t = ctx->in[0];
    if (t->ndim != ndim || memcmp(t->shape, shape, sizeof(int64_t) * (size_t)ndim) != 0) {
        hone_error_set(
            HONE_E_SHAPE, "%s_: the result %s doesn't fit the tensor %s that it should change",
            hone__call_name(ctx), hone__shape_text(ndim, shape).s, hone__tensor_text(t).s);
        return NULL;
    }
    if (dtype == (hone_dtype)t->dtype) {
        hone__bump(t);
        ctx->written = true;
        return t;
    }
    if (hone__category(dtype) > hone__category((hone_dtype)t->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s_: a result of %s can't be stored in a tensor of %s",
                       hone__call_name(ctx), hone_dtype_name(dtype),
                       hone_dtype_name((hone_dtype)t->dtype));
        return NULL;
    }
    return hone__own(hone__new(hone__call_name(ctx), dtype, ndim, shape));
}

hone_tensor *hone__out(hone_context *ctx, hone_dtype dtype, int ndim, const int64_t *shape)
{
    if (ctx->in_place)
        return in_place_target(ctx, dtype, ndim, shape);
    hone_tensor *out = hone__own(hone__new(hone__call_name(ctx), dtype, ndim, shape));
    if (out && is_large(out)) /* written by this thread alone it would stay here */
        hone__data_now.near_bytes += (int64_t)out->storage->bytes / HONE__COST_SHARED;
    return out;
}

/* ---- saved tensors ---- */

/* What an in-place call is about to overwrite is saved as a copy, with its history. */
static hone_tensor *before_change(const hone_context *ctx, hone_tensor *t)
{
    if (!ctx->in_place || ctx->written || t != ctx->in[0])
        return t;
    bool enabled = hone_set_grad_enabled(true);
    hone_tensor *copy = hone_clone(t);
    hone_set_grad_enabled(enabled);
    return copy;
}

bool hone__records(const hone_context *ctx)
{
    return ctx->recording;
}

bool hone__save(hone_context *ctx, int n, hone_tensor *const *tensors)
{
    if (!ctx->recording)
        return true;
    if (ctx->n_saved + n > HONE__INLINE_SAVED) {
        bool own = ctx->saved == ctx->inline_saved;
        const size_t bytes = hone__bytes((int64_t)ctx->n_saved + n, sizeof *ctx->saved);
        hone__saved *more = hone__realloc(own ? NULL : ctx->saved, bytes);
        if (!more)
            return false;
        if (own)
            memcpy(more, ctx->inline_saved, sizeof *more * (size_t)ctx->n_saved);
        ctx->saved = more;
    }
    for (int i = 0; i < n; i++) {
        hone_tensor *t = before_change(ctx, tensors[i]);
        if (!t)
            return false;
        ctx->saved[ctx->n_saved++] = (hone__saved){
            .tensor = hone_retain(t),
            .version = hone__is_real(t) ? hone__version(t) : 0,
            .output = -1,
        };
    }
    return true;
}

hone_status hone_save_for_backward(hone_context *ctx, int n, hone_tensor *const *tensors)
{
    if (!ctx || !tensors)
        return hone__error_null("save_for_backward");
    for (int i = 0; i < n; i++)
        if (!hone__needs_tensor_or_none("save_for_backward", tensors[i]))
            return hone__error_last();
    return hone__save(ctx, n, tensors) ? HONE_OK : hone__error_last();
}

static hone_tensor *saved_output(hone_context *ctx, const hone__saved *s)
{
    hone_tensor *a = s->tensor;
    hone_tensor *t = hone__alias(a, a->ndim, a->shape, a->stride, a->offset);
    if (!t)
        return NULL;
    t->node = hone__node_retain(ctx);
    t->out_index = (uint8_t)s->output;
    return hone__own(t);
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
    if (s->output >= 0 && hone_grad_enabled())
        return saved_output(ctx, s);
    return hone__own(hone_retain(s->tensor));
}

hone_status hone_save_data(hone_context *ctx, const void *data, size_t bytes)
{
    if (!ctx || !data)
        return hone__error_null("save_data");
    if (bytes > HONE__DATA_BYTES)
        return hone_error_set(HONE_E_VALUE, "save_data: %zu bytes, at most %d fit", bytes,
                              (int)HONE__DATA_BYTES);
    memcpy(ctx->data, data, bytes);
    return HONE_OK;
}

const void *hone_saved_data(hone_context *ctx)
{
    return ctx ? ctx->data : NULL;
}

/* ---- the call ---- */

static bool inputs_given(const hone__op *op, hone_tensor *const *in, int n_in)
{
    for (int i = 0; i < n_in; i++) {
        const bool optional = op->optional && i > 0;
        if (!(optional && in[i] == HONE_NONE) && !hone__needs_tensor(op->name, in[i]))
            return false;
    }
    return true;
}

static bool may_change(const hone_context *ctx, const hone_tensor *t)
{
    const char *name = hone__call_name(ctx);
    if (hone__overlaps_itself(t)) {
        hone_error_set(
            HONE_E_STATE,
            "%s_: %s is expanded (several elements share one place); hone_clone it first", name,
            hone__tensor_text(t).s);
        return false;
    }
    if (!hone_grad_enabled())
        return true;
    if (t->requires_grad) {
        hone_error_set(HONE_E_STATE,
                       "%s_: %s is a leaf that requires a gradient; change it under HONE_NO_GRAD()",
                       name, hone__tensor_text(t).s);
        return false;
    }
    if (t->is_view && (ctx->recording || t->node || t->hides_history)) {
        hone_error_set(
            HONE_E_STATE,
            "%s_: %s is a view, and views that need a gradient can't be changed in place; change a "
            "hone_clone of it, which hone_cat or hone_where puts into a new whole",
            name, hone__tensor_text(t).s);
        return false;
    }
    return true;
}

bool hone__refuse_stale(const char *name, const char *what, int i, const hone_tensor *t)
{
    hone_error_set(HONE_E_STATE,
                   "%s: %s %d (%s) is a view of a tensor that was modified in place since; make "
                   "the view again",
                   name, what, i, hone__tensor_text(t).s);
    return false;
}

bool hone__may_run(const hone_context *ctx, hone_tensor *const *in, int n_in)
{
    if (ctx->in_place && !may_change(ctx, in[0]))
        return false;
    if (!hone_grad_enabled())
        return true;
    for (int i = 0; i < n_in; i++)
        if (hone__is_stale(in[i]))
            return hone__refuse_stale(hone__call_name(ctx), "operand", i, in[i]);
    return true;
}

void hone__mark_view(hone_tensor *t, const hone_tensor *of, bool recording)
{
    t->is_view = true;
    t->view_version = hone__version(t);
    t->hides_history = !recording && (hone_requires_grad(of) || of->hides_history);
}

static void debug_print(const char *name, hone_tensor *const *in, int n_in, const hone_tensor *out)
{
    char line[1024];
    int used = 0;
    for (int i = 0; i < n_in && used < (int)sizeof line; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s", i ? ", " : "",
                         hone__tensor_text(in[i]).s);
    hone__debug_print(2, "%s(%s) -> %s", name, n_in ? line : "", hone__tensor_text(out).s);
}

static bool is_input(const hone_tensor *t, hone_tensor *const *in, int n_in)
{
    for (int i = 0; i < n_in; i++)
        if (in[i] == t)
            return true;
    return false;
}

/* An in-place result that was computed in another dtype; if it was saved, what stands for it now is
 * t. */
static hone_tensor *store_result(hone_context *ctx, hone_tensor *t, hone_tensor *result)
{
    if (!hone_copy_(t, result))
        return NULL;
    for (int i = 0; ctx->recording && i < ctx->n_saved; i++) {
        if (ctx->saved[i].tensor != result)
            continue;
        hone_release(result);
        ctx->saved[i].tensor = hone_retain(t);
        ctx->saved[i].version = hone__version(t);
    }
    return t;
}

/* Runs the forward without recording; its temporaries die now, the result stays in the caller's
 * scope. */
static hone_tensor *run_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    const hone__fpmode mode = hone__fpmode_enter(); /* contract 1, whatever the caller's is */
    bool enabled = hone_set_grad_enabled(false);
    const size_t mark = hone__scope_mark();
    const hone__data_place outer = tell_places(in, n_in, ctx->in_place);
    hone_tensor *out = ctx->op->forward(ctx, in, n_in);
    note_places(outer, in, n_in, out, ctx->in_place);
    if (out && ctx->in_place && out != in[0])
        out = store_result(ctx, in[0], out);
    hone__scope_settle(mark, ctx->in_place ? NULL : out);
    if (out && !ctx->in_place && is_input(out, in, n_in))
        out = hone__own(hone_retain(out)); /* contiguous() of a contiguous tensor */
    hone_set_grad_enabled(enabled);
    hone__fpmode_leave(mode);
    return out;
}

/* An in-place op that no gradient flows through (fill_, copy_ from a constant) ends what t's
 * history says about its values. */
static void forget_history(hone_tensor *t)
{
    if (!t->node)
        return;
    hone__node_drop(t->node);
    t->node = NULL;
    hone__mark_history(t);
}

hone_tensor *hone__call(const hone__op *op, hone_tensor *const *in, int n_in,
                        const hone__args *args, bool in_place)
{
    if (!hone__ready() || !inputs_given(op, in, n_in))
        return NULL;
    hone_context stack, *ctx = hone__begin(&stack, op, NULL, in, n_in);
    if (!ctx)
        return NULL;
    ctx->in_place = in_place;
    if (args)
        ctx->args = *args;
    hone_tensor *out = NULL;
    if (hone__may_run(ctx, in, n_in) && (!in_place || hone__cut_cycles(ctx, in[0])))
        out = run_forward(ctx, in, n_in);
    bool same =
        out && !in_place && is_input(out, in, n_in); /* contiguous() of a contiguous tensor */
    bool record = out && !same && hone_dtype_is_float((hone_dtype)out->dtype);
    if (out && !same && !in_place)
        out->made_by = op->name;
    if (out && !same && op->view && out->storage == in[0]->storage)
        hone__mark_view(out, in[0], ctx->recording);
    if (out && in_place && !ctx->recording && hone_grad_enabled())
        forget_history(out);
    if (!hone__finish(ctx, &out, 1, !record))
        return NULL;
    if (in_place && record && out->node)
        hone__mark_history(out);
    if (hone__debug() >= 2 && out)
        debug_print(op->name, in, n_in, out);
    return out;
}

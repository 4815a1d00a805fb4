/* call.c: how an op runs: check, forward without recording, record. */
#include "op/mode.h"
#include "op/node.h"
#include "op/observe.h"
#include "op/probes.h"
#include "op/trace.h"

#include "core/layout.h"
#include "core/text.h"

#include "loops/elementwise.h"
#include "runtime/fpmode.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- what a forward asks of its call ---- */

void *hone__options(hone_context *ctx)
{
    return ctx->options;
}

const hone__shape *hone__input_shape(const hone_context *ctx, int i)
{
    return &ctx->edges[i].shape;
}

hone_dtype hone__input_dtype(const hone_context *ctx, int i)
{
    return ctx->edges[i].dtype;
}

int hone__input_count(const hone_context *ctx)
{
    return ctx->n_in;
}

bool hone__records(const hone_context *ctx)
{
    return ctx->recording;
}

bool hone_needs_input_grad(const hone_context *ctx, int i)
{
    return ctx && ctx->recording && i >= 0 && i < ctx->n_in && ctx->edges[i].wanted;
}

bool hone__begins_with(const hone_context *ctx, int i)
{
    return ctx->edges[i].begun;
}

/* The tensor that output o has to be written to; NULL: a fresh one. */
static hone_tensor *destination(const hone_context *ctx, int o)
{
    if (ctx->target == HONE__INTO_FIRST)
        return o == 0 ? ctx->in[0] : NULL;
    return ctx->target == HONE__INTO_GIVEN ? ctx->out[o] : NULL;
}

static bool reads_storage_of(const hone_context *ctx, const hone_tensor *t)
{
    for (int i = 0; i < ctx->n_in; i++)
        if (hone__is_real(ctx->in[i]) && ctx->in[i]->storage == t->storage)
            return true;
    return false;
}

/* along: where the inputs lie so (of f32 copies of floats of 16 bits the originals decide: a copy has
 * no gaps); a constant. */
static inline hone_tensor *fresh(hone_context *ctx, hone_dtype dtype, int ndim,
                                 const int64_t *shape, bool along)
{
    const char *name = ctx->op != &hone__op_function ? ctx->op->name : hone__call_name(ctx);
    hone_tensor *t = along ? hone__new_along(name, dtype, ndim, shape, ctx->in, ctx->n_in)
                           : hone__new(name, dtype, ndim, shape);
    if ((t = hone__own(t)))
        hone__observe_new(t);
    return t;
}

/* The destination itself; a fresh tensor that is stored there at the end where it is of another
 * dtype, is still read, or has gaps, which only ops in place look out for. */
static __attribute__((noinline)) hone_tensor *into(hone_context *ctx, hone_tensor *to,
                                                   hone_dtype dtype, int ndim, const int64_t *shape)
{
    const char *form = ctx->target == HONE__INTO_FIRST ? "_" : "";
    if (to->ndim != ndim ||
        (ndim > 0 && memcmp(to->shape, shape, sizeof(int64_t) * (size_t)ndim) != 0)) {
        hone_error_set(HONE_E_SHAPE, "%s%s: the result %s doesn't fit the tensor %s that it %s",
                       hone__call_name(ctx), form, hone__shape_text(ndim, shape).s,
                       hone__tensor_text(to).s, *form ? "should change" : "should be written to");
        return NULL;
    }
    if (hone__category(dtype) > hone__category((hone_dtype)to->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s%s: a result of %s can't be stored in a tensor of %s",
                       hone__call_name(ctx), form, hone_dtype_name(dtype),
                       hone_dtype_name((hone_dtype)to->dtype));
        return NULL;
    }
    if (dtype != (hone_dtype)to->dtype ||
        (ctx->target == HONE__INTO_GIVEN && (!hone__contiguous(to) || reads_storage_of(ctx, to))))
        return fresh(ctx, dtype, ndim, shape, false);
    hone__bump(to);
    ctx->written = true;
    return to;
}

hone_tensor *hone__out(hone_context *ctx, int o, hone_dtype dtype, int ndim, const int64_t *shape)
{
    hone_tensor *to = destination(ctx, o);
    return to ? into(ctx, to, dtype, ndim, shape) : fresh(ctx, dtype, ndim, shape, false);
}

hone_tensor *hone__out_along(hone_context *ctx, hone_dtype dtype, int ndim, const int64_t *shape)
{
    if (__builtin_expect(ctx->inputs & HONE__ACROSS, 0) && !destination(ctx, 0))
        return fresh(ctx, dtype, ndim, shape, true);
    return hone__out(ctx, 0, dtype, ndim, shape);
}

/* ---- the checks of a call ---- */

enum { HALVES = 1 << HONE__BF16 | 1 << HONE__F16 };

/* Of what is no tensor. */
static __attribute__((noinline)) bool may_be_absent(const hone__op *op, const hone_tensor *t, int i)
{
    const hone__slot *slot = hone__slot_of(op, i);
    if (t == HONE_NONE && (slot->is & HONE__OPTIONAL))
        return true;
    char where[96];
    hone__format(where, sizeof where, i == 0 ? "%s" : "%s: its %s", op->name, slot->name);
    return hone__refuse_tensor(where, t);
}

/* What the inputs are, HONE__HISTORY and the like; -1: one is refused. The one look at all of them
 * before the forward's own: most ops of a network are small, their inputs neither views nor large. */
static inline int look_at(const hone__op *op, hone_tensor *const *in, int n_in)
{
    int seen = 0;
    for (int i = 0; i < n_in; i++) {
        const hone_tensor *t = in[i];
        if (__builtin_expect(!hone__is_real(t), 0)) {
            if (!may_be_absent(op, t, i))
                return -1;
            continue;
        }
        seen |= (t->requires_grad | (t->node != NULL)) * HONE__HISTORY | t->is_view * HONE__VIEW |
                hone__lies_large(t) * HONE__LARGE | (HALVES >> t->dtype & 1) * HONE__HALF |
                !t->dense * HONE__ACROSS;
    }
    return seen;
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
    if (!hone__grad_on())
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

/* Will the ops that a composite is made of be recorded? */
static bool composite_records(const hone_context *ctx)
{
    bool records = false;
    for (int i = 0; ctx->op->composite && hone__grad_on() && i < ctx->n_in; i++)
        records |= hone__requires_grad(ctx->in[i]);
    return records;
}

/* Tensors that results should be written to. */
static bool may_write(const hone_context *ctx)
{
    const bool records = ctx->recording || composite_records(ctx);
    for (int o = 0; o < ctx->n_out; o++) {
        const hone_tensor *t = ctx->out[o];
        if (!t)
            continue;
        if (!hone__needs_tensor(ctx->op->name, t))
            return false;
        const bool expanded = hone__overlaps_itself(t);
        if (!expanded && !records && !(hone__grad_on() && hone__requires_grad(t)))
            continue;
        hone_error_set(HONE_E_STATE, "%s: the result can't be written to %s: %s", ctx->op->name,
                       hone__tensor_text(t).s,
                       expanded ? "several elements share one place"
                                : "it or an input requires a gradient; use HONE_NO_GRAD()");
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

bool (*hone__cut_cycles)(hone_context *ctx, hone_tensor *target);

static bool may_run(hone_context *ctx)
{
    if (ctx->target == HONE__INTO_FIRST &&
        (!may_change(ctx, ctx->in[0]) || !hone__cut_cycles(ctx, ctx->in[0])))
        return false;
    if (ctx->target == HONE__INTO_GIVEN && !may_write(ctx))
        return false;
    if (!(ctx->inputs & HONE__VIEW) || !hone__grad_on())
        return true;
    for (int i = 0; i < ctx->n_in; i++)
        if (hone__is_real(ctx->in[i]) && hone__is_stale(ctx->in[i]))
            return hone__refuse_stale(hone__call_name(ctx), "operand", i, ctx->in[i]);
    return true;
}

/* ---- the call ---- */

static bool is_input(const hone_tensor *t, const hone_context *ctx)
{
    for (int i = 0; i < ctx->n_in; i++)
        if (ctx->in[i] == t)
            return true;
    return false;
}

/* A result that was computed beside its destination; if it was saved, what stands for it now is
 * the destination. */
static hone_tensor *store(hone_context *ctx, hone_tensor *to, hone_tensor *result)
{
    if (!hone__copy_elements(to, result))
        return NULL;
    hone__bump(to);
    for (int i = 0; ctx->recording && i < ctx->n_saved; i++) {
        if (ctx->saved[i].tensor != result)
            continue;
        hone_release(result);
        ctx->saved[i].tensor = hone_retain(to);
        ctx->saved[i].version = hone__version(to);
        ctx->saved[i].widen = hone__is_half((hone_dtype)to->dtype) && result->dtype == HONE_F32;
    }
    return to;
}

static bool store_all(hone_context *ctx, hone_tensor **out)
{
    for (int o = 0; o < ctx->n_out; o++) {
        hone_tensor *to = destination(ctx, o);
        if (to && out[o] != to && !(out[o] = store(ctx, to, out[o])))
            return false;
    }
    return true;
}

/* The results of a forward on f32 copies: those of f32 are rounded, but for what only the gradient
 * needs, and for what will be stored in a tensor that is there. */
static bool round_results(hone_context *ctx, hone_tensor **out)
{
    const hone_dtype dtype = ctx->half->rounds_to;
    for (int o = 0; ctx->half->widens && o < ctx->n_out; o++) {
        const int copied = out[o] ? hone__copied_input(ctx, out[o]) : -1;
        if (copied >= 0 && ctx->half->keep[copied] == ctx->in[copied])
            out[o] = ctx->in[copied]; /* handed on */
        const bool hidden = o < HONE__OP_OUTPUTS && (ctx->op->out[o].is & HONE__HIDDEN);
        if (!out[o] || hidden || out[o]->dtype != HONE_F32 || !hone__is_half(dtype) ||
            destination(ctx, o))
            continue;
        hone_tensor *rounded = hone__own(
            hone__new_along(ctx->op->name, dtype, out[o]->ndim, out[o]->shape, &out[o], 1));
        if (!rounded || !store(ctx, rounded, out[o]))
            return false;
        out[o] = rounded;
    }
    return true;
}

_Thread_local hone__tracer *hone__tracing;

/* The forward; floats of 16 bits, and what autocast rounds, are given to it as it wants them. */
static bool forward_of(hone_context *ctx, hone_tensor **out)
{
    if (__builtin_expect(!ctx->half, 1))
        return ctx->op->forward(ctx, ctx->in, ctx->n_in, out);
    ctx->widened = ctx->half->widens && !ctx->half->first_as_it_is;
    const bool ok = hone__half_convert(ctx->half, ctx->in, ctx->n_in) &&
                    ctx->op->forward(ctx, ctx->half->in, ctx->n_in, out) &&
                    round_results(ctx, out) && hone__half_write_back(ctx->half, ctx->op, ctx->in);
    hone__half_end(ctx->half);
    ctx->half = NULL;
    return ok;
}

/* Runs the forward without recording. */
static bool run_forward(hone_context *ctx, hone_tensor **out)
{
    const hone__fpmode mode = hone__fpmode_enter(); /* contract 1, whatever the caller's is */
    const bool disabled = hone__grad_disabled;
    hone__grad_disabled = disabled || !ctx->op->composite;
    const hone__data_place outer = hone__observe_begin(ctx);
    const uint8_t autocast = hone__autocast_dtype;
    if (__builtin_expect(autocast != HONE__F32, 0) && !ctx->op->composite)
        hone__autocast_dtype = (uint8_t)HONE__F32;
    hone__tracer *tracer = hone__trace_begin(ctx);
    bool ok = forward_of(ctx, out);
    hone__trace_end(tracer, ctx, out, ok);
    if (__builtin_expect(autocast != HONE__F32, 0))
        hone__autocast_dtype = autocast;
    hone__observe_end(ctx, outer, out, ok ? ctx->n_out : 0);
    ok = ok && (ctx->target == HONE__INTO_FRESH || store_all(ctx, out));
    hone__grad_disabled = disabled;
    hone__fpmode_leave(mode);
    return ok;
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

void hone__mark_view(hone_tensor *t, const hone_tensor *of, bool recording)
{
    t->is_view = true;
    t->view_version = hone__version(t);
    t->hides_history = !recording && (hone__requires_grad(of) || of->hides_history);
}

static void mark_views(const hone_context *ctx, hone_tensor *const *out)
{
    const hone_tensor *base = ctx->in[0];
    for (int o = 0; o < ctx->n_out; o++) {
        if (out[o]->storage != base->storage || is_input(out[o], ctx))
            continue;
        hone__mark_view(out[o], base, ctx->recording);
    }
}

/* Results that others made for the op bear its name. */
static void name_results(const hone_context *ctx, hone_tensor *const *out)
{
    for (int o = 0; o < ctx->n_out; o++)
        if (out[o] && !is_input(out[o], ctx))
            out[o]->made_by = ctx->op->name;
}

/* What a call is refused for begins with its op's name, also where an op that it is made of refused. */
static __attribute__((noinline)) void name_call(const char *name)
{
    const char *message = hone_error_message();
    const size_t n = strlen(name);
    char prefix[80];
    if (hone_error_code() == HONE_E_NOMEM ||
        (strncmp(message, name, n) == 0 && (message[n] == ':' || message[n] == '_')))
        return;
    hone__format(prefix, sizeof prefix, "%s: ", name);
    hone__error_prefix(prefix);
}

/* Runs and ties the outputs to the node; ctx is gone afterwards. The number of outputs, -1 on
 * error. *input: the first of them is an input. */
static inline int run_and_record(hone_context *ctx, hone_tensor **out, bool *input)
{
    const bool in_place = ctx->target == HONE__INTO_FIRST;
    const bool first = hone__error_pending == HONE_OK; /* an older error stays as it is */
    const bool ran = may_run(ctx) && run_forward(ctx, out);
    const int n_out = ctx->n_out;
    if (!ran && first)
        name_call(ctx->op->name);
    if (ran && (ctx->op->view || ctx->op->composite) && ctx->target == HONE__INTO_FRESH)
        name_results(ctx, out);
    if (ran && ctx->op->view)
        mark_views(ctx, out);
    if (ran && in_place && !ctx->recording && hone__grad_on())
        forget_history(out[0]);
    /* contiguous() of a contiguous tensor is no result of the node */
    *input = ran && is_input(out[0], ctx);
    const bool record = ran && (in_place || !*input);
    if ((ctx->recording && !hone__node_finish(ctx, out, record)) || !ran)
        return -1;
    if (in_place && out[0]->node)
        hone__mark_history(out[0]);
    return n_out;
}

static int declared_outputs(const hone__op *op)
{
    int n = 1;
    while (n < HONE__OP_OUTPUTS && op->out[n].name)
        n++;
    return n;
}

/* One output: its temporaries die now, the result stays in the caller's scope. */
static inline int run_one(hone_context *ctx, hone_tensor **out)
{
    const bool fresh_result = ctx->target == HONE__INTO_FRESH;
    const size_t mark = hone__scope_mark();
    bool input;
    const int n = run_and_record(ctx, out, &input);
    hone__scope_settle(mark, n == 1 && fresh_result ? out[0] : NULL);
    if (n == 1 && fresh_result && input)
        out[0] = hone__own(hone_retain(out[0])); /* as every result, owned by the scope */
    return n == 1 && !out[0] ? -1 : n;
}

/* Several: the hidden ones, which the node has saved, die with the temporaries. */
static __attribute__((noinline)) int run_many(hone_context *ctx, hone_tensor **out)
{
    const hone__op *op = ctx->op;
    const bool fresh_result = ctx->target == HONE__INTO_FRESH;
    const hone_scope scope = hone_scope_enter();
    bool input;
    int n = run_and_record(ctx, out, &input), visible = 0;
    for (int o = 0; o < n; o++) {
        if (o < HONE__OP_OUTPUTS && (op->out[o].is & HONE__HIDDEN))
            break;
        visible++;
        if (out[o] && fresh_result && !hone_scope_return(out[o]))
            n = -1;
    }
    hone_scope_leave(scope);
    return n < 0 ? -1 : visible;
}

static inline int run_as(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                         hone__target target, hone_tensor **out, int seen, hone__half_call *half)
{
    hone_context stack, *ctx = &stack; /* a node of the graph, if the call is recorded */
    hone_tensor *given[HONE_MAX_OUTPUTS];
    if ((seen & HONE__HISTORY) && hone__grad_on() && hone__must_record(op, in, n_in)) {
        ctx = hone__node_new(op, in, n_in);
        if (!ctx)
            return -1;
    } else {
        stack.recording = false;
        hone__context_begin(&stack, op, in, n_in);
    }
    if (options && op->options_bytes > 0)
        memcpy(ctx->options, options, op->options_bytes);
    ctx->inputs = (uint8_t)seen;
    ctx->half = half;
    ctx->target = (uint8_t)target;
    ctx->n_out = declared_outputs(op);
    if (target == HONE__INTO_GIVEN) {
        memcpy(given, out, sizeof *out * (size_t)ctx->n_out);
        ctx->out = given;
    }
    const bool many = ctx->n_out > 1 || (op->out[0].is & HONE__LIST);
    return many ? run_many(ctx, out) : run_one(ctx, out);
}

/* Floats of 16 bits, or autocast. */
static __attribute__((noinline)) int run_halves(const hone__op *op, hone_tensor *const *in,
                                                int n_in, const void *options, hone__target target,
                                                hone_tensor **out, int seen)
{
    hone__half_call half;
    const hone__half_plan plan = hone__half_plan_of(op, in, n_in, &half);
    if (plan == HONE__HALF_FAILED)
        return -1;
    if (plan == HONE__HALF_CONVERTS && op->composite)
        return hone__half_composite(&half, op, in, n_in, options, target, out);
    return run_as(op, in, n_in, options, target, out, seen,
                  plan == HONE__HALF_PLAIN ? NULL : &half);
}

static inline int run_plain(const hone__op *op, hone_tensor *const *in, int n_in,
                            const void *options, hone__target target, hone_tensor **out)
{
    const int seen = look_at(op, in, n_in);
    if (seen < 0)
        return -1;
    if (__builtin_expect((seen & HONE__HALF) || hone__autocast_dtype != HONE__F32, 0))
        return run_halves(op, in, n_in, options, target, out, seen);
    return run_as(op, in, n_in, options, target, out, seen, NULL);
}

static __attribute__((noinline)) int run_unwatched(const hone__op *op, hone_tensor *const *in,
                                                   int n_in, const void *options,
                                                   hone__target target, hone_tensor **out)
{
    return run_plain(op, in, n_in, options, target, out);
}

hone__observer hone__observed;

/* Somebody looks on: a tool at the probes, a profile. */
static __attribute__((noinline)) int run_watched(const hone__op *op, hone_tensor *const *in,
                                                 int n_in, const void *options, hone__target target,
                                                 hone_tensor **out)
{
    const char *name = hone__name_of_call(op, options);
    HONE__PROBE_BEGIN(name, n_in > 0 ? in[0] : NULL, n_in);
    const int n = hone__profiled()
                      ? hone__observed.op(op, in, n_in, options, target, out, run_unwatched)
                      : run_unwatched(op, in, n_in, options, target, out);
    HONE__PROBE_END(name, n);
    return n;
}

/* The first call of all, or one that somebody looks on at. */
static __attribute__((noinline)) int run_otherwise(const hone__op *op, hone_tensor *const *in,
                                                   int n_in, const void *options,
                                                   hone__target target, hone_tensor **out)
{
    if (!hone__ready())
        return -1;
    return hone__watched() ? run_watched(op, in, n_in, options, target, out)
                           : run_unwatched(op, in, n_in, options, target, out);
}

int hone__run(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
              hone__target target, hone_tensor **out)
{
    if (__builtin_expect(hone__quiet(), 1))
        return run_plain(op, in, n_in, options, target, out);
    return run_otherwise(op, in, n_in, options, target, out);
}

/* What a call of one result may make besides it: hidden outputs. */
static hone_tensor *run_first(const hone__op *op, hone_tensor *const *in, int n_in,
                              const void *options, hone__target target)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    return hone__run(op, in, n_in, options, target, out) > 0 ? out[0] : NULL;
}

hone_tensor *hone__call(const hone__op *op, hone_tensor *const *in, int n_in, const void *options)
{
    return run_first(op, in, n_in, options, HONE__INTO_FRESH);
}

hone_tensor *hone__call_(const hone__op *op, hone_tensor *const *in, int n_in, const void *options)
{
    return run_first(op, in, n_in, options, HONE__INTO_FIRST);
}

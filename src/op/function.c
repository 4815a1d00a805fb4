/* function.c: the user's own differentiable functions: each is a call of one op, whose options hold
 * the function and what it keeps for its backward. */
#include "op/node.h"
#include "op/observe.h"

#include "runtime/memory.h"

#include <string.h>

enum { DATA_BYTES = 64 };

typedef struct {
    const hone_function *function; /* first */
    char data[DATA_BYTES];
} function_options;

static function_options *options_of(hone_context *ctx)
{
    return hone__options(ctx);
}

static const hone_function *function_of(const hone_context *ctx)
{
    const hone_function *function;
    memcpy(&function, ctx->options, sizeof function);
    return function;
}

static const char *name_of(const hone_function *function)
{
    return function->name ? function->name : "function";
}

const char *hone__call_name(const hone_context *ctx)
{
    return ctx->op == &hone__op_function ? name_of(function_of(ctx)) : ctx->op->name;
}

const char *hone__name_of_call(const hone__op *op, const void *options)
{
    const hone_function *function;
    if (op != &hone__op_function || !options)
        return op->name;
    memcpy(&function, options, sizeof function);
    return name_of(function);
}

int hone__call_dims(const hone_context *ctx)
{
    return ctx->op->dims;
}

/* ---- what it keeps */

hone_status hone_save_for_backward(hone_context *ctx, int n, hone_tensor *const *tensors)
{
    if (!ctx || !tensors)
        return hone__error_null("save_for_backward");
    for (int i = 0; i < n; i++)
        if (!hone__needs_tensor_or_none("save_for_backward", tensors[i]))
            return hone__error_last();
    return hone__save(ctx, n, tensors) ? HONE_OK : hone__error_last();
}

hone_status hone_save_data(hone_context *ctx, const void *data, size_t bytes)
{
    if (!ctx || !data)
        return hone__error_null("save_data");
    if (bytes > DATA_BYTES)
        return hone_error_set(HONE_E_VALUE, "save_data: %zu bytes, at most %d fit", bytes,
                              (int)DATA_BYTES);
    memcpy(options_of(ctx)->data, data, bytes);
    return HONE_OK;
}

const void *hone_saved_data(hone_context *ctx)
{
    return ctx ? options_of(ctx)->data : NULL;
}

/* ---- forward */

/* An input that a forward hands back, or a tensor with a history of its own, gets a fresh handle
 * for this node to be tied to. */
static bool make_fresh(const hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *t = *out;
    bool known = t->node || t->requires_grad;
    for (int i = 0; i < n_in; i++)
        known = known || in[i] == t;
    if (known)
        *out = t = hone__own(hone__alias(t, t->ndim, t->shape, t->stride, t->offset));
    for (int i = 0; t && i < n_in; i++)
        if (hone__is_real(in[i]) && in[i]->storage == t->storage && !t->hides_history)
            hone__mark_view(t, in[i], ctx->recording);
    return t != NULL;
}

/* What a forward changes in place has another history than the graph would say. */
static bool inputs_unchanged(const hone_context *ctx, hone_tensor *const *in, int n_in)
{
    for (int i = 0; ctx->recording && i < n_in; i++) {
        if (!ctx->edges[i].needs || hone__version(in[i]) == ctx->edges[i].version)
            continue;
        hone_error_set(HONE_E_STATE,
                       "%s: its forward changed operand %d (%s), which requires a gradient, in "
                       "place; clone it there first",
                       hone__call_name(ctx), i, hone__tensor_text(in[i]).s);
        return false;
    }
    return true;
}

/* The number of outputs; negative: failed. */
static int forward_any(const hone_function *fn, hone_context *ctx, hone_tensor *const *in, int n_in,
                       hone_tensor **out)
{
    if (fn->forward_n)
        return fn->forward_n(ctx, in, n_in, out);
    out[0] = fn->forward(ctx, in, n_in);
    return out[0] ? 1 : -1;
}

static bool function_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const uint64_t errors = hone__error_count();
    int n = forward_any(function_of(ctx), ctx, in, n_in, out);
    if (n > HONE_MAX_OUTPUTS) {
        hone_error_set(HONE_E_VALUE,
                       "%s: the forward says it gave %d outputs, at most %d are possible",
                       hone__call_name(ctx), n, HONE_MAX_OUTPUTS);
        n = -1;
    }
    if (n >= 0 && (hone__error_since(errors) || !inputs_unchanged(ctx, in, n_in)))
        n = -1;
    for (int i = 0; i < n; i++)
        if (!out[i] || !hone__needs_tensor(hone__call_name(ctx), out[i]) ||
            !make_fresh(ctx, in, n_in, &out[i]))
            n = -1;
    if (n < 0 && !hone__error_since(errors))
        hone_error_set(HONE_E_NULL, "%s: the forward gave no tensor and no reason",
                       hone__call_name(ctx));
    ctx->n_out = n > 0 ? n : 0;
    return n >= 0;
}

/* ---- backward */

static void function_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone_function *fn = function_of(ctx);
    if (fn->forward_n && fn->backward_n)
        fn->backward_n(ctx, dy, dx);
    else if (fn->backward)
        fn->backward(ctx, dy[0], dx);
    else
        hone_error_set(HONE_E_STATE, "%s: it has no backward", hone__call_name(ctx));
}

const hone__op hone__op_function = {
    .name = "function",
    .forward = function_forward,
    .backward = function_backward,
    .in = { { "in", HONE__OPTIONAL | HONE__LIST } },
    .out = { { "out", HONE__LIST } },
    .options_bytes = sizeof(function_options),
};

/* ---- the call */

static int apply(const hone_function *fn, hone_tensor *const *in_then_end, hone_tensor **out)
{
    const char *name = fn && fn->name ? fn->name : "apply";
    int n_in = 0;
    if (!fn || !in_then_end || (!fn->forward && !fn->forward_n)) {
        hone__error_missing(name, in_then_end ? "a function with a forward" : "a tensor");
        return -1;
    }
    for (; in_then_end[n_in] != HONE_END_TENSOR; n_in++)
        if (!hone__needs_tensor_or_none(name, in_then_end[n_in]))
            return -1;
    const function_options options = { .function = fn };
    return hone__run(&hone__op_function, in_then_end, n_in, &options, HONE__INTO_FRESH, out);
}

hone_tensor *hone_apply_v(const hone_function *fn, hone_tensor *const *in_then_end)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    int n = apply(fn, in_then_end, out);
    if (n >= 0 && n != 1)
        hone_error_set(HONE_E_VALUE, "%s: it has %d outputs; call it with hone_apply_list",
                       fn->name ? fn->name : "apply", n);
    return n == 1 ? out[0] : NULL;
}

hone_tensor_list hone_apply_list_v(const hone_function *fn, hone_tensor *const *in_then_end)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    int n = apply(fn, in_then_end, out);
    return n < 0 ? (hone_tensor_list){ NULL, 0 } : hone_list_n(out, n);
}

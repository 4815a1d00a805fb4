/* function.c: the user's own differentiable functions. */
#include "autograd/node.h"

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

static int forward_any(const hone_function *fn, hone_context *ctx, hone_tensor *const *in, int n_in,
                       hone_tensor **out)
{
    if (fn->forward_n)
        return fn->forward_n(ctx, in, n_in, out);
    out[0] = fn->forward(ctx, in, n_in);
    return out[0] ? 1 : -1;
}

/* Runs the forward without recording, in a scope of its own; the outputs go to the caller's scope.
 * Returns how many, -1 on error. */
static int run_forward(const hone_function *fn, hone_context *ctx, hone_tensor *const *in, int n_in,
                       hone_tensor **out)
{
    uint64_t errors = hone__error_count();
    bool enabled = hone_set_grad_enabled(false);
    hone_scope scope = hone_scope_enter();
    int n = forward_any(fn, ctx, in, n_in, out);
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
            !make_fresh(ctx, in, n_in, &out[i]) || !hone_scope_return(out[i]))
            n = -1;
    hone_scope_leave(scope);
    hone_set_grad_enabled(enabled);
    if (n < 0 && !hone__error_since(errors))
        hone_error_set(HONE_E_NULL, "%s: the forward gave no tensor and no reason",
                       hone__call_name(ctx));
    return n;
}

static int apply(const hone_function *fn, hone_tensor *const *in_then_end, hone_tensor **out)
{
    const char *name = fn && fn->name ? fn->name : "apply";
    int n_in = 0;
    if (!fn || !in_then_end || (!fn->forward && !fn->forward_n)) {
        hone__error_missing(name, in_then_end ? "a function with a forward" : "a tensor");
        return -1;
    }
    if (!hone__ready())
        return -1;
    for (; in_then_end[n_in] != HONE_END_TENSOR; n_in++)
        if (!hone__needs_tensor_or_none(name, in_then_end[n_in]))
            return -1;
    hone_context stack, *ctx = hone__begin(&stack, NULL, fn, in_then_end, n_in);
    if (!ctx)
        return -1;
    int n =
        hone__may_run(ctx, in_then_end, n_in) ? run_forward(fn, ctx, in_then_end, n_in, out) : -1;
    return hone__finish(ctx, out, n, n <= 0) ? n : -1;
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

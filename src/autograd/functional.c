/* functional.c: vjp, jvp, jacobian, hessian, gradients of each sample: by hone_autograd_grad. */
#include "core/core.h"

#include <hone/functional.h>
#include <hone/ops.h>

static const hone_tensor_list failed = { NULL, 0 };

static bool whole(const char *name, hone_tensor_list list)
{
    for (int i = 0; i < list.n && list.at; i++)
        if (!hone__needs_tensor(name, list.at[i]))
            return false;
    if (list.at && list.n > 0)
        return true;
    hone__error_null(name);
    return false;
}

/* Inputs that gradients can be asked of: themselves if they are leaves that do, else detached copies. */
static hone_tensor_list as_leaves(const char *name, hone_tensor_list inputs)
{
    if (!whole(name, inputs))
        return failed;
    hone_tensor_list leaves = hone__list_new(inputs.n);
    for (int i = 0; i < leaves.n; i++) {
        hone_tensor *x = inputs.at[i];
        const bool leaf = hone_requires_grad(x) && hone_is_leaf(x);
        leaves.at[i] = leaf ? x : hone_requires_grad_(hone_clone(hone_detach(x)), true);
        if (!leaves.at[i])
            return failed;
    }
    return leaves;
}

/* Runs fn while recording. */
static hone_tensor *called(hone_checkable fn, void *user, hone_tensor_list inputs)
{
    const bool enabled = hone_set_grad_enabled(true);
    hone_tensor *y = fn(inputs.at, inputs.n, user);
    hone_set_grad_enabled(enabled);
    return y;
}

/* Gradients of y, weighted by v; zeros for what y doesn't depend on. */
static hone_tensor_list gradients(hone_tensor *y, hone_tensor *v, hone_tensor_list inputs,
                                  bool create_graph, bool retain_graph)
{
    hone_autograd_options o = { .create_graph = create_graph,
                                .retain_graph = retain_graph,
                                .allow_unused = true };
    if (v)
        o.grad_outputs = hone_list(v);
    hone_tensor_list d = hone_autograd_grad(hone_list(y), inputs, &o);
    for (int i = 0; d.at && i < d.n; i++)
        if (d.at[i] == HONE_NONE && !(d.at[i] = hone_zeros_like(inputs.at[i])))
            return failed;
    return d;
}

static bool constant(const char *name, hone_tensor *y)
{
    if (!y)
        return true;
    if (hone_requires_grad(y))
        return false;
    hone_error_set(HONE_E_STATE, "%s: the function's result %s depends on no input by a gradient",
                   name, hone__tensor_text(y).s);
    return true;
}

hone_tensor_list hone_vjp(hone_checkable fn, void *user, hone_tensor_list inputs, hone_tensor *v,
                          hone_tensor **y)
{
    if (v != HONE_NONE && !hone__needs_tensor("vjp", v))
        return failed;
    hone_tensor_list leaves = as_leaves("vjp", inputs);
    hone_tensor *out = leaves.at ? called(fn, user, leaves) : NULL;
    if (y)
        *y = out ? hone_detach(out) : NULL;
    return constant("vjp", out) ? failed
                                : gradients(out, v == HONE_NONE ? NULL : v, leaves, false, false);
}

hone_tensor *hone_jvp(hone_checkable fn, void *user, hone_tensor_list inputs,
                      hone_tensor_list tangents, hone_tensor **y)
{
    hone_tensor_list leaves = as_leaves("jvp", inputs);
    if (!leaves.at || !whole("jvp: tangents", tangents))
        return NULL;
    if (tangents.n != leaves.n) {
        hone_error_set(HONE_E_SHAPE, "jvp: %d inputs but %d tangents", leaves.n, tangents.n);
        return NULL;
    }
    for (int i = 0; i < leaves.n; i++)
        if (!hone__same_shape(leaves.at[i], tangents.at[i])) {
            hone_error_set(HONE_E_SHAPE, "jvp: input %d is %s, its tangent %s", i,
                           hone__tensor_text(leaves.at[i]).s, hone__tensor_text(tangents.at[i]).s);
            return NULL;
        }
    hone_tensor *out = called(fn, user, leaves);
    if (y)
        *y = out ? hone_detach(out) : NULL;
    if (constant("jvp", out))
        return NULL;
    const bool enabled = hone_set_grad_enabled(true);
    hone_tensor *v = hone_requires_grad_(hone_zeros_like(hone_detach(out)), true), *sum = NULL;
    const hone_tensor_list d = v ? gradients(out, v, leaves, true, true) : failed;
    for (int i = 0; d.at && i < d.n; i++) {
        hone_tensor *part = hone_sum(hone_mul(d.at[i], tangents.at[i]));
        sum = sum ? hone_add(sum, part) : part;
    }
    hone_set_grad_enabled(enabled);
    if (!d.at || !sum)
        return NULL;
    return hone_requires_grad(sum) ? gradients(sum, NULL, hone_list(v), false, false).at[0]
                                   : hone_zeros_like(v);
}

/* ---- whole Jacobians: a row for each element of y */

static hone_tensor *with_shape(hone_tensor *rows, const hone_tensor *y, const hone_tensor *x)
{
    int64_t shape[2 * HONE_MAX_DIMS + 1];
    int n = 0;
    for (int d = 0; d < y->ndim; d++)
        shape[n++] = y->shape[d];
    for (int d = 0; d < x->ndim; d++)
        shape[n++] = x->shape[d];
    shape[n] = HONE_END_DIM;
    return hone_reshape_v(rows, shape);
}

static hone_tensor_list rows_of(const char *name, hone_tensor *y, hone_tensor_list leaves)
{
    const int64_t n = y->numel;
    hone_tensor_list result = hone__list_new(leaves.n);
    for (int i = 0; i < leaves.n; i++) {
        hone_tensor *x = leaves.at[i];
        if (y->ndim + x->ndim > HONE_MAX_DIMS) {
            hone_error_set(HONE_E_SHAPE, "%s: %s by %s has more than %d dims", name,
                           hone__tensor_text(y).s, hone__tensor_text(x).s, HONE_MAX_DIMS);
            return failed;
        }
        if (!(result.at[i] = hone_zeros((hone_dtype)y->dtype, n, x->numel)))
            return failed;
    }
    for (int64_t k = 0; k < n; k++) {
        HONE_SCOPE();
        hone_tensor *v = hone_zeros_like(hone_detach(y)), *one = hone_reshape(v, -1);
        if (!one || !hone_fill_(hone_select(one, 0, k), 1))
            return failed;
        const hone_tensor_list d = gradients(y, v, leaves, false, true);
        for (int i = 0; i < leaves.n; i++)
            if (!d.at || !hone_copy_(hone_select(result.at[i], 0, k),
                                     hone_reshape(hone_detach(d.at[i]), -1)))
                return failed;
    }
    for (int i = 0; i < leaves.n; i++)
        if (!(result.at[i] = with_shape(result.at[i], y, leaves.at[i])))
            return failed;
    return result;
}

hone_tensor_list hone_jacobian(hone_checkable fn, void *user, hone_tensor_list inputs)
{
    hone_tensor_list leaves = as_leaves("jacobian", inputs);
    hone_tensor *y = leaves.at ? called(fn, user, leaves) : NULL;
    HONE_NO_GRAD();
    return constant("jacobian", y) ? failed : rows_of("jacobian", y, leaves);
}

hone_tensor_list hone_hessian(hone_checkable fn, void *user, hone_tensor_list inputs)
{
    hone_tensor_list leaves = as_leaves("hessian", inputs);
    hone_tensor *y = leaves.at ? called(fn, user, leaves) : NULL;
    if (constant("hessian", y))
        return failed;
    hone_tensor_list d = gradients(y, NULL, leaves, true, true);
    hone_tensor_list result = d.at ? hone__list_new(d.n * d.n) : failed;
    HONE_NO_GRAD();
    for (int i = 0; i < d.n && result.at; i++) {
        hone_tensor_list row = failed;
        if (hone_requires_grad(d.at[i]))
            row = rows_of("hessian", d.at[i], leaves);
        for (int j = 0; j < d.n; j++) {
            if (hone_requires_grad(d.at[i]) && !row.at)
                return failed;
            hone_tensor *none =
                row.at ? NULL
                       : hone_zeros((hone_dtype)y->dtype, d.at[i]->numel, leaves.at[j]->numel);
            result.at[i * d.n + j] = row.at ? row.at[j] : with_shape(none, d.at[i], leaves.at[j]);
            if (!result.at[i * d.n + j])
                return failed;
        }
    }
    return result;
}

/* ---- each sample alone */

hone_tensor_list hone_sample_gradients(hone_checkable fn, void *user, hone_tensor_list inputs,
                                       hone_tensor_list parameters)
{
    if (!whole("sample_gradients", inputs) || !whole("sample_gradients: parameters", parameters))
        return failed;
    const int64_t n = inputs.at[0]->ndim ? inputs.at[0]->shape[0] : -1;
    for (int i = 0; i < inputs.n; i++)
        if (inputs.at[i]->ndim == 0 || inputs.at[i]->shape[0] != n) {
            hone_error_set(HONE_E_SHAPE,
                           "sample_gradients: input %d is %s, %lld samples are wanted", i,
                           hone__tensor_text(inputs.at[i]).s, (long long)n);
            return failed;
        }
    hone_tensor_list result = hone__list_new(parameters.n);
    for (int i = 0; i < result.n; i++) {
        const hone_tensor *p = parameters.at[i];
        int64_t shape[HONE_MAX_DIMS + 3] = { p->dtype, n };
        if (p->ndim == HONE_MAX_DIMS) {
            hone_error_set(HONE_E_SHAPE, "sample_gradients: parameter %d has %d dims", i, p->ndim);
            return failed;
        }
        for (int d = 0; d < p->ndim; d++)
            shape[2 + d] = p->shape[d];
        shape[2 + p->ndim] = HONE_END_DIM;
        if (!(result.at[i] = hone_zeros_v(shape)))
            return failed;
    }
    for (int64_t k = 0; k < n; k++) {
        HONE_SCOPE();
        hone_tensor_list sample = hone__list_new(inputs.n);
        for (int i = 0; i < sample.n; i++)
            if (!(sample.at[i] = hone_slice(inputs.at[i], 0, k, k + 1, 1)))
                return failed;
        hone_tensor *y = sample.at ? called(fn, user, sample) : NULL;
        const hone_tensor_list d =
            constant("sample_gradients", y) ? failed : gradients(y, NULL, parameters, false, false);
        HONE_NO_GRAD();
        for (int i = 0; i < parameters.n; i++)
            if (!d.at || !hone_copy_(hone_select(result.at[i], 0, k), d.at[i]))
                return failed;
    }
    return result;
}
